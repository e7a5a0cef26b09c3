"""Sessions kept as files and read again."""

import json
from pathlib import Path

import pytest
from profiling_sessions import frame, recording
from pyinstrument.session import Session

from perfkit.errors import UsageError
from perfkit.profiling.saved import Origin, load, load_all, load_set, save_set, session_text

MAIN = frame("main", "/project/app.py", 1)
ORIGIN = Origin(roots=("/project",), commit="abc", dirty=True)


def test_a_set_is_read_as_it_was_saved_and_opens_in_pyinstrument(tmp_path: Path) -> None:
    kept = [recording({(MAIN,): ms}, calls=ms, threads=0.5) for ms in (3, 4)]
    save_set(tmp_path / "set", [kept[0]] * 3, ORIGIN)
    save_set(tmp_path / "set", kept, ORIGIN)
    found = load_set(tmp_path / "set")
    assert [one.recording for one in found] == kept
    assert {one.origin for one in found} == {ORIGIN}
    text = found[0].path.read_text("utf-8")
    assert Session.from_json(json.loads(text)).sample_count == 3


def damaged(text: str) -> dict[str, str]:
    values = json.loads(text)
    own = values["perfkit"]
    return {
        "not readable": text[:50],
        "no profile saved by perfkit": json.dumps({**values, "perfkit": None}),
        "no profile": "[]",
        "found format 9, wanted 1": json.dumps({**values, "perfkit": {"format": 9}}),
        "missing or wrong": json.dumps({**values, "frame_records": None}),
        "is missing or wrong ('duration')": json.dumps(
            {key: value for key, value in values.items() if key != "duration"}
        ),
        "it has no samples": json.dumps({**values, "frame_records": []}),
        "a sample has no function": json.dumps({**values, "frame_records": [[[], 0.001]]}),
        "a time is negative or no number": json.dumps({**values, "duration": float("nan")}),
        "invalid literal for int": json.dumps(
            {**values, "frame_records": [[["f\x00/a.py\x00x"], 0.001]]}
        ),
        "it has no calls": json.dumps(
            {**values, "perfkit": {**own, "recording": {**own["recording"], "calls": 0}}}
        ),
    }


@pytest.mark.parametrize("case", range(11))
def test_a_damaged_file_is_one_sentence(tmp_path: Path, case: int) -> None:
    cases = damaged(session_text(recording({(MAIN,): 3}), ORIGIN))
    said, text = list(cases.items())[case]
    path = tmp_path / "a.pyisession"
    path.write_text(text)
    with pytest.raises(UsageError) as raised:
        load(path)
    assert said in str(raised.value)
    assert str(raised.value).startswith(str(path))


def test_a_folder_that_holds_no_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="found no saved profile"):
        load_all(tmp_path)
    with pytest.raises(UsageError, match="not readable"):
        load(tmp_path / "absent")
    first = recording({(MAIN,): 3})
    (tmp_path / "a.pyisession").write_text(session_text(first, ORIGIN))
    other = recording({(MAIN,): 3}, target="app:other")
    (tmp_path / "b.pyisession").write_text(session_text(other, ORIGIN))
    with pytest.raises(UsageError, match="sessions of 2 targets"):
        load_set(tmp_path)
    (tmp_path / "b.pyisession").write_text(session_text(first, Origin(roots=("/other",))))
    with pytest.raises(UsageError, match="of different commits"):
        load_set(tmp_path)
