"""Exports, read back by the programs they are for, or by the format they are in."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from profile_exports import READERS, self_times
from profiling_sessions import recording as made

from perfkit.errors import UsageError
from perfkit.profiling import export
from perfkit.profiling.capture import capture
from perfkit.profiling.form import Form, form_of
from perfkit.profiling.reading import every_call, read
from perfkit.profiling.recording import Recording
from perfkit.profiling.saved import Origin, session_text
from perfkit.reporting.flame_html import flame_html
from perfkit.targets.spec import parse_target

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


@pytest.mark.parametrize("form", Form)
def test_every_export_read_again_gives_the_same_self_times(
    recording: Recording, tmp_path: Path, form: Form
) -> None:
    found = READERS[form](recording, tmp_path)
    times = {name: value for name, value in found.items() if abs(value) > 1e-6}
    assert times == pytest.approx(self_times(recording), abs=1e-5)
    assert sum(times.values()) == pytest.approx(recording.seconds, rel=0.01)


@pytest.mark.parametrize("form", Form)
def test_a_compiled_function_outside_of_every_python_function_stands_for_itself(
    tmp_path: Path, form: Form
) -> None:
    one = made(
        {
            ("compile\x00<built-in>\x000",): 3,
            ("main\x00/app.py\x001", "sorted\x00<built-in>\x000"): 4,
            ("[calling the target]\x00perfkit\x000",): 5,
        }
    )
    found = READERS[form](one, tmp_path)
    times = {name: value for name, value in found.items() if abs(value) > 1e-6}
    assert times == pytest.approx({"compile": 3e-3, "main": 4e-3, "[calling the target]": 5e-3})


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
