import json
from collections.abc import Iterator

import pytest

from perfkit.runtime import checks, guarding
from perfkit.runtime.breaker import Breaker
from perfkit.runtime.checks import health, health_check
from perfkit.runtime.guarding import guard
from perfkit.runtime.recorder import RECORDER


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(checks, "_CHECKS", {})
    monkeypatch.setattr(guarding, "BREAKERS", {})
    monkeypatch.setattr(checks, "BREAKERS", guarding.BREAKERS)
    return iter(())


def test_without_checks_a_process_is_live_and_ready() -> None:
    found = health()
    assert (found.live, found.ready, found.checks, found.notes) == (True, True, (), ())


def test_checks_say_what_is_wrong() -> None:
    @health_check("memory", kind="liveness")
    def memory() -> bool:
        return True

    @health_check("database")
    def database() -> None:
        raise OSError("refused")

    @health_check("queue")
    def queue() -> bool:
        return False

    found = health()
    assert (found.live, found.ready) == (True, False)
    assert {c.name: (c.ok, c.detail) for c in found.checks} == {
        "memory": (True, ""),
        "database": (False, "OSError: refused"),
        "queue": (False, "returned False"),
    }
    assert json.loads(json.dumps(found.as_dict()))["checks"][1]["kind"] == "readiness"
    health_check("memory", kind="liveness")(lambda: False)
    assert not health().live


def test_a_breaker_that_refuses_makes_a_process_not_ready_until_it_may_ask_again() -> None:
    now = [0.0]
    breaker = Breaker(least=1, cool_down=5, clock=lambda: now[0])

    @guard("db", breaker=breaker)
    def fail() -> None:
        raise OSError("down")

    with pytest.raises(OSError, match="down"):
        fail()
    assert not health().ready
    assert health().breakers == {"db": "open"}
    now[0] = 5  # a process without work would never find out
    assert health().ready


def test_telemetry_that_is_not_stored_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RECORDER.writing, "trouble", "disk full")
    found = health()
    assert found.ready
    assert found.notes == ("telemetry is not stored: disk full",)
