from datetime import date

import pytest

from perfkit.config.thresholds import Thresholds
from perfkit.gate.comparisons import judge, shift_between
from perfkit.gate.evidence import Evidence
from perfkit.model import BenchmarkId, Sample, Shift, Unit, Verdict

NAME = BenchmarkId("suite.time_it")


def sample(centre: float, rounds: int = 10) -> Sample:
    values = tuple((centre * (1 + k / 1000),) for k in range(rounds))
    return Sample(benchmark=NAME, unit=Unit.SECONDS, processes=values, rounds=tuple(range(rounds)))


def test_a_confirmed_row_shows_the_values_that_its_change_was_computed_from() -> None:
    thresholds = Thresholds()

    def shift_of(base: Sample, head: Sample) -> Shift:
        return shift_between(base, head, thresholds)

    evidence = Evidence(
        base={NAME: sample(1.0)},
        head={NAME: sample(2.0)},
        expected=frozenset({NAME}),
        base_again={NAME: sample(1.0)},
        head_again={NAME: sample(3.0)},
    )

    (row,) = judge(evidence, thresholds, today=date(2026, 1, 5), shift_of=shift_of)

    assert row.verdict is Verdict.REGRESSED
    assert row.base is not None
    assert row.head is not None
    assert row.shift is not None
    ratio = row.head.median / row.base.median
    assert abs(ratio / row.shift.ratio.estimate - 1) < 0.01
    assert abs(ratio - 3) < 0.05


@pytest.mark.parametrize(
    ("again", "verdict", "reason"),
    [
        (None, Verdict.INCONCLUSIVE, "looks regressed, but no verdict rests on so few rounds"),
        (2.0, Verdict.REGRESSED, ""),
        (1.0, Verdict.UNCHANGED, ""),
        (
            0.5,
            Verdict.INCONCLUSIVE,
            "first rounds said regressed, independent rounds did not confirm it",
        ),
    ],
)
def test_what_three_rounds_suspect_rests_on_new_rounds(
    again: float | None, verdict: Verdict, reason: str
) -> None:
    thresholds = Thresholds()
    evidence = Evidence(
        base={NAME: sample(1.0, 3)},
        head={NAME: sample(2.0, 3)},
        expected=frozenset({NAME}),
        base_again=None if again is None else {NAME: sample(1.0)},
        head_again=None if again is None else {NAME: sample(again)},
    )

    (row,) = judge(
        evidence,
        thresholds,
        today=date(2026, 1, 5),
        shift_of=lambda base, head: shift_between(base, head, thresholds),
    )

    assert (row.verdict, row.reason) == (verdict, reason)
    assert row.shift is not None
    assert row.shift.n_head == (3 if again is None else 10)
