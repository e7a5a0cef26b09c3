import pytest

from perfkit.errors import UsageError
from perfkit.reliability.failpoint_file import spoken
from perfkit.reliability.faults import MEASURES, Fault, FaultKind, fault_of
from perfkit.runtime.failpoints import Failpoint, parse_failpoints


def test_every_kind_says_what_it_takes() -> None:
    assert set(MEASURES) == set(FaultKind)


def test_measures_have_units() -> None:
    found = fault_of("latency", {"delay": "300ms", "jitter": "10ms", "share": "25%"})
    assert found == Fault(kind=FaultKind.LATENCY, delay=0.3, jitter=0.01, share=0.25)
    assert str(found) == "latency of 0.3 s of 25%"
    assert fault_of("slow", {"rate": "2KiB/s"}).rate == 2048
    assert str(fault_of("error", {"status": "429"})) == "status 429"
    found = fault_of("error", {"share": "5%", "count": "3"}, "stock.read")
    assert found == Fault(kind=FaultKind.ERROR, share=0.05, failpoint="stock.read", count=3)
    assert (str(found), found.between) == ("error of 5% at stock.read", False)
    assert str(fault_of("latency", {}, "stock.read")) == "latency of 0.2 s at stock.read"
    assert str(fault_of("memory", {"size": "64MiB"})) == "memory limited to 67108864 B"


@pytest.mark.parametrize(
    ("kind", "measures", "place", "sentence"),
    [
        ("kill", {}, "a", "kill does not happen at a failpoint, only error, hang, latency do"),
        ("error", {"status": "500"}, "a", "error at a failpoint has no status; it takes count, sh"),
        ("error", {"count": "0"}, "a", "found count '0', wanted a number of calls from 1 on"),
        ("error", {"count": "3"}, "", "error has no count; it takes share, status"),
        ("error", {}, "a b", "found failpoint 'a b', wanted letters, digits, dots"),
    ],
)
def test_what_cannot_happen_at_a_failpoint_is_said(
    kind: str, measures: dict[str, str], place: str, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        fault_of(kind, measures, place)


def test_a_fault_is_said_in_the_words_that_the_program_reads() -> None:
    fault = fault_of(
        "latency", {"delay": "1ms", "jitter": "2us", "share": "12.5%", "count": "4"}, "a.b"
    )
    text = spoken(fault, seed=3, until=1700000000.25)
    assert parse_failpoints(text) == {
        "a.b": Failpoint(
            "latency", delay=1e-3, jitter=2e-6, share=0.125, count=4, seed=3, until=1700000000.25
        )
    }


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
