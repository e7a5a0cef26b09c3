"""What people read: golden texts of one report that holds every kind of row, and properties."""

import json
import math
from dataclasses import replace
from io import StringIO
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from perfkit.errors import UsageError
from perfkit.model import (
    BenchmarkId,
    BudgetResult,
    Comparison,
    Environment,
    Interval,
    LeakResult,
    LeakSite,
    LeakState,
    Report,
    Revision,
    Sample,
    Shift,
    Status,
    Summary,
    Unit,
    Verdict,
)
from perfkit.model.run import Run
from perfkit.reporting import schema
from perfkit.reporting.document import from_text, to_values
from perfkit.reporting.headline import advice, counts, headline, sorted_rows
from perfkit.reporting.markdown import report_markdown
from perfkit.reporting.row_text import budget_text
from perfkit.reporting.run_text import run_text, run_values
from perfkit.reporting.terminal import report_text

GOLDEN = Path(__file__).with_name("golden")
PUBLISHED = Path(__file__).parents[2] / "docs" / "schema" / "report.schema.json"

ENVIRONMENT = Environment(
    label="ci",
    cpu="Some CPU @ 2.00GHz",
    cores=2,
    memory_bytes=8 * 2**30,
    system="Linux",
    kernel="6.1",
    libc="glibc 2.36",
    python="3.12.4",
    governor=None,
    quota_cores=None,
    packages_digest="abc",
    load=None,
)


def shift(verdict: Verdict, low: float, estimate: float, high: float, **more: object) -> Shift:
    values: dict[str, object] = {
        "p_value": 0.0004, "floor": 0.05, "n_base": 12, "n_head": 12, "design": "interleaved"
    }  # fmt: skip
    return Shift(
        verdict=verdict,
        ratio=Interval(low, estimate, high, 0.99),
        **(values | more),  # type: ignore[arg-type]
    )


def row(
    name: str,
    verdict: Verdict,
    base: float | None,
    head: float | None,
    unit: Unit = Unit.SECONDS,
    **more: object,
) -> Comparison:
    def side(median: float | None) -> Summary | None:
        if median is None:
            return None
        return Summary(median=median, low=median * 0.98, high=median * 1.02, n=12)

    return Comparison(
        benchmark=BenchmarkId(*name.split("|")[:1], tuple(name.split("|")[1:])),
        unit=unit,
        verdict=verdict,
        base=side(base),
        head=side(head),
        **more,  # type: ignore[arg-type]
    )


REGRESSED = row(
    "suite.time_index|'a'",
    Verdict.REGRESSED,
    0.01234,
    0.02851,
    shift=shift(Verdict.REGRESSED, 2.27, 2.31, 2.36),
    p_adjusted=0.0008,
    threshold=0.05,
)
UNCHANGED = row(
    "suite.time_parse", Verdict.UNCHANGED, 0.1, 0.1003,
    shift=shift(Verdict.UNCHANGED, 0.992, 1.003, 1.011),
)  # fmt: skip
FULL = Report(
    command="check",
    base=Revision(label="merge base with main", commit="a" * 40, subject="before"),
    head=Revision(label="working tree", commit="b" * 40, dirty=True, subject="after"),
    environment=ENVIRONMENT,
    comparisons=(
        UNCHANGED,
        replace(UNCHANGED, benchmark=BenchmarkId("suite.time_render")),
        REGRESSED,
        row(
            "suite.time_known", Verdict.REGRESSED, 1.0, 1.2,
            shift=shift(Verdict.REGRESSED, 1.18, 1.2, 1.21),
            waived="slow until the next release (#7, until 2026-01-31)",
        ),
        row(
            "suite.peakmem_all", Verdict.IMPROVED, 5.2e7, 2.6e7, Unit.BYTES,
            shift=shift(Verdict.IMPROVED, 0.49, 0.5, 0.51),
        ),
        row(
            "suite.time_noisy", Verdict.INCONCLUSIVE, 0.00123, 0.00131,
            shift=shift(Verdict.INCONCLUSIVE, 0.9, 1.06, 1.3, rounds_needed=80),
            warnings=("the outcome differs between processes: count 1, count 2",),
        ),
        row(
            "suite.time_work", Verdict.DIFFERENT_WORK, 0.5, 0.1,
            outcome_base="count 9", outcome_head="count 0",
            reason="outcome was count 9, is count 0",
        ),
        row("suite.time_crash", Verdict.FAILED, 0.5, None, reason="killed by SIGSEGV"),
        row("suite.time_gone", Verdict.MISSING, 0.5, None, reason="not in the suite of head"),
        row("suite.track_new", Verdict.NEW, None, 1234.0, Unit.COUNT, reason="not on base"),
    ),
    budgets=(
        BudgetResult(
            name="quick", statistic="median", limit=0.2, unit=Unit.SECONDS, status=Status.PASSED,
            measured=Interval(0.099, 0.1, 0.101, 0.95), n=60,
        ),
        BudgetResult(
            name="tail", statistic="p95", limit=0.2, unit=Unit.SECONDS, status=Status.FAILED,
            measured=Interval(0.25, 0.3, 0.4, 0.95), n=60,
        ),
        BudgetResult(
            name="open", statistic="median", limit=1.0, unit=Unit.SECONDS,
            status=Status.INCONCLUSIVE, reason="too few processes for an interval",
            measured=Interval(float("-inf"), 0.3, float("inf"), 0.95), n=2,
        ),
        BudgetResult(
            name="gone", statistic="max", limit=3.0, unit=Unit.COUNT, status=Status.ERROR,
            reason="not measured",
        ),
    ),
    leaks=(
        LeakResult(target="app:clean", state=LeakState.CLEAN, ceiling=0.0, iterations=200),
        LeakResult(
            target="app:keeps", state=LeakState.LEAK, ceiling=0.0, iterations=2000,
            sites=(
                LeakSite(
                    place="app.py:3 keeps", bytes_per_iteration=5033.2, blocks_per_iteration=1.0,
                    stack=("app.py:3 keeps", "app.py:9 main"),
                ),
            ),
            reason="grows at a held slope",
        ),
        LeakResult(
            target="app:absent", state=LeakState.FAILED, ceiling=0.0, iterations=0,
            reason="app has no absent",
        ),
    ),
    rounds=24,
    seconds=95.4,
    warnings=("the requirements differ (rich>=13), but both sides were measured alike",),
)  # fmt: skip
PASSED = replace(
    FULL, comparisons=FULL.comparisons[:2], budgets=FULL.budgets[:1], leaks=FULL.leaks[:1],
    warnings=(),
)  # fmt: skip
NOTHING = Report(command="compare")


