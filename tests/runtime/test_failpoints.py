import asyncio
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

from perfkit import runtime
from perfkit.runtime.failpoints import (
    LOOK_EVERY,
    Armed,
    Failpoint,
    armed_by,
    parse_failpoints,
)


def test_the_words_say_what_happens_where() -> None:
    text = "stock.read: error share=10% count=3 seed=7; stock.write: latency delay=1.5s jitter=20ms"
    assert parse_failpoints(text) == {
        "stock.read": Failpoint("error", share=0.1, count=3, seed=7),
        "stock.write": Failpoint("latency", delay=1.5, jitter=0.02),
    }
    assert parse_failpoints("a: hang until=12.5\n\n") == {"a": Failpoint("hang", until=12.5)}
    assert parse_failpoints(" ; ") == {}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stock.read", "found 'stock.read', wanted NAME: KIND"),
        ("a b: error", "found 'a b: error', wanted NAME: KIND"),
        ("a: eror", "a: found 'eror', wanted one of error, latency, hang"),
        ("a:", "a: found '', wanted one of"),
        ("a: error delay=1s", "a: error has no 'delay'; it takes count, seed, share, until"),
        ("a: latency delay=300", "a: found delay=300: wanted a time such as 200ms"),
        ("a: error share=0.5", "a: found share=0.5: wanted a share such as 10%"),
        ("a: error share=120%", "a: found share=120%: wanted a share such as 10%"),
        ("a: error count=few", "a: found count=few: invalid literal"),
    ],
)
def test_words_that_say_nothing_are_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        parse_failpoints(text)
    with pytest.raises(ValueError, match=r"^PERFKIT_FAILPOINTS: "):
        armed_by(text)


def test_nothing_happens_unless_it_was_asked_for() -> None:
    assert armed_by(None) is None
    assert armed_by("") is None
    runtime.inject("anywhere")
    asyncio.run(runtime.inject_async("anywhere"))


def test_an_error_is_of_the_class_that_the_place_names() -> None:
    armed = Armed(parse_failpoints("a: error"))
    with pytest.raises(ConnectionError, match="failpoint a: an error on purpose"):
        armed.reach("a", ConnectionError)
    with pytest.raises(runtime.InjectedError):
        asyncio.run(armed.reach_async("a", runtime.InjectedError))
    armed.reach("b", ConnectionError)


def hits(text: str, calls: int) -> list[int]:
    """Return which of the calls of the place ``a`` are hit."""
    armed, found = Armed(parse_failpoints(text)), []
    for number in range(calls):
        try:
            armed.reach("a", runtime.InjectedError)
        except runtime.InjectedError:
            found.append(number)
    return found


def test_a_share_and_a_count_follow_from_the_seed() -> None:
    first = hits("a: error share=30% seed=1", 400)
    assert 80 <= len(first) <= 160
    assert hits("a: error share=30% seed=1", 400) == first
    assert hits("a: error share=30% seed=2", 400) != first
    assert hits("a: error share=30% seed=1 count=5", 400) == first[:5]
    assert hits("a: error share=0%", 50) == []
    assert hits("a: error count=2", 50) == [0, 1]


def test_latency_waits_its_delay_with_jitter() -> None:
    slept: list[float] = []
    armed = Armed(parse_failpoints("a: latency delay=100ms jitter=20ms"), sleep=slept.append)
    for _ in range(50):
        armed.reach("a", runtime.InjectedError)
    assert len(slept) == 50
    assert 0.08 <= min(slept) < 0.09
    assert 0.11 < max(slept) <= 0.12


class Clock:
    """Seconds that pass where somebody sleeps; what happens at a time happens then."""

    def __init__(self, at: float = 0.0) -> None:
        self.now, self.events = at, list[tuple[float, object]]()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for moment, act in list(self.events):
            if self.now >= moment and callable(act):
                self.events.remove((moment, act))
                act()


def test_a_file_begins_and_ends_faults_of_a_running_program(tmp_path: Path) -> None:
    file, clock = tmp_path / "failpoints", Clock()
    armed = Armed(file, now=clock, sleep=clock.sleep)

    def reach() -> bool:
        clock.sleep(LOOK_EVERY)
        try:
            armed.reach("a", ConnectionError)
        except ConnectionError:
            return True
        return False

    assert not reach(), "no file, no fault"
    file.write_text("a: error", "utf-8")
    assert [reach(), reach()] == [True, True]
    file.write_text("b: error share=50%", "utf-8")
    assert not reach()
    file.write_text("a: error count=1 ", "utf-8")
    assert [reach(), reach()] == [True, False]
    file.unlink()
    assert not reach()
    assert (tmp_path / "failpoints.hits").read_text("utf-8") == "a\n" * 3


def test_a_file_that_cannot_be_read_is_told_and_does_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "failpoints"
    file.write_text("a: eror", "utf-8")
    armed = Armed(file)
    with caplog.at_level(logging.ERROR, "perfkit.runtime"):
        armed.reach("a", ConnectionError)
    assert "found 'eror'" in caplog.text
    assert "nothing is injected" in caplog.text


def test_hits_nobody_can_count_any_more_are_hits_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "gone" / "failpoints"
    file.parent.mkdir()
    file.write_text("a: error", "utf-8")
    armed = Armed(file, now=lambda: 0.0)  # no second look
    armed.reach("b", ConnectionError)
    file.unlink()
    file.parent.rmdir()
    with pytest.raises(ConnectionError):
        armed.reach("a", ConnectionError)


@pytest.mark.parametrize("text", ["a: hang", "a: hang until=5"])
def test_a_hang_ends_with_its_fault(text: str, tmp_path: Path) -> None:
    file, clock = tmp_path / "failpoints", Clock()
    file.write_text(text, "utf-8")
    if "until" not in text:
        clock.events.append((5.0, file.unlink))
    Armed(file, now=clock, sleep=clock.sleep).reach("a", ConnectionError)
    assert clock.now == pytest.approx(5.0, abs=2 * LOOK_EVERY)


def test_a_hang_of_a_coroutine_lets_others_run_and_can_be_cancelled() -> None:
    armed = Armed(parse_failpoints("a: hang"))

    async def whole() -> str:
        hanging = asyncio.create_task(armed.reach_async("a", ConnectionError))
        await asyncio.sleep(0.03)
        assert not hanging.done()
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
        return "others ran"

    assert asyncio.run(whole()) == "others ran"


def test_the_environment_arms_a_program() -> None:
    program = "from perfkit import runtime\nruntime.inject('stock.read', ConnectionError)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PERFKIT_FAILPOINTS": "stock.read: error"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "calls fail on purpose" in done.stderr
    assert "ConnectionError: failpoint stock.read: an error on purpose" in done.stderr
