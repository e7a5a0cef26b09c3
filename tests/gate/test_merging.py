"""Shards merged: the verdicts of one run of the whole suite, and every loss noticed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.config.thresholds import Thresholds
from perfkit.errors import ExitCode, UsageError
from perfkit.gate.comparisons import Evidence, judge, shift_between
from perfkit.gate.load import Load
from perfkit.gate.merging import merged_report
from perfkit.gate.shards import Part, part_of, shard_note
from perfkit.gate.waivers import ABSENT, ELSEWHERE
from perfkit.model import (
    BenchmarkId,
    BudgetResult,
    Comparison,
    Environment,
    EnvironmentDifference,
    Interval,
    LeakResult,
    LeakState,
    Report,
    Revision,
    Sample,
    Shard,
    Shift,
    Status,
    Unit,
    Verdict,
    WaiverResult,
    WaiverState,
)
from perfkit.stats import needs_confirmation

TODAY = date(2026, 1, 5)
RULES = Thresholds.model_validate({"regression": {"max_rounds": 12}})
ALPHA = RULES.regression.alpha
IDS = tuple(BenchmarkId("suite.time_x", (f"{index:02}",)) for index in range(12))
BASE = Revision(label="main", commit="a" * 40)
HEAD = Revision(label="topic", commit="b" * 40)


def row(identity: BenchmarkId, verdict: Verdict = Verdict.UNCHANGED, **facts: object) -> Comparison:
    values = {"benchmark": identity, "unit": Unit.SECONDS, "verdict": verdict, **facts}
    return Comparison(**values)  # type: ignore[arg-type]  # given by the tests


def shard(index: int, count: int = 2, **facts: object) -> Shard:
    values = {
        "index": index,
        "count": count,
        "project": "shop",
        "suite": "5" * 16,
        "version": "1",
        "alpha": ALPHA,
        "expected": IDS[:4],
        **facts,
    }
    return Shard(**values)  # type: ignore[arg-type]  # given by the tests


def report(
    rows: Sequence[Comparison], manifest: Shard | None, command: str = "check", **facts: object
) -> Report:
    values = {"base": BASE, "head": HEAD, "comparisons": tuple(rows), "shard": manifest, **facts}
    return Report(command=command, **values)  # type: ignore[arg-type]  # given by the tests


def merged(*reports: Report, rules: Thresholds = RULES) -> Report:
    named = [(f"r{index}.json", one) for index, one in enumerate(reports, 1)]
    return merged_report(named, rules, today=TODAY)


ONE = report([row(IDS[0]), row(IDS[2])], shard(1))
TWO = report([row(IDS[1]), row(IDS[3])], shard(2))


def test_all_shards_are_the_whole() -> None:
    found = merged(TWO, ONE)
    assert [one.benchmark for one in found.comparisons] == list(IDS[:4])
    assert (found.status, found.exit_code()) == (Status.PASSED, ExitCode.PASSED)
    assert found.shard is None
    assert found == merged(ONE, TWO)


def test_a_lost_shard_is_rows_that_were_not_measured() -> None:
    found = merged(ONE)
    assert found.exit_code() is ExitCode.MEASUREMENT
    missing = [one for one in found.comparisons if one.verdict is Verdict.MISSING]
    assert [one.benchmark for one in missing] == [IDS[1], IDS[3]]
    assert {one.reason for one in missing} == {"not measured: no report of shard 2/2 was given"}
    assert found.warnings[0].startswith("1 of 2 shards lost: 2/2;")
    four = report([row(IDS[0])], shard(2, count=4))
    assert merged(four).warnings[0].startswith("3 of 4 shards lost: 1/4, 3/4, 4/4;")
    assert merged(four).comparisons[1].reason == (
        "not measured: no reports of shards 1/4, 3/4, 4/4 were given"
    )


def test_a_regression_beside_a_lost_shard_still_fails() -> None:
    one = report([row(IDS[0], Verdict.DIFFERENT_WORK), row(IDS[2])], shard(1))
    assert merged(one).exit_code() is ExitCode.FAILED


def test_a_row_that_no_shard_has_is_missing() -> None:
    found = merged(ONE, report([row(IDS[1])], shard(2)))
    assert found.comparisons[3] == row(IDS[3], Verdict.MISSING, reason="no shard has a row for it")
    assert found.exit_code() is ExitCode.MEASUREMENT


def test_what_declined_to_run_on_both_sides_owes_no_row() -> None:
    two = report([row(IDS[1])], shard(2, skipped=(IDS[3],)))
    assert merged(ONE, two).exit_code() is ExitCode.PASSED


def test_an_interrupted_shard_is_not_a_whole() -> None:
    assert merged(ONE, replace(TWO, interrupted=True)).exit_code() is ExitCode.INTERRUPTED


BUDGET = BudgetResult(
    name="fast", statistic="median", limit=1.0, unit=Unit.SECONDS, status=Status.ERROR
)
LEAK = LeakResult(target="shop:sum", state=LeakState.FAILED, ceiling=0.0, iterations=0)


def test_budgets_and_leak_checks_that_no_shard_made() -> None:
    owed = {"budgets": (BUDGET,), "leaks": (LEAK,)}
    kept = replace(BUDGET, status=Status.PASSED)
    clean = replace(LEAK, state=LeakState.CLEAN)
    one = report(ONE.comparisons, shard(1, **owed), budgets=(kept,))
    two = report(TWO.comparisons, shard(2, **owed), leaks=(clean,))
    whole = merged(one, two)
    assert (whole.budgets, whole.leaks) == ((kept,), (clean,))
    assert whole.exit_code() is ExitCode.PASSED
    without = merged(one, replace(two, leaks=()))
    assert without.exit_code() is ExitCode.MEASUREMENT
    assert without.leaks == (replace(LEAK, reason="no shard has a row for it"),)
    assert merged(replace(one, budgets=()), two).budgets[0].status is Status.ERROR
    with pytest.raises(UsageError, match=r"r2.json: budget fast has a second row .*r1.json"):
        merged(one, replace(two, budgets=(kept,)))


DIFFERENT = {
    "command": (report(TWO.comparisons, shard(2), "compare"), "command compare, but r1.json has"),
    "base": (replace(TWO, base=HEAD), "base commit bbbbbbbbbb, but r1.json has aaaaaaaaaa"),
    "head": (replace(TWO, head=BASE), "head commit aaaaaaaaaa, but r1.json has bbbbbbbbbb"),
    "dirty": (replace(TWO, head=replace(HEAD, dirty=True)), "with uncommitted changes, but"),
    "no base": (replace(TWO, base=None), "base commit none, but"),
    "repository": (report((), shard(2, project="tiny")), "the repository of project tiny, but"),
    "suite": (report((), shard(2, suite="6" * 16)), "a suite with digest 6666666666666666, but"),
    "version": (report((), shard(2, version="2")), "perfkit of version 2, but r1.json has 1"),
    "count": (report((), shard(2, count=3)), "number of shards of 3, but r1.json has 2"),
    "alpha": (report((), shard(2, alpha=0.5)), "alpha 0.5, but"),
    "expected": (report((), shard(2, expected=IDS[:3])), "expects other benchmarks or checks"),
    "budgets": (report((), shard(2, budgets=(BUDGET,))), "expects other benchmarks or checks"),
    "twice": (report((), shard(1)), "shard 1/2 again, which r1.json is already"),
    "same row": (report([row(IDS[0])], shard(2)), "time_x\\(00\\) has a second row .*r1.json"),
    "foreign": (report([row(IDS[9])], shard(2)), "is not one of the suite's 4 benchmarks"),
    "whole": (report(TWO.comparisons, None), "a report of a whole suite, wanted one written with"),
    "index": (report((), shard(3)), "found shard 3 of 2; the file was changed"),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_does_not_belong_together(name: str) -> None:
    other, said = DIFFERENT[name]
    with pytest.raises(UsageError, match=said) as raised:
        merged(ONE, other)
    assert str(raised.value).startswith("r2.json: ")
    assert "\n" not in str(raised.value)


def test_a_row_twice_in_one_report() -> None:
    twice = report([row(IDS[0]), row(IDS[0])], shard(1))
    with pytest.raises(UsageError, match=r"has a second row \(the first is in r1.json\)"):
        merged(twice, TWO)


def test_nothing_to_merge() -> None:
    with pytest.raises(UsageError, match="no report to merge"):
        merged()


def test_memory_beside_a_time_is_the_shards_own() -> None:
    said = shard_note(shard(1), 2)
    memory = row(IDS[0].peak_memory, unit=Unit.BYTES)
    one = replace(ONE, comparisons=(*ONE.comparisons, memory), warnings=(said,))
    found = merged(one, TWO)
    assert memory in found.comparisons
    assert (len(found.comparisons), found.warnings) == (5, ())


def test_what_the_shards_report_of_themselves() -> None:
    one = replace(ONE, impact="a map", rounds=6, seconds=2.0)
    two = replace(TWO, impact="a map", rounds=9, seconds=3.0)
    found = merged(one, two)
    assert (found.command, found.base, found.head) == ("check", BASE, HEAD)
    assert (found.impact, found.rounds, found.seconds) == ("a map", 9, 5.0)


def test_a_budget_of_a_lost_shard_says_which_one_was_lost() -> None:
    owed = {"budgets": (BUDGET,), "leaks": (LEAK,)}
    found = merged(report(ONE.comparisons, shard(1, **owed)))
    said = "not measured: no report of shard 2/2 was given"
    assert [row.reason for row in (*found.budgets, *found.leaks)] == [said, said]


def test_what_a_shard_says_of_being_one_is_left_out_and_nothing_else() -> None:
    part = shard(2, skipped=(IDS[3],))
    two = report([row(IDS[1])], part, warnings=(shard_note(part, 2), "after it"))
    assert merged(ONE, two).warnings == ("shard 2/2: after it",)


def test_what_other_programs_did_is_said_once_with_the_figures_of_all_shards() -> None:
    four = tuple(
        report([row(IDS[index])], shard(index + 1, 4), warnings=(*words, "of all"))
        for index, words in enumerate(
            (
                (str(Load(loaded=3, pairs=6)),),
                (str(Load(loaded=5, pairs=9, waited=12)),),
                (str(Load(waited=30)),),
                ("alone",),
            )
        )
    )
    assert merged(*four).warnings == (
        "shard 4/4: alone",
        "of all",
        f"shards 1/4, 2/4: {Load(loaded=8, pairs=15, waited=12)}",
        "shard 3/4: measuring waited 30 s for other programs to stop using the processors",
    )
    # Equal figures are two shards' all the same.
    warnings = (str(Load(loaded=3, pairs=6)),)
    alike = [replace(one, warnings=warnings) for one in (ONE, TWO)]
    assert merged(*alike).warnings == (f"shards 1/2, 2/2: {Load(loaded=6, pairs=12)}",)


@given(st.builds(Load, loaded=st.integers(1, 10**9), pairs=st.integers(), waited=st.integers(0)))
def test_a_sentence_of_load_reads_back(load: Load) -> None:
    load = replace(load, pairs=abs(load.pairs))
    assert Load.of(str(load)) == load
    assert Load.of(str(replace(load, loaded=0))) == (
        Load(waited=load.waited) if load.waited else None
    )
    assert Load.of(f"{load}, or so") is None


def test_the_sentence_of_load_says_what_was_waited_only_where_it_was() -> None:
    assert str(Load()) == ""
    assert str(Load(loaded=3, pairs=6)).endswith("wait for a quieter machine")
    assert str(Load(loaded=3, pairs=6, waited=2)).endswith("quieter machine (perfkit waited 2 s)")


def test_warnings_say_which_shard_they_are_of() -> None:
    one, two = replace(ONE, warnings=("a", "both")), replace(TWO, warnings=("b", "both"))
    assert merged(one, two).warnings == ("shard 1/2: a", "shard 2/2: b", "both")


def waiver(state: str, found: str = "", **facts: object) -> WaiverResult:
    values = {
        "kind": "waiver",
        "pattern": "suite.*",
        "metric": None,
        "ceiling": 0.1,
        "expires": "2026-12-31",
        "issue": "#7",
        "reason": "known",
        "state": WaiverState(state),
        "found": found,
        **facts,
    }
    return WaiverResult(**values)  # type: ignore[arg-type]  # given by the tests


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        (("holds", "unmatched"), ("holds", "")),
        (("unmatched", "holds"), ("holds", "")),
        (("holds:declined", "holds"), ("holds", "")),
        (("holds", "holds:declined"), ("holds", "")),
        ((f"holds:{ELSEWHERE}", "holds:declined"), ("holds", "declined")),
        (("holds:declined", f"holds:{ELSEWHERE}"), ("holds", "declined")),
        (("expired", "holds"), ("expired", "")),
        (("unmatched", "expired"), ("expired", "")),
        (("unmatched", "unmatched"), ("unmatched", "")),
        # Every shard says that another one measures it, and none does.
        ((f"holds:{ELSEWHERE}", f"holds:{ELSEWHERE}"), ("unmatched", ABSENT)),
        ((f"holds:{ELSEWHERE}", "unmatched"), ("unmatched", ABSENT)),
    ],
)
def test_a_waiver_is_judged_by_what_any_shard_knows(
    states: tuple[str, str], whole: tuple[str, str]
) -> None:
    one, two = (
        waiver(state, found) for state, _, found in (text.partition(":") for text in states)
    )
    difference = EnvironmentDifference(fact="cpu", base="x", head="y")
    found = merged(
        replace(ONE, waivers=(one,), differences=(difference,)),
        replace(TWO, waivers=(two,), differences=(difference,)),
    )
    assert [(result.state, result.found) for result in found.waivers] == [whole]
    alone = merged(replace(ONE, waivers=(one,))).waivers
    assert alone == (() if states[0] == "unmatched" else (one,))
    assert found.differences == (difference,)


MACHINE = Environment(
    label="a", cpu="x", cores=2, memory_bytes=1, system="Linux", kernel="6", libc="glibc",
    python="3.13", governor=None, quota_cores=None, packages_digest="0", load=0.1,
)  # fmt: skip


def test_machines_of_one_kind_and_of_several() -> None:
    one, other = replace(ONE, environment=MACHINE), replace(MACHINE, label="b", load=3.0)
    found = merged(one, replace(TWO, environment=other))
    assert (found.environment, found.warnings) == (MACHINE, ())
    found = merged(one, replace(TWO, environment=replace(MACHINE, cores=4)))
    assert found.environment is None
    assert found.warnings[0].startswith("the shards ran on machines of different kinds;")


# The multiplicity of the whole suite.


def shift_of(base: Sample, head: Sample) -> Shift:
    return shift_between(base, head, RULES)


def measured(ratios: Sequence[float], rng: np.random.Generator) -> Evidence:
    """Return two sets of rounds of benchmarks that head makes ``ratios`` times as slow."""

    def side(scale: Sequence[float]) -> dict[BenchmarkId, Sample]:
        return {
            identity: Sample(
                benchmark=identity,
                unit=Unit.SECONDS,
                processes=tuple((float(v),) for v in np.exp(rng.normal(0, 0.03, 12)) * factor),
                rounds=tuple(range(12)),
            )
            for identity, factor in zip(IDS, scale, strict=True)
        }

    flat = [1.0] * len(IDS)
    base, head, base_again, head_again = side(flat), side(ratios), side(flat), side(ratios)
    shifts = {identity: shift_of(base[identity], head[identity]) for identity in IDS}
    suspects = needs_confirmation(shifts)
    return Evidence(
        base=base,
        head=head,
        expected=frozenset(IDS),
        base_again={one: base_again[one] for one in suspects},
        head_again={one: head_again[one] for one in suspects},
    )


def of_shard(evidence: Evidence, own: Sequence[BenchmarkId]) -> Evidence:
    """Return what a job that measures ``own`` alone would have seen."""

    def kept(samples: object) -> dict[BenchmarkId, Sample]:
        assert isinstance(samples, dict)
        return {one: sample for one, sample in samples.items() if one in own}

    again = kept(evidence.base_again)
    return Evidence(
        base=kept(evidence.base),
        head=kept(evidence.head),
        expected=frozenset(own),
        base_again=again or None,
        head_again=kept(evidence.head_again) if again else None,
    )


def judged(evidence: Evidence) -> tuple[Comparison, ...]:
    return judge(evidence, RULES, today=TODAY, shift_of=shift_of)


@pytest.mark.parametrize("seed", range(12))
def test_merged_shards_are_judged_as_the_suite_at_once_would_be(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # From no change to plain ones, with many near the border, where multiplicity decides.
    evidence = measured(rng.choice([1.0, 1.05, 1.08, 1.1, 1.2], len(IDS)).tolist(), rng)
    count = int(rng.integers(1, 5))
    reports = []
    for index in range(1, count + 1):
        own = part_of(Part(index, count), IDS, {})
        reports.append(
            report(judged(of_shard(evidence, own)), shard(index, count=count, expected=IDS))
        )
    assert merged(*reports).comparisons == judged(evidence)


def suspect(identity: BenchmarkId, p_value: float) -> Comparison:
    """A benchmark that is regressed in its shard: two looks that agree, p of the second."""
    shift = Shift(
        verdict=Verdict.REGRESSED,
        ratio=Interval(1.1, 1.2, 1.3, 0.99),
        p_value=p_value,
        floor=0.05,
        n_base=6,
        n_head=6,
        design="interleaved",
    )
    return row(identity, Verdict.REGRESSED, shift=shift, first=shift, p_adjusted=p_value / 2)


def unconfirmed(identity: BenchmarkId) -> Comparison:
    made = suspect(identity, 0.9)
    assert made.shift is not None
    again = replace(made.shift, verdict=Verdict.INCONCLUSIVE)
    said = "first rounds said regressed, independent rounds did not confirm it"
    return replace(made, verdict=Verdict.INCONCLUSIVE, shift=again, p_adjusted=1.0, reason=said)


def test_one_of_many_shards_needs_more_than_alone() -> None:
    """Each shard's only suspect passes at alpha; one such p among four suspects does not."""
    alone = suspect(IDS[0], 2 * ALPHA * 0.8)
    rows = [alone, *(unconfirmed(identity) for identity in IDS[1:4])]
    reports = [report([one], shard(index, 4)) for index, one in enumerate(rows, 1)]
    found = merged(*reports)
    assert found.comparisons[0].verdict is Verdict.INCONCLUSIVE
    assert found.comparisons[0].reason == (
        "regressed in its shard, but not after counting all benchmarks"
    )
    assert found.comparisons[0].p_adjusted == pytest.approx(4 * ALPHA * 0.8)
    assert found.exit_code() is ExitCode.PASSED
    assert reports[0].exit_code() is ExitCode.FAILED


