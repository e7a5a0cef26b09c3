from datetime import date

from perfkit.config.thresholds import Thresholds
from perfkit.gate.comparisons import judge, shift_between
from perfkit.gate.evidence import Evidence
from perfkit.model import BenchmarkId, Sample, Shift, Unit, Verdict

NAME = BenchmarkId("suite.time_it")


def sample(centre: float) -> Sample:
    values = tuple((centre * (1 + k / 1000),) for k in range(10))
    return Sample(benchmark=NAME, unit=Unit.SECONDS, processes=values, rounds=tuple(range(10)))


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
