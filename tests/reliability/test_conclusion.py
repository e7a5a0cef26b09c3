import pytest

from perfkit.model import FaultEffect, LoadJudgement, LoadObjective, LoadResult, Status
from perfkit.reliability.conclusion import conclusion


def load(*judged: Status, status: Status = Status.PASSED) -> LoadResult:
    objective = LoadObjective("p99", 1.0)
    return LoadResult(
        target="http://127.0.0.1/",
        arrivals="poisson",
        stages=(),
        judgements=tuple(LoadJudgement(objective, None, one) for one in judged),
        errors={},
        seconds=1,
        cpu_seconds=0,
        timeline=(),
        curve=(),
        status=status,
    )


def effect(hits: int) -> FaultEffect:
    return FaultEffect(
        fault="kill",
        at=1,
        lasted=1,
        hits=hits,
        failed=0,
        degraded=0,
        detected_after=None,
        recovered_after=None,
    )


GOOD = load(Status.PASSED)
BAD = load(Status.FAILED, status=Status.FAILED)
OPEN = load(Status.INCONCLUSIVE, status=Status.INCONCLUSIVE)
DEAD = load(status=Status.ERROR)


@pytest.mark.parametrize(
    ("loads", "hits", "gone", "status", "why"),
    [
        ((GOOD, GOOD, GOOD), 1, "", Status.PASSED, "the steady state came back"),
        ((load(), load(), load()), 1, "", Status.PASSED, "no objective was given"),
        ((BAD, None, None), 1, "", Status.ERROR, "was not met before any fault"),
        ((DEAD, None, None), 1, "", Status.ERROR, "was not met before any fault"),
        ((GOOD, GOOD, None), 1, "", Status.ERROR, "the experiment was not finished"),
        (
            (GOOD, GOOD, None),
            1,
            "nobody",
            Status.FAILED,
            "did not come back after the faults: nobody",
        ),
        ((GOOD, GOOD, BAD), 1, "", Status.FAILED, "did not come back after the faults"),
        ((GOOD, GOOD, DEAD), 0, "", Status.FAILED, "did not come back after the faults"),
        ((GOOD, BAD, GOOD), 0, "", Status.FAILED, "what has to hold during the faults did not"),
        ((GOOD, GOOD, OPEN), 1, "", Status.INCONCLUSIVE, "too little was seen"),
        ((GOOD, GOOD, GOOD), 0, "", Status.INCONCLUSIVE, "kill hit nothing, so nothing was shown"),
    ],
)
def test_what_three_loads_come_to(
    loads: tuple[LoadResult, LoadResult | None, LoadResult | None],
    hits: int,
    gone: str,
    status: Status,
    why: str,
) -> None:
    found = conclusion(*loads, [effect(hits)], gone)
    assert found[0] is status
    assert why in found[1]
