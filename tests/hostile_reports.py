"""Reports whose names and messages are chosen to break out of what they are shown in."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from perfkit.model import (
    BenchmarkId,
    BudgetResult,
    Comparison,
    Culprit,
    Environment,
    Interval,
    LeakResult,
    LeakSite,
    LeakState,
    Report,
    Revision,
    Shard,
    Shift,
    Status,
    Summary,
    Unit,
    Verdict,
    WaiverResult,
    WaiverState,
)
from perfkit.reporting.document import to_values

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


# Numbers: what a stranger can write where perfkit writes one.

NUMBERS = (
    -1, -0.5, 0, 5e-324, 0.5, 1, 7, 1e308, -1e308, 10**30, -(10**30), 10**400, math.inf, -math.inf,
    math.nan, "Infinity", "-Infinity", "NaN", "1e999", True, None,
)  # fmt: skip

MEASURED = row("measured", Verdict.INCONCLUSIVE)
SITE = LeakSite(
    place="a.py:1 f", bytes_per_iteration=9.5, blocks_per_iteration=1.5, bytes_interval=(9.0, 10.0)
)
LEAK = LeakResult(
    target="a:b", state=LeakState.LEAK, ceiling=1.0, iterations=9, sites=(SITE,), unplaced=0.5
)
BUDGET = BudgetResult(
    name="quick", statistic="p95", limit=0.2, unit=Unit.SECONDS, status=Status.FAILED,
    measured=Interval(0.25, 0.3, math.inf, 0.95), n=60,
)  # fmt: skip
NUMBERED = Report(
    command="check",
    base=Revision(label="base", commit="a" * 40),
    head=Revision(label="head", commit="b" * 40),
    environment=Environment(
        label="ci", cpu="Some CPU", cores=2, memory_bytes=2**33, system="Linux", kernel="6.1",
        libc="glibc 2.36", python="3.12.4", governor=None, quota_cores=1.5, packages_digest="abc",
        load=0.5, affinity=(0, 1),
    ),
    comparisons=(
        replace(
            MEASURED,
            head=Summary(median=2.0, low=1.5, high=2.5, n=6, values=(1.5, 2.5)),
            shift=Shift(
                verdict=Verdict.INCONCLUSIVE, ratio=Interval(-math.inf, 2.0, 3.0, 0.95),
                p_value=0.5, floor=0.05, n_base=6, n_head=6, design="interleaved",
                smallest_visible_effect=math.inf, rounds_needed=80,
            ),
            first=MEASURED.shift,
        ),
        replace(
            row("regressed"),
            p_adjusted=0.01,
            threshold=0.05,
            culprits=(
                Culprit(
                    function="f", place="a.py:1", base=0.1, head=1.1, explained=1.0,
                    p_adjusted=0.01, significant=True,
                ),
            ),
        ),
        replace(row("size", Verdict.IMPROVED, 0.5), unit=Unit.BYTES),
        replace(row("count", Verdict.UNCHANGED, 1.0), unit=Unit.COUNT),
    ),
    budgets=(BUDGET, replace(BUDGET, statistic="availability", unit=Unit.COUNT)),
    leaks=(LEAK,),
    waivers=(
        WaiverResult(
            kind="waiver", pattern="x", metric=None, ceiling=0.5, expires="2026-01-31", issue="#1",
            reason="known", state=WaiverState.EXCEEDED,
        ),
        WaiverResult(
            kind="leak waiver", pattern="x", metric=None, ceiling=64.0, expires="2026-01-31",
            issue="#1", reason="known", state=WaiverState.HOLDS,
        ),
    ),
    rounds=6,
    seconds=130.5,
    shard=Shard(
        index=1, count=2, project="p", suite="s", version="1", alpha=0.05,
        expected=(BenchmarkId("measured"),), budgets=(BUDGET,), leaks=(LEAK,),
    ),
)  # fmt: skip
"""A report with every kind of number in it."""


def enveloped(report: Report) -> dict[str, Any]:
    """Return the document that perfkit writes of ``report``."""
    header = {"schema": 1, "version": "0", "command": report.command}
    status, code = str(report.status), int(report.exit_code())
    return {"perfkit": header, "status": status, "exit_code": code, **to_values(report)}


def places_of(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401  # any JSON value
    """Yield the place of every number within a document."""
    match value:
        case dict():
            for key, one in value.items():
                yield from places_of(one, (*place, key))
        case list():
            for index, one in enumerate(value):
                yield from places_of(one, (*place, index))
        case bool():
            pass
        case int() | float() | "Infinity" | "-Infinity":
            yield place


def replaced(place: tuple[Any, ...], number: object) -> dict[str, Any]:
    """Return the document of :data:`NUMBERED` with one number replaced."""
    document = enveloped(NUMBERED)
    within: Any = document
    for key in place[:-1]:
        within = within[key]
    within[place[-1]] = number
    return document


PLACES = sorted(places_of(enveloped(NUMBERED)), key=str)
documents = st.builds(replaced, st.sampled_from(PLACES), st.sampled_from(NUMBERS))
