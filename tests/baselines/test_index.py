"""Any results folder is read, each file once, and never a wrong value from the index."""

import json
import math
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stored_results import asv_file, store

from perfkit.baselines import index
from perfkit.baselines.collection import Collection
from perfkit.baselines.columns import COLUMNS, State, benchmark_of
from perfkit.baselines.index import FOLDER, read_results
from perfkit.errors import UsageError
from perfkit.stats import representatives


def values(collection: Collection) -> dict[str, list[tuple[State, float]]]:
    """Return benchmark -> state and level of every result."""
    found: dict[str, list[tuple[State, float]]] = {}
    columns = (collection.column(name) for name in ("benchmark", "state", "level"))
    for key, state, level in zip(*columns, strict=True):
        name = str(benchmark_of(collection.texts[key]))
        found.setdefault(name, []).append((State(state), float(level)))
    return {name: sorted(found[name]) for name in sorted(found)}


def same(one: Collection, other: Collection) -> bool:
    return one.files == other.files and repr(values(one)) == repr(values(other))


def test_asv_results_of_every_kind(tmp_path: Path) -> None:
    asv_file(
        tmp_path,
        {
            "a.time_one": [[0.5], [], "v1"],
            "a.time_skipped": [[math.nan], [], "v1"],
            "a.time_failed": [[None], [], "v1"],
            "a.track_endless": [[math.inf], [], "v1"],
            "a.track_words": [["many"], [], "v1"],
            "a.track_huge": [[10**400], [], "v1"],
            "a.track_whole": [[7], [], "v1"],
            "a.time_grid": [[1.0, None, 3.0], [["1", "2"], ["'x'", "'y'"]], "v1"],
            "a.time_built": [None, [["1", "2"]], "v1"],
            "a.time_gone": None,
        },
    )
    found, unreadable = read_results(tmp_path)
    assert unreadable == ()
    nan = math.nan
    wanted = {
        "a.time_built(1)": [(State.FAILED, nan)],
        "a.time_built(2)": [(State.FAILED, nan)],
        "a.time_failed": [(State.FAILED, nan)],
        "a.time_gone": [(State.FAILED, nan)],
        "a.time_grid(1, 'x')": [(State.VALUE, 1.0)],
        "a.time_grid(1, 'y')": [(State.FAILED, nan)],
        "a.time_grid(2, 'x')": [(State.VALUE, 3.0)],
        "a.time_grid(2, 'y')": [(State.FAILED, nan)],
        "a.time_one": [(State.VALUE, 0.5)],
        "a.time_skipped": [(State.SKIPPED, nan)],
        "a.track_endless": [(State.INVALID, nan)],
        "a.track_huge": [(State.INVALID, nan)],
        "a.track_whole": [(State.VALUE, 7.0)],
        "a.track_words": [(State.INVALID, nan)],
    }
    assert repr(values(found)) == repr(wanted)
    assert same(read_results(tmp_path)[0], found)  # and from the index


