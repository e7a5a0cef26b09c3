"""Sessions kept as files and read again."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import asdict, replace
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from profiling_sessions import frame, recording
from pyinstrument.session import Session
from rich.console import Console

from perfkit.cli.profile_shown import written
from perfkit.errors import UsageError
from perfkit.model import Reach
from perfkit.profiling.charging import charge
from perfkit.profiling.form import Form
from perfkit.profiling.impact import KnownPath, impact
from perfkit.profiling.origin import sources_of
from perfkit.profiling.reading import read
from perfkit.profiling.saved import Origin, load, load_all, load_set, save_set, session_text
from perfkit.profiling.touched import ChangedFunction
from perfkit.profiling.view import View
from perfkit.reporting.profile_text import profile_text

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
        "is missing or wrong (duration: Field required)": json.dumps(
            {key: value for key, value in values.items() if key != "duration"}
        ),
        "it has no samples": json.dumps({**values, "frame_records": []}),
        "a sample has no function": json.dumps({**values, "frame_records": [[[], 0.001]]}),
        "duration: Input should be a finite number": json.dumps(
            {**values, "duration": float("nan")}
        ),
        "a time or a count is negative": json.dumps(
            {**values, "perfkit": {**own, "recording": {**own["recording"], "warmup": -1}}}
        ),
        "timing.calls: Input should be a valid integer": json.dumps(
            {
                **values,
                "perfkit": {
                    **own,
                    "recording": {
                        **own["recording"],
                        "timing": {**own["recording"]["timing"], "calls": "1"},
                    },
                },
            }
        ),
        "its origin is no commit": json.dumps(
            {**values, "perfkit": {**own, "origin": {**own["origin"], "commit": "--all"}}}
        ),
        "wanted a name, a file and a line": json.dumps(
            {**values, "frame_records": [[["f\x00/a.py\x00x"], 0.001]]}
        ),
        "it has no calls": json.dumps(
            {**values, "perfkit": {**own, "recording": {**own["recording"], "calls": 0}}}
        ),
    }


@pytest.mark.parametrize("case", range(14))
def test_a_damaged_file_is_one_sentence(tmp_path: Path, case: int) -> None:
    cases = damaged(session_text(recording({(MAIN,): 3}), ORIGIN))
    said, text = list(cases.items())[case]
    path = tmp_path / "a.pyisession"
    path.write_text(text)
    with pytest.raises(UsageError) as raised:
        load(path)
    assert said in str(raised.value)
    assert str(raised.value).startswith(str(path))


def paths_in(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield where every value of a JSON document stands."""
    if path:
        yield path
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield from paths_in(value[key], (*path, key))


WHOLE = json.loads(
    session_text(
        replace(
            recording({(MAIN, frame("hot", "/project/app.py", 9, "Child")): 2}),
            reach=Reach(threads=1, processes=1, processor_seconds=1.0),
        ),
        ORIGIN,
    )
)
ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.floats(),
    st.text(max_size=9),
    st.sampled_from(["\0", "\ud800", "a\0b\0001\x01lx"]),
    st.lists(st.none() | st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.none() | st.integers(), max_size=2),
)


@settings(max_examples=300)
@given(st.sampled_from(list(paths_in(WHOLE))), ANY)
def test_whatever_a_value_is_the_file_is_refused_or_can_be_used(
    tmp_path_factory: pytest.TempPathFactory, path: tuple[str | int, ...], value: object
) -> None:
    values = deepcopy(WHOLE)
    inner = values
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    file = tmp_path_factory.getbasetemp() / "damaged.pyisession"
    file.write_text(json.dumps(values))
    try:
        saved = load(file)
    except UsageError:
        return
    for form in Form:
        written(saved.recording, form, saved.origin)
    shown = read(saved.recording, View(only_mine=True))
    Console(file=StringIO()).print(profile_text(shown))
    json.dumps(asdict(shown), allow_nan=False)
    known = KnownPath(
        recording=saved.recording, sources=sources_of(saved.origin, None), commit="", behind=None
    )
    changed = ChangedFunction(old="app.py", new="app.py", name="hot", line=9, lines=1)
    json.dumps(asdict(impact("main", [changed], [known])), allow_nan=False)
    charge([saved.recording], known.sources)


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
