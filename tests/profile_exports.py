"""Every form of a profile read again, by the rules of its format: seconds by function name."""

import json
import pstats
from collections import Counter
from collections.abc import Callable, Mapping
from io import StringIO
from pathlib import Path

import pytest

from perfkit.model import Function
from perfkit.profiling import export
from perfkit.profiling.reading import every_call, read
from perfkit.profiling.recording import Recording
from perfkit.profiling.saved import Origin, load, session_text
from perfkit.reporting.flame_html import flame_html


def bare(times: Mapping[str, float]) -> Counter[str]:
    """Return seconds by names without their classes, which pyinstrument's speedscope leaves out."""
    found: Counter[str] = Counter()
    for name, seconds in times.items():
        found[name.rpartition(".")[2]] += seconds
    return found


def self_times(recording: Recording) -> Counter[str]:
    """Seconds of the functions of each name, as perfkit shows them."""
    times: Counter[str] = Counter()
    for hot in read(recording).hotspots:
        if hot.self_seconds:
            times[hot.function.name] += hot.self_seconds
    return times


def from_speedscope(recording: Recording, _: Path) -> Counter[str]:
    document = json.loads(export.speedscope(recording))
    assert document["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    frames = document["shared"]["frames"]
    (profile,) = document["profiles"]
    times: Counter[str] = Counter()
    python = [frame["file"] not in {None, "<thread>"} and frame["line"] != 0 for frame in frames]
    stack: list[int] = []
    last = 0.0
    for event in profile["events"]:
        below = [frame for frame in stack if frames[frame]["file"] != "<thread>"]
        within = [frame for frame in below if python[frame]] or below
        # What lies outside of all frames is perfkit's own loop around the target.
        name = frames[within[-1]]["name"] if within else "[calling the target]"
        times[name] += event["at"] - last
        last = event["at"]
        if event["type"] == "O":
            stack.append(event["frame"])
        else:
            assert stack.pop() == event["frame"]
    assert stack == []
    return times


def from_folded(recording: Recording, _: Path) -> Counter[str]:
    times: Counter[str] = Counter()
    for line in export.folded(recording).splitlines():
        path, _, microseconds = line.rpartition(" ")
        python = [one for one in path.split(";") if "(<built-in>:" not in one]
        times[(python or path.split(";"))[-1].rpartition(" (")[0]] += int(microseconds) / 1e6
    return times


def from_pstats(recording: Recording, folder: Path) -> Counter[str]:
    path = folder / "profile.pstats"
    path.write_bytes(export.pstats(recording))
    stats = pstats.Stats(str(path), stream=StringIO())
    totals = {hot.function: hot.total_seconds for hot in read(recording).hotspots}
    times: Counter[str] = Counter()
    for (file, line, name), (_, _, own, total, callers) in stats.stats.items():  # type: ignore[attr-defined]
        times[name] += own
        assert total == pytest.approx(totals[Function(name, file, line)])
        assert sum(cost[2] for cost in callers.values()) <= own * (1 + 1e-9)
    assert stats.total_tt == pytest.approx(sum(times.values()))  # type: ignore[attr-defined]
    return times


def from_page(recording: Recording, _: Path) -> Counter[str]:
    page = flame_html(read(recording), every_call(recording))
    for outside in ("http://", "https://", "src=", "@import", "url("):
        assert outside not in page
    values = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    times: Counter[str] = Counter()
    path: list[tuple[str, str]] = []
    for depth, name, place, seconds, _, _ in values["nodes"]:
        del path[depth:]
        path.append((name, place))
        times[_owner(path)] += seconds
        if depth:
            times[_owner(path[:-1])] -= seconds
    return times


def _owner(path: list[tuple[str, str]]) -> str:
    """Return whose time the end of a path is: a function's own, or what it calls that is compiled.

    Without a Python function below the root, the compiled function stands for itself.
    """
    python = [one for one, where in path[1:] if where != "<built-in>"]
    return python[-1] if python else path[-1][0]


def from_session(recording: Recording, folder: Path) -> Counter[str]:
    path = folder / "profile.pyisession"
    path.write_text(session_text(recording, Origin(roots=("/project",))), "utf-8")
    again = load(path).recording
    assert read(again) == read(recording)
    assert again.session == recording.session
    return self_times(again)


READERS: Mapping[str, Callable[[Recording, Path], Counter[str]]] = {
    "html": from_page,
    "speedscope": from_speedscope,
    "pyisession": from_session,
    "folded": from_folded,
    "pstats": from_pstats,
}
"""Form -> what writes a recording so and reads it again; the folder is a scratch one."""