def held_back() -> list[Report]:
    """A suspect that its own shard cannot tell, among many plain regressions of the others."""
    near = suspect(IDS[0], 2 * ALPHA * 0.9)
    said = "first rounds said regressed, independent rounds did not confirm it"
    waiting = replace(near, verdict=Verdict.INCONCLUSIVE, p_adjusted=0.02, reason=said)
    one = report([waiting, unconfirmed(IDS[1])], shard(1, expected=IDS))
    two = report([suspect(identity, 1e-6) for identity in IDS[2:]], shard(2, expected=IDS))
    return [one, two]


def test_a_suspect_that_the_whole_suite_confirms() -> None:
    # The 11th smallest of 12: 12 / 11 of its p stays below alpha.
    found = merged(*held_back())
    assert found.comparisons[0].verdict is Verdict.REGRESSED
    assert found.comparisons[0].reason == ""
    assert found.comparisons[1].verdict is Verdict.INCONCLUSIVE


def test_what_regresses_in_the_whole_suite_only_has_its_waiver() -> None:
    waiver = {
        "benchmark": "*",
        "ceiling": "50 %",
        "expires": date(2026, 12, 31),
        "issue": "#7",
        "reason": "known",
    }
    rules = Thresholds.model_validate({"waivers": (waiver,)})
    assert merged(*held_back(), rules=rules).comparisons[0].waived.startswith("known (#7")


