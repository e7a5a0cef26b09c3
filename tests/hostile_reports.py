"""Reports whose names and messages are chosen to break out of what they are shown in."""

from hypothesis import strategies as st

from perfkit.model import (
    BenchmarkId,
    BudgetResult,
    Comparison,
    Interval,
    LeakResult,
    LeakSite,
    LeakState,
    Report,
    Revision,
    Shift,
    Status,
    Summary,
    Unit,
    Verdict,
)

HOSTILE = (
    "|", "`", "``", "<script>alert(1)</script>", "@team", "@", "#123", "#", "\n", "\n\n", "\r",
    "-->",
    "<!--", "::error::x", "\u202e", "\u2066", "\u200b", "\u200d", "</details>", "<details>",
    "</summary>", "[link](http://evil.example)", "http://evil.example/a", "www.evil.example",
    "WWW.", "![image](x)", "**bold**", "_", "~~", "$(date)", "$x$", "\x1b[31m", ":tada:", "GH-12",
    "me@evil.example", "!7", "~label", "%v1", "&amp;", "&#64;team", "\\", "<", ">", "\t", "/close",
    "\n/close\n", "\n# title", "\n- item", "    code", "<![CDATA[", "<?php", "[vulnerability:1]",
    "שלום", "مرحبا", "अ", "e\u0301", "🔥", "\ud800", "\x00", "\u2028", '"', "'", "=", "-", "+",
)  # fmt: skip

texts = st.lists(
    st.sampled_from(HOSTILE) | st.text(max_size=8) | st.sampled_from(("a", "b.time_x", "(n=10)")),
    max_size=8,
).map("".join)
ratios = st.floats(0.01, 100)
shifts = st.builds(
    lambda low, middle, high: Shift(
        verdict=Verdict.REGRESSED,
        ratio=Interval(*sorted((low, middle, high)), 0.95),
        p_value=0.01,
        floor=0.05,
        n_base=6,
        n_head=6,
        design="interleaved",
    ),
    ratios,
    ratios,
    ratios,
)
sides = st.none() | st.floats(1e-9, 1e6).map(lambda v: Summary(median=v, low=v, high=v, n=6))
rows = st.builds(
    Comparison,
    benchmark=st.builds(BenchmarkId, texts, st.lists(texts, max_size=2).map(tuple)),
    unit=st.sampled_from(Unit),
    verdict=st.sampled_from(Verdict),
    base=sides,
    head=sides,
    shift=st.none() | shifts,
    reason=texts,
    waived=st.just("") | texts,
    warnings=st.lists(texts, max_size=2).map(tuple),
)
revisions = st.builds(Revision, label=texts, commit=texts)
reports = st.builds(
    Report,
    command=st.just("check"),
    base=revisions,
    head=revisions,
    comparisons=st.lists(rows, max_size=14).map(tuple),
    budgets=st.lists(
        st.builds(
            BudgetResult,
            name=texts,
            statistic=st.just("p95"),
            limit=ratios,
            unit=st.sampled_from(Unit),
            status=st.sampled_from(Status),
            reason=texts,
        ),
        max_size=2,
    ).map(tuple),
    leaks=st.lists(
        st.builds(
            LeakResult,
            target=texts,
            state=st.sampled_from(LeakState),
            ceiling=st.just(0.0),
            iterations=st.just(9),
            sites=st.lists(
                st.builds(
                    LeakSite, place=texts, bytes_per_iteration=ratios, blocks_per_iteration=ratios
                ),
                max_size=2,
            ).map(tuple),
            reason=texts,
        ),
        max_size=2,
    ).map(tuple),
    warnings=st.lists(texts, max_size=2).map(tuple),
    interrupted=st.booleans(),
)


def row(name: str, verdict: Verdict = Verdict.REGRESSED, ratio: float = 2.0) -> Comparison:
    side = Summary(median=1.0, low=1.0, high=1.0, n=6)
    shift = Shift(
        verdict=verdict, ratio=Interval(ratio, ratio, ratio, 0.95), p_value=0.001, floor=0.05,
        n_base=6, n_head=6, design="interleaved",
    )  # fmt: skip
    return Comparison(
        benchmark=BenchmarkId(name), unit=Unit.SECONDS, verdict=verdict, base=side, head=side,
        shift=shift,
    )  # fmt: skip