def test_the_first_version_of_the_format(tmp_path: Path) -> None:
    path = asv_file(tmp_path, {})
    document = json.loads(path.read_text())
    del document["result_columns"], document["env_name"]
    document |= {
        "version": 1,
        "results": {
            "a.time_plain": 0.25,
            "a.time_failed": None,
            "a.time_grid": {"result": [1.0, 2.0], "params": [["1", "2"]],
                            "stats": [{"ci_99": [0.9, 1.1]}, None]},
            "a.time_sampled": {"result": [1.0], "params": [], "samples": [[0.9, 1.1]]},
        },
    }  # fmt: skip
    path.write_text(json.dumps(document))
    found, unreadable = read_results(tmp_path)
    assert unreadable == ()
    assert values(found)["a.time_plain"] == [(State.VALUE, 0.25)]
    assert values(found)["a.time_failed"][0][0] is State.FAILED
    assert values(found)["a.time_grid(2)"] == [(State.VALUE, 2.0)]
    assert found.column("sample").tolist() == [0.9, 1.1]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"{", "not readable as JSON"),
        (b"[]", "found a list, wanted an object"),
        (b"\xff\xfe", "not readable as JSON"),
        (b'{"a": 1}\n<<<<<<< HEAD\n', "holds conflict markers of git: keep one side"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of git-lfs"),
        (b'{"version": 3}', "result format 3 is newer than 2: update perfkit"),
        (b'{"perfkit": {"schema": 9}, "version": 2}', "perfkit's schema 9 is not 1"),
        (b'{"version": 2, "results": {}}', "found no key 'params'"),
        (b"[" * 100_000, "not readable as JSON"),
    ],
)
def test_an_unreadable_file_gets_one_sentence_and_the_others_are_kept(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    asv_file(tmp_path, {"a.time_one": [[0.5], [], "v1"]})
    (tmp_path / "runner-1" / "broken.json").write_bytes(content)
    for _ in range(2):  # from the files, and from the index
        found, unreadable = read_results(tmp_path)
        assert found.files == 1
        assert [one.path for one in unreadable] == ["runner-1/broken.json"]
        assert reason in unreadable[0].reason
        assert "\n" not in unreadable[0].reason


def test_what_is_no_regular_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = asv_file(tmp_path, {"a.time_one": [[0.5], [], "v1"]})
    os.mkfifo(kept.with_name("pipe.json"))
    kept.with_name("gone.json").symlink_to("nowhere")
    monkeypatch.setattr(index, "HIGHEST_BYTES", 1000)
    kept.with_name("large.json").write_bytes(b" " * 1001)
    found, unreadable = read_results(tmp_path)
    assert found.files == 1
    assert [(Path(one.path).name, one.reason) for one in unreadable] == [
        ("gone.json", "No such file or directory"),
        ("large.json", "0 MiB, above the bound of 0 MiB"),
        ("pipe.json", "not a regular file"),
    ]
    with pytest.raises(UsageError, match="no such folder"):
        read_results(tmp_path / "absent")


@settings(max_examples=60)
@given(st.data())
def test_no_shape_of_json_stops_the_reading(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("results")
    good = asv_file(folder, {"a.time_one": [[0.5], [], "v1"]})
    names = ("a.time_one", "a.time_two")
    stored = store(folder, {name: [[1.0, 2.0], [3.0]] for name in names})
    source = data.draw(st.sampled_from([good, stored]))
    document = json.loads(source.read_text())
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=5,
    )
    holder, key = data.draw(st.sampled_from(places(document)))
    holder[key] = data.draw(anything)
    source.with_name("changed.json").write_text(json.dumps(document))
    found, unreadable = read_results(folder)
    assert found.files + len(unreadable) in {2, 3}  # the change may change nothing
    again, still = read_results(folder)
    assert same(found, again)
    assert unreadable == still


def places(value: object) -> list[tuple[object, object]]:
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [found for key, one in items for found in ((value, key), *places(one))]


def test_runs_of_perfkit_keep_their_processes_apart(tmp_path: Path) -> None:
    processes = [[3.0, 1.0, 2.0], [5.0], [4.0, 6.0]]
    store(tmp_path, {"a.time_one": processes, "a.time_two": [[1.0]]})
    asv_file(tmp_path, {"a.time_other": [[9.0], [], "v1", [[8.0, 10.0]]]},
             columns=("result", "params", "version", "samples"))  # fmt: skip
    found, _ = read_results(tmp_path)
    level = float(np.median(representatives(processes, "it", "lower")))
    assert values(found) == {
        "a.time_one": [(State.VALUE, level)],
        "a.time_other": [(State.VALUE, 9.0)],
        "a.time_two": [(State.VALUE, 1.0)],
    }
    assert sorted(found.column("process").tolist()) == [1, 1, 2, 3]


def age(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files count as settled at once: a test cannot set when a file was changed."""
    monkeypatch.setattr(index, "SETTLED_NANOSECONDS", -(10**12))
    read_results(folder)


def test_settled_files_are_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asv_file(tmp_path, {"a.time_one": [[0.5], [], "v1"]})
    age(tmp_path, monkeypatch)
    with monkeypatch.context() as patched:
        patched.setattr(index, "_content", lambda path: pytest.fail(f"opened {path}"))
        assert read_results(tmp_path)[0].files == 1
    # The time of modification put back, but not that of the change, which nobody can set.
    path = asv_file(tmp_path, {"a.time_one": [[0.7], [], "v1"]})
    os.utime(path, (1, 1))
    assert values(read_results(tmp_path)[0]) == {"a.time_one": [(State.VALUE, 0.7)]}


def test_a_file_that_has_just_changed_is_hashed_again(tmp_path: Path) -> None:
    path = asv_file(tmp_path, {"a.time_one": [[0.5], [], "v1"]})
    read_results(tmp_path)
    # It was changed less than two seconds before it was hashed.
    assert not (tmp_path / FOLDER / "hints").exists()
    before = path.stat()
    path.write_text(path.read_text().replace("0.5", "0.6"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert values(read_results(tmp_path)[0]) == {"a.time_one": [(State.VALUE, 0.6)]}


def commit_of(number: int) -> str:
    return f"{number:08x}".ljust(40, "0")


def test_the_index_follows_what_comes_and_goes(tmp_path: Path) -> None:
    for number in range(40):  # more than the segments that are kept apart
        asv_file(tmp_path, {"a.time_one": [[float(number)], [], "v1"]}, commit=commit_of(number))
        found, _ = read_results(tmp_path)
        assert found.files == number + 1
    assert same(found, read_results(tmp_path, use_index=False)[0])
    assert len(list((tmp_path / FOLDER).glob("*.columns"))) <= index.MOST_SEGMENTS
    for path in list((tmp_path / "runner-1").glob("0000*"))[:25]:
        path.unlink()
    fewer, _ = read_results(tmp_path)
    assert fewer.files == 15
    assert same(fewer, read_results(tmp_path, use_index=False)[0])
    # A checkout elsewhere: other times, other inodes, the same content.
    copy = tmp_path.parent / f"{tmp_path.name}-copy"
    shutil.copytree(tmp_path, copy)
    assert same(read_results(copy)[0], fewer)
    shutil.rmtree(tmp_path / ".perfkit")
    assert same(read_results(tmp_path)[0], fewer)


def test_git_does_not_see_the_index(tmp_path: Path) -> None:
    asv_file(tmp_path, {"a.time_one": [[0.5], [], "v1"]})
    read_results(tmp_path)
    assert (tmp_path / ".perfkit" / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("damage", [b"", b"perfkit columns 0\n", None])
def test_a_damaged_index_is_made_anew(tmp_path: Path, damage: bytes | None) -> None:
    asv_file(tmp_path, {"a.time_one": [[0.5], [], "v1"]})
    found, _ = read_results(tmp_path)
    (segment,) = (tmp_path / FOLDER).glob("*.columns")
    content = segment.read_bytes()
    flipped = content[:-8] + bytes([content[-8] ^ 1]) + content[-7:]
    segment.write_bytes(flipped if damage is None else damage)
    (tmp_path / FOLDER / "hints").write_text("[]")
    assert same(read_results(tmp_path)[0], found)
    assert not segment.exists()


def test_a_folder_that_cannot_be_written_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asv_file(tmp_path, {"a.time_one": [[0.5], [], "v1"]})
    (tmp_path / ".perfkit").write_text("in the way")
    assert read_results(tmp_path)[0].files == 1
    (tmp_path / ".perfkit").unlink()

    def full(path: Path, data: bytes) -> None:
        del path, data
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(index, "replace_file", full)
    assert read_results(tmp_path)[0].files == 1


def test_two_writers_at_once(tmp_path: Path) -> None:
    for number in range(60):
        asv_file(tmp_path, {"a.time_one": [[1.0], [], "v1"]}, commit=commit_of(number))
    wrong: list[object] = []

    def work(first: int) -> None:
        try:
            for number in range(first, first + 40, 2):
                asv_file(tmp_path, {"a.time_one": [[1.0], [], "v1"]}, commit=commit_of(number))
                found, unreadable = read_results(tmp_path)
                # The other may be half-way through a file of its own: tests write in place.
                if found.files + len(unreadable) < 60:
                    wrong.append(found.files)
        except Exception as error:  # noqa: BLE001  # told by the test's own thread
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(1000 + side,)) for side in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    found, unreadable = read_results(tmp_path)
    assert (found.files, unreadable) == (100, ())
    assert same(found, read_results(tmp_path, use_index=False)[0])


def test_every_column_has_its_length(tmp_path: Path) -> None:
    store(tmp_path, {"a.time_one": [[1.0, 2.0], [3.0]]})
    found, _ = read_results(tmp_path)
    lengths = {name: found.column(name).size for name in COLUMNS}
    assert lengths["digest"] == lengths["commit"] == found.files
    assert lengths["result"] == lengths["level"] == found.column("rows").sum()
    assert lengths["sample"] == found.column("samples").sum() == 3
    assert lengths["process"] == found.column("processes").sum() == 2
