"""Places that differ: what is listed, and what no row may claim any more."""

from dataclasses import replace

import pytest

from perfkit.gate.environments import HARD, LATER, demoted, differences, in_places
from perfkit.model import (
    BenchmarkId,
    Comparison,
    Environment,
    EnvironmentDifference,
    Interval,
    Report,
    Shift,
    Status,
    Unit,
    Verdict,
    WaiverResult,
    WaiverState,
)

HERE = Environment(
    label="here",
    cpu="EPYC",
    cores=4,
    memory_bytes=8 * 2**30,
    system="Linux",
    kernel="6.1",
    libc="glibc 2.36",
    python="3.11.7 (CPython)",
    governor="performance",
    quota_cores=None,
    packages_digest="a" * 64,
    load=0.1,
    cpu_flags="f1",
    image="ubuntu-24.04 1",
)


@pytest.mark.parametrize(
    ("fact", "other", "words"),
    [
        ("cpu", "Xeon", ("EPYC", "Xeon")),
        ("cpu_flags", "f2", ("f1", "f2")),
        ("cores", 2, ("4", "2")),
        ("quota_cores", 1.5, ("none", "1.5")),
        ("governor", None, ("performance", "none")),
        ("system", "Darwin", ("Linux", "Darwin")),
        ("libc", "musl", ("glibc 2.36", "musl")),
        ("python", "3.12.1 (CPython)", ("3.11.7 (CPython)", "3.12.1 (CPython)")),
        ("packages_digest", "b" * 64, ("a" * 10, "b" * 10)),
        ("image", "ubuntu-24.04 2", ("ubuntu-24.04 1", "ubuntu-24.04 2")),
    ],
)
def test_every_hard_fact_is_compared(fact: str, other: object, words: tuple[str, str]) -> None:
    there = replace(HERE, **{fact: other})  # type: ignore[arg-type]
    assert differences(HERE, there) == (
        EnvironmentDifference(fact=HARD[fact], base=words[0], head=words[1]),
    )


def test_every_hard_fact_is_a_field_and_the_others_are_no_difference() -> None:
    assert {*HARD} < set(Environment.__slots__)
    there = replace(HERE, label="there", kernel="6.2", load=9.0, memory_bytes=1)
    assert differences(HERE, there) == ()
    # What an earlier version did not store is not known.
    assert differences(HERE, replace(HERE, **dict.fromkeys(LATER))) == ()
    assert [one.fact for one in differences(HERE, replace(HERE, image=None, cpu="Xeon"))] == [
        "CPU model"
    ]


def row(verdict: Verdict, design: str = "interleaved") -> Comparison:
    shift = Shift(
        verdict=verdict,
        ratio=Interval(1.2, 1.2, 1.2, 0.99),
        p_value=0.0,
        floor=0.05,
        n_base=6,
        n_head=6,
        design=design,  # type: ignore[arg-type]
    )
    return Comparison(
        benchmark=BenchmarkId("a"), unit=Unit.SECONDS, verdict=verdict, shift=shift, waived="w"
    )


@pytest.mark.parametrize("verdict", Verdict)
def test_what_was_judged_claims_nothing_and_what_broke_stays(verdict: Verdict) -> None:
    found = differences(HERE, replace(HERE, cpu="Xeon", cores=2))
    assert demoted(row(verdict), ()) == row(verdict)
    now = demoted(row(verdict), found)
    if verdict in {Verdict.FAILED, Verdict.MISSING, Verdict.NEW, Verdict.INCONCLUSIVE}:
        assert now == row(verdict)
        return
    assert (now.verdict, now.status, now.waived) == (
        Verdict.INCONCLUSIVE,
        Status.INCONCLUSIVE,
        "",
    )
    assert now.reason == (
        f"looks {verdict}, but the sides were measured under different conditions: CPU model, cores"
    )


def test_equal_exact_values_are_equal_anywhere() -> None:
    found = differences(HERE, replace(HERE, cpu="Xeon"))
    assert demoted(row(Verdict.UNCHANGED, "exact"), found).verdict is Verdict.UNCHANGED
    assert demoted(row(Verdict.REGRESSED, "exact"), found).verdict is Verdict.INCONCLUSIVE
    bare = replace(row(Verdict.UNCHANGED), shift=None)
    assert demoted(bare, found).verdict is Verdict.INCONCLUSIVE


def test_a_report_lists_what_differs() -> None:
    regressed = replace(row(Verdict.REGRESSED), waived="")
    report = Report(command="check", comparisons=(regressed,))
    assert in_places(report, HERE, replace(HERE, load=5.0)) == report
    moved = in_places(report, HERE, replace(HERE, governor="powersave"))
    assert (moved.status, [one.fact for one in moved.differences]) == (
        Status.INCONCLUSIVE,
        ["CPU governor"],
    )


def test_a_ceiling_is_not_exceeded_by_what_claims_nothing() -> None:
    exceeded = WaiverResult(
        kind="waiver",
        pattern="a",
        metric=None,
        ceiling=0.1,
        expires="2026-12-31",
        issue="#7",
        reason="known",
        state=WaiverState.EXCEEDED,
        found="a regressed beyond it",
    )
    expired = replace(exceeded, state=WaiverState.EXPIRED, found="its last day has passed")
    regressed = replace(row(Verdict.REGRESSED), waived="")
    report = Report(command="check", comparisons=(regressed,), waivers=(exceeded, expired))
    moved = in_places(report, HERE, replace(HERE, governor="powersave"))
    assert moved.waivers == (replace(exceeded, state=WaiverState.HOLDS, found=""), expired)
    alone = in_places(replace(report, waivers=(exceeded,)), HERE, replace(HERE, cores=2))
    assert alone.status is Status.INCONCLUSIVE
