import numpy as np

from perfkit.reliability.arrivals import Stage
from perfkit.reliability.effects import Happened, effects
from perfkit.reliability.record import LoadRecord, Outcome


def test_a_failure_belongs_to_the_fault_that_began_last_before_it() -> None:
    ended = np.array([1.0, 2.5, 3.0, 6.0, 6.5, 8.0, 8.5])
    outcome = np.array([1, 1, 0, 2, 3, 0, 5], dtype=np.int8)
    record = LoadRecord(
        due=ended - 0.1,
        sent=ended - 0.1,
        done=np.where(outcome == Outcome.OK, ended, np.nan),
        ended=ended,
        outcome=outcome,
        stage=np.zeros(7, dtype=np.int64),
        stages=(Stage("method", 10, 1, 1),),
        errors={},
        seconds=10,
        cpu_seconds=0,
    )
    kill, error, none = effects(
        record,
        [
            Happened("status 503", 5, 6, 7),
            Happened("kill", 2, 3, 1),
            Happened("stop", 9, 9.5, 1),
        ],
    )
    assert (kill.fault, kill.failed, kill.detected_after, kill.recovered_after) == (
        *("kill", 1, 0.5, 0.5),
    )
    assert (kill.hits, kill.degraded, error.hits) == (1, 0, 7)
    assert (error.failed, error.degraded) == (2, 1)
    # What was answered at 8.0 was before the last degraded answer, at 8.5.
    assert (error.detected_after, error.recovered_after) == (1.0, None)
    assert (none.failed, none.degraded, none.detected_after) == (0, 0, None)