def test_what_a_row_says_for_another_reason_stays() -> None:
    one, two = held_back()
    other = replace(one.comparisons[0], reason="another kind of processor")
    found = merged(replace(one, comparisons=(other, one.comparisons[1])), two)
    assert found.comparisons[0].verdict is Verdict.INCONCLUSIVE
    assert found.comparisons[0].reason == "another kind of processor"


def test_a_waiver_that_covered_a_row_goes_with_its_regression() -> None:
    alone = replace(suspect(IDS[0], 2 * ALPHA * 0.8), waived="known")
    rows = [alone, *(unconfirmed(identity) for identity in IDS[1:4])]
    found = merged(*(report([one], shard(index, 4)) for index, one in enumerate(rows, 1)))
    assert (found.comparisons[0].verdict, found.comparisons[0].waived) == (
        Verdict.INCONCLUSIVE,
        "",
    )


def test_a_waiver_is_exceeded_where_its_row_still_is_in_the_whole_suite() -> None:
    beyond = waiver("exceeded", "suite.time_x(00) regressed beyond it")
    plain = report([suspect(IDS[0], 1e-9)], shard(1, 4), waivers=(beyond,))
    others = [
        report([unconfirmed(one)], shard(index, 4), waivers=(waiver("holds"),))
        for index, one in enumerate(IDS[1:4], 2)
    ]
    whole = merged(plain, *others)
    assert (whole.comparisons[0].verdict, whole.waivers) == (Verdict.REGRESSED, (beyond,))
    # Among four suspects the same is no regression any more, so nothing is beyond the ceiling.
    alone = report([suspect(IDS[0], 2 * ALPHA * 0.8)], shard(1, 4), waivers=(beyond,))
    whole = merged(alone, *others)
    assert whole.comparisons[0].verdict is Verdict.INCONCLUSIVE
    assert whole.waivers == (waiver("holds"),)
    assert (alone.exit_code(), whole.exit_code()) == (ExitCode.FAILED, ExitCode.PASSED)


def test_a_waiver_that_the_whole_suite_exceeds() -> None:
    one, two = held_back()
    own = waiver("holds", pattern=str(IDS[0]))
    found = merged(replace(one, waivers=(own,)), two).waivers
    assert [(result.state, result.found) for result in found] == [
        (WaiverState.EXCEEDED, "suite.time_x(00) regressed beyond it")
    ]
    # Of two that cover it the last one counts, as in the configuration.
    roomy = waiver("holds", pattern="*(00)", ceiling=0.5)
    found = merged(replace(one, waivers=(own, roomy)), replace(two, waivers=(own, roomy))).waivers
    assert [result.state for result in found] == [WaiverState.HOLDS] * 2


def test_no_count_of_benchmarks_makes_up_for_different_conditions() -> None:
    one, two = held_back()
    moved = EnvironmentDifference(fact="CPU governor", base="powersave", head="performance")
    found = merged(replace(one, differences=(moved,)), two)
    assert found.comparisons[0].verdict is Verdict.INCONCLUSIVE
