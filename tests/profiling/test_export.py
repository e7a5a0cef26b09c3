"""Exports, read back by the programs they are for, or by the format they are in."""

import json
import pstats
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from profiling_sessions import recording as made

from perfkit.errors import UsageError
from perfkit.profiling import export
from perfkit.profiling.capture import capture
from perfkit.profiling.form import Form, form_of
from perfkit.profiling.reading import every_call, read
from perfkit.profiling.recording import Recording
from perfkit.profiling.saved import Origin, load, session_text
from perfkit.reporting.flame_html import flame_html
from perfkit.targets import parse_target

SOURCE = """
def leaf():
    return [number for number in range(3000)]

def dig(depth):
    return dig(depth - 1) if depth else leaf()

def main():
    for depth in range(600):
        dig(depth % 7)
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    folder = tmp_path_factory.mktemp("project")
    (folder / "app.py").write_text(SOURCE)
    return capture(parse_target("app:main", cwd=folder), cwd=folder, repeat=3, timeout=60)


def self_times(recording: Recording) -> dict[str, float]:
    """Seconds of each function by name, as perfkit shows them."""
    return {
        hot.function.name: hot.self_seconds for hot in read(recording).hotspots if hot.self_seconds
    }


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
        owner = next((frame for frame in reversed(stack) if python[frame]), None)
        # What lies outside of all Python frames is perfkit's own loop around the target.
        name = "[calling the target]" if owner is None else frames[owner]["name"]
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
    totals = {hot.function.name: hot.total_seconds for hot in read(recording).hotspots}
    times: Counter[str] = Counter()
    for (_, _, name), (_, _, own, total, callers) in stats.stats.items():  # type: ignore[attr-defined]
        times[name] += own
        assert total == pytest.approx(totals[name])
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
        # Its own time, and that of the compiled functions below it.
        owner = next((one for one, where in reversed(path) if where != "<built-in>"), "")
        times[owner] += seconds
        if depth:
            above = next(one for one, where in reversed(path[:-1]) if where != "<built-in>")
            times[above] -= seconds
    return times


def from_session(recording: Recording, folder: Path) -> Counter[str]:
    path = folder / "profile.pyisession"
    path.write_text(session_text(recording, Origin(roots=("/project",))), "utf-8")
    again = load(path).recording
    assert read(again) == read(recording)
    assert again.session == recording.session
    return Counter(self_times(again))


@pytest.mark.parametrize(
    "again", [from_speedscope, from_folded, from_pstats, from_page, from_session]
)
def test_every_export_read_again_gives_the_same_self_times(
    recording: Recording, tmp_path: Path, again: Callable[[Recording, Path], Counter[str]]
) -> None:
    times = {name: value for name, value in again(recording, tmp_path).items() if abs(value) > 1e-6}
    assert times == pytest.approx(self_times(recording), abs=1e-5)
    assert sum(times.values()) == pytest.approx(recording.seconds, rel=0.01)


def test_pyinstrument_opens_the_session(recording: Recording, tmp_path: Path) -> None:
    path = tmp_path / "profile.pyisession"
    path.write_text(session_text(recording, Origin(roots=("/project",))), "utf-8")
    shown = subprocess.run(
        [sys.executable, "-m", "pyinstrument", "--load", str(path), "-r", "json"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    document = json.loads(shown)
    assert document["sample_count"] == recording.samples
    assert document["duration"] == pytest.approx(recording.seconds, abs=1e-5)
    assert document["target_description"] == "app:main"


def test_a_name_cannot_end_its_frame_in_a_folded_stack() -> None:
    one = made({("a;b\nc\x00/app.py\x003",): 2})
    assert export.folded(one) == "a:b c (/app.py:3) 2000\n"


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.html", Form.HTML),
        ("a.speedscope.json", Form.SPEEDSCOPE),
        ("a.PYISESSION", Form.PYISESSION),
        ("a.folded", Form.FOLDED),
        ("a.prof", Form.PSTATS),
    ],
)
def test_the_suffix_says_the_form(name: str, form: Form) -> None:
    assert form_of(Path(name)) is form


def test_an_unknown_suffix_is_refused() -> None:
    with pytest.raises(UsageError, match=r"found the suffix '.svg', wanted one of .html, .json"):
        form_of(Path("a.svg"))


def test_a_stack_as_deep_as_python_allows_is_exported(recording: Recording) -> None:
    deep = [f"f{depth}\x00/app.py\x00{depth + 1}" for depth in range(3000)]
    session = {**recording.session, "frame_records": [(deep, 0.5)], "start_call_stack": deep[:1]}
    before = sys.getrecursionlimit()
    one = Recording(
        target="deep",
        cwd="/",
        timing=recording.timing,
        calls=1,
        warmup=0,
        interval=0.001,
        session=session,
    )
    assert "f2999" in flame_html(read(one), every_call(one))
    assert "f2999" in export.folded(one)
    assert b"f2999" in export.pstats(one)
    assert "f2999" in export.speedscope(one)
    assert sys.getrecursionlimit() == before


def test_a_place_that_cannot_be_written_is_refused_before_measuring(tmp_path: Path) -> None:
    export.check_writable(tmp_path / "new" / "profile.html")
    with pytest.raises(UsageError, match="is a folder"):
        export.check_writable(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        export.check_writable(tmp_path / "file" / "profile.html")