def shown(renderable: object, width: int = 120) -> str:
    console = Console(file=StringIO(), width=width, highlight=False, emoji=False)
    console.print(renderable)
    assert isinstance(console.file, StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


REPORTS = {"full": FULL, "passed": PASSED, "nothing": NOTHING}


@pytest.mark.parametrize("name", REPORTS)
def test_the_terminal_report(name: str) -> None:
    text = shown(report_text(REPORTS[name]))
    assert text == (GOLDEN / f"report_{name}.txt").read_text("utf-8")


@pytest.mark.parametrize("name", REPORTS)
def test_the_comment(name: str) -> None:
    text = report_markdown(REPORTS[name])
    assert text == (GOLDEN / f"comment_{name}.md").read_text("utf-8")


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_a_narrow_terminal_shows_every_verdict_whole(width: int) -> None:
    text = shown(report_text(FULL), width)
    assert max(map(len, text.splitlines())) <= width
    words = " ".join(text.split())
    for said in (
        "✗ suite.time_index('a') 12.34 ms ±0.25 -> 28.51 ms ±0.57, x2.31 [x2.27, x2.36]",
        "x2.36] regressed: p 0.0008, floor 5 %, n 12+12",
        "! suite.time_gone 500.0 ms ±10.0 -> - missing: not in the suite of head",
        "✓ suite.track_new - -> 1.234 k ±0.02 new: not on base",
    ):
        assert said in words


def test_what_failed_for_one_reason_is_one_row() -> None:
    names = [f"suite.time_{letter}" for letter in "abcdefg"]
    failed = [row(name, Verdict.FAILED, 1.0, None, reason="no module named x") for name in names]
    other = row("suite.time_other", Verdict.FAILED, None, None, reason="killed by SIGSEGV")
    waived = replace(failed[0], benchmark=BenchmarkId("suite.time_w"), waived="known")
    report = Report(command="compare", comparisons=(*failed[:3], other, waived, *failed[3:]))
    text = " ".join(shown(report_text(report)).split())
    assert text.count("failed: no module named x") == 2  # the waived one is a row of its own
    assert "suite.time_d, suite.time_e and 2 more" in text
    assert "suite.time_f" not in text
    assert "8 of 9 benchmarks failed" in text
    assert all(name in shown(report_text(report, every_row=True)) for name in names)
    comment = report_markdown(report)
    (line,) = [line for line in comment.splitlines() if "no module" in line and "⛔" in line]
    assert line.count("<code>") == 5
    assert "</code><br>and 2 more benchmarks<br>no module named x | - | - | - | - |" in line
    # A row that takes the room of none is counted for all that it speaks of.
    many = [
        row(f"suite.time_{n}", Verdict.FAILED, None, None, reason=f"{n % 900} {'x' * 200}")
        for n in range(1800)
    ]
    cut = report_markdown(Report(command="compare", comparisons=tuple(many)))
    (rest,) = [int(line.split()[1]) for line in cut.splitlines() if line.startswith("and ")]
    assert rest == 1800 - 2 * cut.count("⛔")


@pytest.mark.parametrize("name", REPORTS)
def test_the_document_is_read_again_and_keeps_its_keys(name: str) -> None:
    report = REPORTS[name]
    values = to_values(report)
    assert from_text(enveloped(report), "here") == report
    assert set(values) == {
        "base", "head", "environment", "comparisons", "budgets", "leaks", "waivers",
        "differences", "impact", "rounds", "seconds", "interrupted", "warnings", "shard",
    }  # fmt: skip
    for kind, keys in {
        "comparisons": {
            "benchmark", "unit", "verdict", "base", "head", "shift", "first", "p_adjusted",
            "threshold", "outcome_base", "outcome_head", "reason", "waived", "quarantined",
            "floor_source", "why", "warnings", "culprits", "culprit_note", "status",
        },
        "budgets": {
            "name", "statistic", "limit", "unit", "status", "measured", "n", "why", "reason",
        },
        "leaks": {
            "target", "state", "ceiling", "iterations", "sites", "holders", "unplaced", "reason",
                "notes", "waived", "status",
        },
    }.items():  # fmt: skip
        assert all(set(value) == keys for value in values[kind])


def enveloped(report: Report) -> str:
    header = {"schema": 1, "version": "0", "command": report.command}
    status, code = str(report.status), int(report.exit_code())
    document = {"perfkit": header, "status": status, "exit_code": code, **to_values(report)}
    return json.dumps(document, allow_nan=False)


def test_the_published_schema_is_current_and_strict() -> None:
    published = json.loads(PUBLISHED.read_text("utf-8"))
    assert published == schema.report_schema(), "run: python -m perfkit.reporting.schema"
    validator = jsonschema.Draft202012Validator(published)
    validator.check_schema(published)
    for report in REPORTS.values():
        document = json.loads(enveloped(report))
        validator.validate(document)
        assert not validator.is_valid({**document, "surplus": 1})
        for key in document:
            assert not validator.is_valid({k: v for k, v in document.items() if k != key})


def test_the_schema_is_written(tmp_path: Path) -> None:
    schema.main([str(tmp_path / "report.json")])
    assert (tmp_path / "report.json").read_text("utf-8") == PUBLISHED.read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "found report schema None, wanted 1"),
        ('{"perfkit": 1}', "found report schema None"),
        ('{"perfkit": {"schema": 2}}', "found report schema 2, wanted 1"),
        ('{"perfkit": {"schema": 1}}', "command: "),
        ('{"perfkit": {"schema": 1, "command": "c"}, "rounds": "x"}', "rounds: "),
        ('{"perfkit": {"schema": 1, "command": "c"}, "surplus": 1}', "surplus: "),
        ('{"perfkit": {"schema": 1, "command": "c"}, "comparisons": [7]}', "comparisons.0: "),
        ('{"perfkit": {"schema": 1, "command": "c"}, "comparisons": 7}', "comparisons: "),
    ],
)
def test_what_is_no_report(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_text(text, "report.json")
    assert str(caught.value).startswith("report.json: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("place", "number", "said"),
    [
        ("seconds", math.inf, "seconds: found inf, wanted a finite number from 0 on"),
        ("seconds", math.nan, "seconds: found nan, wanted a finite number from 0 on"),
        ("seconds", "-Infinity", "seconds: found -inf, wanted a finite number from 0 on"),
        ("rounds", -1, "rounds: found -1, wanted a whole number from 0 to 2**53"),
        ("rounds", 10**300, f"rounds: found 1{'0' * 99}…, wanted a whole number from 0 to 2**53"),
        ("comparisons.2.shift.floor", -1, "found -1.0, wanted a finite number from 0 on"),
        ("comparisons.2.shift.p_value", 1.5, "found 1.5, wanted a number from 0 to 1"),
        ("comparisons.2.shift.smallest_visible_effect", -1, "found -1.0, wanted a number from 0"),
        ("comparisons.2.base.median", 10**400, "wanted a finite number"),
        ("budgets.0.measured.low", math.nan, "an interval cannot hold NaN"),
    ],
)
def test_a_number_that_cannot_be_is_named_with_its_place(
    place: str, number: object, said: str
) -> None:
    document = json.loads(enveloped(FULL))
    *path, last = place.split(".")
    within = document
    for key in path:
        within = within[int(key) if isinstance(within, list) else key]
    within[last] = number
    with pytest.raises(UsageError) as caught:
        from_text(json.dumps(document), "report.json")
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"report.json: {place.removesuffix('.low')}: ")


