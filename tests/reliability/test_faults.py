import pytest

from perfkit.errors import UsageError
from perfkit.reliability.faults import MEASURES, Fault, FaultKind, fault_of


def test_every_kind_says_what_it_takes() -> None:
    assert set(MEASURES) == set(FaultKind)


def test_measures_have_units() -> None:
    found = fault_of("latency", {"delay": "300ms", "jitter": "10ms", "share": "25%"})
    assert found == Fault(kind=FaultKind.LATENCY, delay=0.3, jitter=0.01, share=0.25)
    assert str(found) == "latency of 0.3 s of 25%"
    assert fault_of("slow", {"rate": "2KiB/s"}).rate == 2048
    assert str(fault_of("error", {"status": "429"})) == "status 429"
    assert str(fault_of("memory", {"size": "64MiB"})) == "memory limited to 67108864 B"


@pytest.mark.parametrize(
    ("kind", "measures", "sentence"),
    [
        ("fire", {}, "found fault 'fire', wanted one of latency, error"),
        ("latency", {"status": "500"}, "latency has no status; it takes delay, jitter, share"),
        ("kill", {"share": "5%"}, "kill has no share; it takes nothing"),
        ("latency", {"delay": "300"}, "found 300 without a unit"),
        ("error", {"status": "200"}, "found status '200', wanted 400 to 599"),
        ("enospc", {}, "enospc needs its size, such as size=64MiB"),
    ],
)
def test_what_cannot_be_used_is_said(kind: str, measures: dict[str, str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        fault_of(kind, measures)
