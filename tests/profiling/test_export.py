"""Exports, read back by the programs they are for, or by the format they are in."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from perfkit.errors import UsageError
from perfkit.profiling import export
from perfkit.profiling.capture import capture
from perfkit.profiling.reading import read
from perfkit.profiling.recording import Recording
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


def test_speedscope_gives_the_same_self_times(recording: Recording) -> None:
    document = json.loads(export.speedscope(recording))
    assert document["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    frames = document["shared"]["frames"]
    (profile,) = document["profiles"]
    times: Counter[str] = Counter()
    python = [frame["file"] is not None and frame["line"] != 0 for frame in frames]
    stack: list[int] = []
    last = 0.0
    for event in profile["events"]:
        owner = next((frame for frame in reversed(stack) if python[frame]), None)
        if owner is not None:
            times[frames[owner]["name"]] += event["at"] - last
        last = event["at"]
        if event["type"] == "O":
            stack.append(event["frame"])
        else:
            assert stack.pop() == event["frame"]
    assert stack == []
    for hot in read(recording).hotspots:
        if hot.function.line:
            assert times[hot.function.name] == pytest.approx(hot.self_seconds, abs=1e-6)


def test_pyinstrument_opens_the_session(recording: Recording, tmp_path: Path) -> None:
    path = tmp_path / "profile.pyisession"
    path.write_text(export.pyisession(recording), "utf-8")
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


def test_the_page_holds_the_tree(recording: Recording) -> None:
    page = export.html(recording)
    assert page.startswith("<!DOCTYPE html>")
    assert '"identifier": "leaf\\u0000' in page


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
    assert "f2999" in export.html(one)
    assert "f2999" in export.speedscope(one)
    assert sys.getrecursionlimit() == before


def test_a_place_that_cannot_be_written_is_refused_before_measuring(tmp_path: Path) -> None:
    export.check_writable(tmp_path / "new" / "profile.html")
    with pytest.raises(UsageError, match="is a folder"):
        export.check_writable(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        export.check_writable(tmp_path / "file" / "profile.html")
