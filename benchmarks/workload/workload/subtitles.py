"""SubRip (SRT) subtitles: numbered cues with a time span in milliseconds and lines of text."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_TIMING = re.compile(r"(\d{2,}):(\d\d):(\d\d),(\d{3}) --> (\d{2,}):(\d\d):(\d\d),(\d{3})", re.ASCII)


class SubtitleError(ValueError):
    """The text is not SRT; the message names the line, what was found and what was wanted."""


@dataclass(frozen=True, slots=True)
class Cue:
    r"""One subtitle: ``number`` >= 0, ``start_ms <= end_ms``, and ``text`` without blank lines.

    ``text`` may be empty; its lines are separated by ``\n`` alone.

    Raises:
        SubtitleError: the values cannot be written as a cue that reads back as itself.
    """

    number: int
    start_ms: int
    end_ms: int
    text: str

    def __post_init__(self) -> None:
        if self.number < 0 or not 0 <= self.start_ms <= self.end_ms:
            raise SubtitleError(
                f"cue {self.number} spans {self.start_ms} to {self.end_ms} ms; "
                "wanted a number >= 0 and 0 <= start <= end"
            )
        if "\r" in self.text or (self.text and not all(map(str.strip, self.text.split("\n")))):
            raise SubtitleError(
                f"cue {self.number} has the text {self.text!r}; wanted lines that are not blank, "
                "separated by \\n"
            )


def parse(text: str) -> tuple[Cue, ...]:
    """Return the cues of an SRT file, in file order; empty for a file without cues.

    A byte order mark and any of the three line ends are accepted. Blank means white space only.

    Raises:
        SubtitleError: a cue lacks its number or its time line.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return tuple(_cue(first, block) for first, block in _blocks(lines))


def render(cues: Iterable[Cue]) -> str:
    """Return the SRT text of the cues, one blank line after each; ``parse`` gives them back."""
    return "".join(
        f"{cue.number}\n{_clock(cue.start_ms)} --> {_clock(cue.end_ms)}\n"
        + (f"{cue.text}\n\n" if cue.text else "\n")
        for cue in cues
    )


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield each run of lines that are not blank, with the number of its first line from 1."""
    block: list[str] = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            block.append(line)
        elif block:
            yield number - len(block), block
            block = []
    if block:
        yield len(lines) - len(block) + 1, block


def _cue(first: int, block: list[str]) -> Cue:
    number = block[0].strip()
    if not (number.isascii() and number.isdigit()):
        raise SubtitleError(f"line {first}: found {number!r}, wanted the number of a cue")
    timing = _TIMING.fullmatch(block[1].strip()) if len(block) > 1 else None
    if timing is None:
        found = repr(block[1].strip()) if len(block) > 1 else "the end of the cue"
        raise SubtitleError(
            f"line {first + 1}: found {found}, wanted times such as 00:00:01,000 --> 00:00:02,500"
        )
    fields = [int(field) for field in timing.groups()]
    return Cue(
        number=int(number),
        start_ms=_milliseconds(*fields[:4]),
        end_ms=_milliseconds(*fields[4:]),
        text="\n".join(block[2:]),
    )


def _milliseconds(hours: int, minutes: int, seconds: int, thousandths: int) -> int:
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths


def _clock(milliseconds: int) -> str:
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02},{thousandths:03}"
