"""Named places of an application that can be made to fail on purpose.

Off unless ``PERFKIT_FAILPOINTS`` is set where this module is imported. Its text says what happens
where, such as ``stock.read: error share=10% count=3; stock.write: latency delay=200ms``. With
``@FILE`` the text is that of a file, which is looked at while the program runs: so `perfkit chaos`
begins and ends faults in a running process.
"""

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

VARIABLE = "PERFKIT_FAILPOINTS"

LOOK_EVERY = 0.01
"""Seconds between two looks at the file, and the longest that a hang outlives its fault."""

HITS = ".hits"
"""What is appended to the file's name for the file with a line for each hit."""

Kind: TypeAlias = Literal["error", "latency", "hang"]
MEASURES: Mapping[Kind, frozenset[str]] = {
    "error": frozenset({"share", "count", "seed", "until"}),
    "latency": frozenset({"delay", "jitter", "share", "count", "seed", "until"}),
    "hang": frozenset({"share", "count", "seed", "until"}),
}
"""What each kind can be told."""

_SECONDS = re.compile(r"(\d+(?:\.\d+)?)(ms|s)")
NAME = re.compile(r"[A-Za-z0-9_.-]+")
"""What a place may be called."""


class InjectedError(Exception):
    """What a failpoint raises where its place names no other error."""


@dataclass(frozen=True, slots=True)
class Failpoint:
    """What happens at one place: times in seconds, ``share`` of one, ``until`` since 1970."""

    kind: Kind
    delay: float = 0.2
    jitter: float = 0.0
    share: float = 1.0
    count: int | None = None
    """Hits in each process after which it is off."""
    seed: int = 0
    until: float = float("inf")


def parse_failpoints(text: str) -> dict[str, Failpoint]:
    """Return what happens at which place.

    Raises:
        ValueError: the text says something else; the message names the place and what is wanted.
    """
    found: dict[str, Failpoint] = {}
    for part in filter(None, map(str.strip, re.split(r"[;\n]", text))):
        name, colon, words = part.partition(":")
        kind, *measures = words.split() or [""]
        if not colon or not NAME.fullmatch(name.strip()):
            message = f"found {part!r}, wanted NAME: KIND, such as stock.read: error share=10%"
            raise ValueError(message)
        if kind not in MEASURES:
            message = f"{name}: found {kind!r}, wanted one of {', '.join(MEASURES)}"
            raise ValueError(message)
        point = Failpoint(kind)  # type: ignore[arg-type]  # it is one of the keys
        for measure in measures:
            point = _with(point, name.strip(), measure)
        found[name.strip()] = point
    return found


def _with(point: Failpoint, name: str, measure: str) -> Failpoint:
    """Return the point with a measure such as ``delay=200ms``. Raises ValueError."""
    key, _, text = measure.partition("=")
    known = MEASURES[point.kind]
    if key not in known:
        message = f"{name}: {point.kind} has no {key!r}; it takes {', '.join(sorted(known))}"
        raise ValueError(message)
    try:
        match key:
            case "delay":
                return replace(point, delay=_seconds(text))
            case "jitter":
                return replace(point, jitter=_seconds(text))
            case "share":
                return replace(point, share=_share(text))
            case "count":
                return replace(point, count=int(text))
            case "seed":
                return replace(point, seed=int(text))
            case _:
                return replace(point, until=float(text))
    except ValueError as error:
        message = f"{name}: found {measure}: {error}"
        raise ValueError(message) from None


def _seconds(text: str) -> float:
    found = _SECONDS.fullmatch(text)
    if found is None:
        raise ValueError("wanted a time such as 200ms or 1.5s")
    return float(found[1]) * (1e-3 if found[2] == "ms" else 1.0)


def _share(text: str) -> float:
    if not text.endswith("%") or not 0 <= float(text[:-1]) <= 100:  # noqa: PLR2004  # percent
        raise ValueError("wanted a share such as 10%")
    return float(text[:-1]) / 100


class _Error(Protocol):
    def __call__(self, message: str, /) -> Exception: ...


class _Place:
    """One failpoint in this process: its dice and what is left of its count."""

    def __init__(self, name: str, point: Failpoint) -> None:
        import random  # only a program that is to fail needs it

        self.point = point
        self._dice = random.Random(f"{point.seed} {name}")
        self._left = point.count
        self._lock = threading.Lock()

    def hit(self) -> float | None:
        """Return the seconds that are waited for if this call is hit, else None."""
        with self._lock:
            if self._left == 0 or self._dice.random() >= self.point.share:
                return None
            if self._left is not None:
                self._left -= 1
            return max(0.0, self.point.delay + self._dice.uniform(-1, 1) * self.point.jitter)