def test_a_benchmark_that_stands_there_twice_is_no_report() -> None:
    document = enveloped(replace(FULL, comparisons=(REGRESSED, UNCHANGED, REGRESSED)))
    said = r"comparisons: suite\.time_index\('a'\) stands there twice"
    with pytest.raises(UsageError, match=said):
        from_text(document, "report.json")


def test_every_row_is_shown_where_asked_for() -> None:
    short, long = shown(report_text(FULL)), shown(report_text(FULL, every_row=True))
    assert "2 unchanged; the largest" in short
    assert "2 unchanged; the largest" not in long
    assert long.count("unchanged: floor 5 %, n 12+12") == 2
    assert "suite.time_render" not in short
    assert "suite.time_render" in long


def test_an_impossible_interval_is_no_report() -> None:
    document = json.loads(enveloped(FULL))
    document["budgets"][0]["measured"]["low"] = 5.0
    with pytest.raises(UsageError, match=r"budgets\.0\.measured"):
        from_text(json.dumps(document), "report.json")


def test_the_headline_is_a_function_of_the_rows() -> None:
    moved = replace(FULL, comparisons=FULL.comparisons[::-1], environment=None, rounds=1)
    assert headline(moved) == headline(FULL)
    assert [r.verdict for r in sorted_rows(moved)] == [r.verdict for r in sorted_rows(FULL)]
    assert sum(counts(FULL).values()) == len(FULL.comparisons) - 1  # the waived one is told apart
    interrupted = replace(PASSED, interrupted=True)
    assert headline(interrupted).endswith("interrupted before everything was measured.")


