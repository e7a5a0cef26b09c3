"""What is said on stderr while measuring: words, and how many lines a log gets."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from perfkit.benchmarking.session import Progress
from perfkit.cli.invocation import Invocation
from perfkit.cli.progress import MOST_LINES, LogLines, measuring, standing_words
from perfkit.model import Verdict

EARLY = Progress(
    round_number=2,
    min_rounds=6,
    rounds=20,
    done=15,
    planned=72,
    undecided=12,
    current="suite.time_x[1]",
    verdicts={},
    seconds_left=44.6,
)
LATE: Mapping[Verdict, int] = {
    Verdict.INCONCLUSIVE: 2,
    Verdict.UNCHANGED: 8,
    Verdict.FAILED: 1,
    Verdict.REGRESSED: 1,
}


def test_the_words_before_and_after_the_first_decision() -> None:
    assert standing_words(EARLY) == "round 2/6, about 45 s left: 12 open"
    assert standing_words(replace(EARLY, seconds_left=None)) == "round 2/6: 12 open"
    late = replace(EARLY, round_number=9, verdicts=LATE, undecided=2, seconds_left=290)
    assert standing_words(late) == (
        "round 9/20, at most 5 min left: 1 regressed, 8 unchanged, 1 failed, 2 open"
    )
    again = replace(late, confirming=True, verdicts={}, seconds_left=60)
    assert standing_words(again) == "confirming, round 9/20, at most 60 s left: 2 open"


@pytest.mark.parametrize(
    ("hours", "least", "most"), [(0, 0, 0), (1 / 6, 10, 20), (6, 25, 36), (24 * 365, 40, 40)]
)
def test_a_log_gets_few_lines_however_long_it_takes(hours: float, least: int, most: int) -> None:
    said: list[str] = []
    now = 0.0
    lines = LogLines(said.append, lambda: now)
    while now < hours * 3600 or now < 19:
        lines(EARLY)
        now += max(1.0, now / 50)
    assert least <= len(said) <= most <= MOST_LINES


def test_a_terminal_gets_a_bar_with_the_same_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")  # what rich takes for a terminal
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    invocation = Invocation()
    with measuring(invocation) as move:
        move(EARLY)
    shown = capsys.readouterr().err
    assert "round 2/6, about 45 s left: 12 open  suite.time_x[1]" in shown


def test_a_log_gets_nothing_when_progress_is_off(capsys: pytest.CaptureFixture[str]) -> None:
    for progress, lines in ((False, ""), (True, "round 2/6, about 45 s left: 12 open\n")):
        invocation = Invocation(progress=progress)
        with measuring(invocation) as move:
            assert isinstance(move, LogLines)
            move._next = 0.0  # as if the first 20 seconds were over
            move(EARLY)
        assert capsys.readouterr().err == lines