class Armed:
    """The failpoints of a program that was started with some.

    Args:
        points: What happens where; or the file that says so, which may come and go.
        now: Seconds since 1970.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        points: Mapping[str, Failpoint] | Path,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._file = points if isinstance(points, Path) else None
        self._places: dict[str, _Place] = {}
        if not isinstance(points, Path):
            self._places = {name: _Place(name, point) for name, point in points.items()}
        self._now, self._sleep = now, sleep
        self._seen: tuple[int, ...] = ()
        self._next_look = float("-inf")
        self._lock = threading.Lock()

    def reach(self, name: str, error: _Error) -> None:
        """Do what is to happen at ``name``; raises what ``error`` makes of a message."""
        for seconds in self._waits(name, error):
            self._sleep(seconds)

    async def reach_async(self, name: str, error: _Error) -> None:
        """Do the same without holding the event loop up."""
        import asyncio

        for seconds in self._waits(name, error):
            await asyncio.sleep(seconds)

    def _waits(self, name: str, error: _Error) -> Iterator[float]:
        place = self._place(name)
        seconds = place.hit() if place is not None else None
        if place is None or seconds is None:
            return
        self._note(name)
        match place.point.kind:
            case "error":
                raise error(f"failpoint {name}: an error on purpose")
            case "latency":
                yield seconds
            case _:
                while self._place(name) is place:
                    yield LOOK_EVERY

    def _place(self, name: str) -> _Place | None:
        """Return what happens at ``name`` now."""
        if self._file is not None and self._now() >= self._next_look:
            with self._lock:
                self._next_look = self._now() + LOOK_EVERY
                self._look(self._file)
        place = self._places.get(name)
        return place if place is not None and self._now() < place.point.until else None

    def _look(self, file: Path) -> None:
        """Read the file where it has changed; a fault that its new text has not got is over."""
        seen: tuple[int, ...] = ()
        points: dict[str, Failpoint] = {}
        try:
            found = file.stat()
            seen = (found.st_ino, found.st_mtime_ns, found.st_size)
            if seen == self._seen:
                return
            points = parse_failpoints(file.read_text("utf-8"))
        except FileNotFoundError:
            seen = ()  # no file, no fault
        except (OSError, ValueError) as error:
            logging.getLogger("perfkit.runtime").error("%s: %s; nothing is injected", file, error)  # noqa: TRY400  # the sentence is enough
        kept = {n: p for n, p in self._places.items() if points.get(n) == p.point}
        self._places = {n: kept.get(n) or _Place(n, point) for n, point in points.items()}
        self._seen = seen

    def _note(self, name: str) -> None:
        """Say in the file of hits that a call was hit, so that chaos can tell what it has done."""
        if self._file is None:
            return
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        with suppress(OSError):  # its folder goes when the experiment ends
            hits = os.open(f"{self._file}{HITS}", flags, 0o600)
            try:
                os.write(hits, f"{name}\n".encode())
            finally:
                os.close(hits)


def armed_by(text: str | None) -> Armed | None:
    """Return the failpoints that the variable asks for, None where it is not set.

    Raises:
        ValueError: its text cannot be read: a program that is to fail and does not shows nothing.
    """
    if not text:
        return None
    try:
        armed = Armed(Path(text[1:]) if text.startswith("@") else parse_failpoints(text))
    except ValueError as error:
        message = f"{VARIABLE}: {error}"
        raise ValueError(message) from None
    logging.getLogger("perfkit.runtime").warning("%s=%s: calls fail on purpose", VARIABLE, text)
    return armed


_armed = armed_by(os.environ.get(VARIABLE))


def inject(name: str, error: _Error = InjectedError) -> None:
    """Mark a place that can be made to fail: nothing happens unless ``name`` was asked for.

    An ``error`` on purpose is what ``error`` makes of a message, so that it is of the class that
    the place really raises; ``latency`` and ``hang`` wait here.
    """
    if _armed is not None:
        _armed.reach(name, error)


async def inject_async(name: str, error: _Error = InjectedError) -> None:
    """Mark such a place in a coroutine."""
    if _armed is not None:
        await _armed.reach_async(name, error)