@pytest.mark.parametrize("index", range(2, len(FULL.comparisons)))
def test_every_row_that_is_no_pass_has_its_advice_or_its_reason(index: int) -> None:
    one = replace(FULL, comparisons=FULL.comparisons[index : index + 1], budgets=(), leaks=())
    said = advice(one)
    assert bool(said) == (one.status is not Status.PASSED)
    assert advice(replace(PASSED, budgets=FULL.budgets[1:2]))
    assert advice(replace(PASSED, leaks=FULL.leaks[1:2]))


HOSTILE = [
    "a|b", "`code`", "<script>alert(1)</script>", "@team", "#123", "two\nlines", "-->",
    "::error::x", "\u202ereversed", "zero\u200bwidth", "</details>", "[link](http://evil)",
    "![image](x)", "**bold**", "[/red]", "[x2, x3]", ":tada:", "$(date)", "\x1b[31m",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_outside_names_are_inert_in_the_terminal(name: str) -> None:
    hostile = replace(
        REGRESSED, benchmark=BenchmarkId(name, (name,)), reason=name, warnings=(name,)
    )
    report = replace(FULL, comparisons=(hostile,), base=Revision(label=name, commit="a" * 40))
    terminal = shown(report_text(report), width=500)
    if name.isprintable() and not name.startswith("::"):
        assert name in terminal
    assert not {"\x1b", "\u200b", "\u202e"} & set(terminal)
    narrow = shown(report_text(report), width=40)
    assert not any(line.strip().startswith("::error") for line in narrow.splitlines())


finite = st.floats(1e-9, 1e9)
intervals = st.tuples(finite, finite, finite, st.booleans(), st.booleans()).map(
    lambda v: Interval(
        float("-inf") if v[3] else min(v[:3]),
        sorted(v[:3])[1],
        float("inf") if v[4] else max(v[:3]),
        0.95,
    )
)
summaries = st.none() | st.builds(
    Summary,
    median=finite,
    low=finite,
    high=finite,
    n=st.integers(1, 99),
    values=st.lists(finite, max_size=3).map(tuple),
)
names = st.builds(BenchmarkId, st.text(max_size=20), st.lists(st.text(max_size=5)).map(tuple))
words = st.text(max_size=30)
comparisons = st.builds(
    Comparison,
    benchmark=names,
    unit=st.sampled_from(Unit),
    verdict=st.sampled_from(Verdict),
    base=summaries,
    head=summaries,
    shift=st.none()
    | st.builds(
        Shift,
        verdict=st.sampled_from(Verdict),
        ratio=intervals,
        p_value=st.floats(0, 1),
        floor=st.floats(0, 1),
        n_base=st.integers(1, 99),
        n_head=st.integers(1, 99),
        design=st.sampled_from(["interleaved", "sequential", "exact"]),
        smallest_visible_effect=st.none() | st.floats(0, allow_nan=False),
        rounds_needed=st.none() | st.integers(1, 999),
    ),
    p_adjusted=st.none() | st.floats(0, 1),
    threshold=st.none() | finite,
    reason=words,
    waived=words,
    warnings=st.lists(words, max_size=2).map(tuple),
)
budgets = st.builds(
    BudgetResult,
    name=words,
    statistic=st.sampled_from(["median", "p95", "max"]),
    limit=finite,
    unit=st.sampled_from(Unit),
    status=st.sampled_from(Status),
    measured=st.none() | intervals,
    n=st.integers(0, 99),
    reason=words,
)
reports = st.builds(
    Report,
    command=st.sampled_from(["compare", "check"]),
    comparisons=st.lists(comparisons, max_size=4, unique_by=lambda row: row.benchmark).map(tuple),
    budgets=st.lists(budgets, max_size=2).map(tuple),
    rounds=st.integers(0, 99),
    seconds=finite,
    interrupted=st.booleans(),
    warnings=st.lists(words, max_size=2).map(tuple),
)


@settings(max_examples=25)
@given(reports)
def test_any_report_can_be_rendered_and_read_again(report: Report) -> None:
    text = enveloped(report)
    assert from_text(text, "here") == report
    jsonschema.validate(json.loads(text), json.loads(PUBLISHED.read_text("utf-8")))
    shown(report_text(report))


RUN = Run(
    identity="1",
    commit="c" * 40,
    dirty=False,
    date=0,
    started=0,
    environment=ENVIRONMENT,
    samples=(
        Sample(
            benchmark=BenchmarkId("suite.time_x", ("[1, 2]",)),
            unit=Unit.SECONDS,
            processes=((0.1, 0.2), (0.3,), (0.4,)),
            rounds=(0, 1, 2),
            outcome="count 5",
        ),
        Sample(
            benchmark=BenchmarkId("suite.track_n"),
            unit=Unit.COUNT,
            processes=((7.0,),),
            rounds=(0,),
        ),
        Sample(benchmark=BenchmarkId("suite.time_bad"), unit=Unit.SECONDS, failure="crashed"),
    ),
)


def test_a_run() -> None:
    skipped = (BenchmarkId("suite.time_off"),)
    text = run_text(RUN, rounds=3, seconds=1.234, skipped=skipped, stored="stored in x.json")
    assert shown(text) == (GOLDEN / "run.txt").read_text("utf-8")
    dirty = run_text(replace(RUN, dirty=True), rounds=3, seconds=1, skipped=(), stored="not stored")
    assert shown(dirty).startswith("uncommitted changes on cccccccccc: 3 rounds")
    waited = run_text(
        RUN, rounds=3, seconds=1, skipped=(), stored="", warnings=["measuring waited 9 s"]
    )
    assert "! measuring waited 9 s\n" in shown(waited)
    values = run_values(
        RUN, {BenchmarkId("suite.time_bad"): "last words"}, skipped=skipped, stored=None
    )
    assert set(values) == {
        "commit", "dirty", "stored", "warnings", "environment", "asv_runner", "packages", "loads",
        "shard", "skipped", "benchmarks",
    }  # fmt: skip
    assert values["environment"]["fingerprint"] == RUN.environment.fingerprint
    assert values["benchmarks"][2] == {
        "name": "suite.time_bad",
        "unit": "s",
        "processes": [],
        "loops": [],
        "warmup": None,
        "loaded": [],
        "outcome": None,
        "failure": "crashed",
        "output": "last words",
    }
    json.dumps(values, allow_nan=False)


def test_an_availability_is_a_share_and_never_rounded_up_to_everything() -> None:
    budget = BudgetResult(
        name="load availability",
        statistic="availability",
        limit=0.99,
        unit=Unit.COUNT,
        status=Status.PASSED,
        measured=Interval(0.99931, 0.9999996, 1.0, 0.95),
        n=5333,
    )
    assert budget_text(budget) == (
        "load availability: availability 99.9999 % [99.931 %, 100 %] of 99 %, n 5333"
    )
    text = report_markdown(replace(PASSED, budgets=(replace(budget, status=Status.FAILED),)))
    assert "failed: availability 99.9999 %, limit 99 %" in text
