"""What asv stored: what is missing, what was there before, what it left half written."""

import json
from pathlib import Path
from typing import Any

from perfkit.baselines.backfilled import (
    Missing,
    Wanted,
    existing_results,
    missing_results,
    remove_halves,
    restore,
    wanted_results,
)
from perfkit.model import BenchmarkId

COMMIT, OTHER = "a" * 40, "b" * 40
DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "suite.time_p": {"name": "suite.time_p", "params": [["1", "2"], ["'x'"]]},
    "suite.track_a": {"name": "suite.track_a", "params": []},
}
WANTED = wanted_results([COMMIT], ["virtualenv-py3.11"], DESCRIPTIONS, [])


def stored(folder: Path, results: dict[str, list[object]], commit: str = COMMIT) -> Path:
    """Write a file as asv does, and return it."""
    path = folder / "vm" / f"{commit[:8]}-virtualenv-py3.11.json"
    path.parent.mkdir(exist_ok=True)
    values = {
        "commit_hash": commit,
        "env_name": "virtualenv-py3.11",
        "date": 1,
        "params": {"machine": "vm"},
        "python": "3.11",
        "result_columns": ["result", "params", "version"],
        "results": results,
        "version": 2,
    }
    path.write_text(json.dumps(values))
    return path


def missing(folder: Path) -> list[Missing]:
    return missing_results(existing_results(folder, "vm", [COMMIT]), WANTED)


FULL = {"suite.time_p": [[1.0, 2.0], [["1", "2"], ["'x'"]]], "suite.track_a": [[3.0], []]}


def test_what_has_to_exist() -> None:
    names = [str(one.benchmark) for one in WANTED]
    assert names == ["suite.time_p(1, 'x')", "suite.time_p(2, 'x')", "suite.track_a"]
    chosen = wanted_results([COMMIT, OTHER], ["e1", "e2"], DESCRIPTIONS, ["track", "absent"])
    assert chosen == [
        Wanted(commit, environment, BenchmarkId("suite.track_a"))
        for commit in (COMMIT, OTHER)
        for environment in ("e1", "e2")
    ]


def test_all_there(tmp_path: Path) -> None:
    stored(tmp_path, FULL)
    assert missing(tmp_path) == []


def test_what_is_missing_and_why(tmp_path: Path) -> None:
    assert {one.reason for one in missing(tmp_path)} == {"asv stored nothing of this commit"}
    stored(tmp_path, {"suite.time_p": [[1.0, None], [["1", "2"], ["'x'"]]]})
    assert [(str(one.wanted.benchmark), one.reason) for one in missing(tmp_path)] == [
        ("suite.time_p(2, 'x')", "failed, or its commit could not be built"),
        ("suite.track_a", "not among what asv stored of this commit"),
    ]
    stored(tmp_path, {**FULL, "suite.time_p": [None, [["1", "2"], ["'x'"]]]})
    assert len(missing(tmp_path)) == 2
    # What declined to run has a value that says so.
    stored(tmp_path, {**FULL, "suite.track_a": [[float("nan")], []]})
    assert missing(tmp_path) == []
    stored(tmp_path, FULL).write_text('{"comm')
    broken = "aaaaaaaa-virtualenv-py3.11.json: not readable as JSON"
    assert [one.reason.startswith(broken) for one in missing(tmp_path)] == [True] * 3


def test_results_of_perfkit_are_not_asvs(tmp_path: Path) -> None:
    path = stored(tmp_path, FULL)
    path.rename(path.with_name("aaaaaaaa-perfkit-py3.11-1.json"))
    assert len(missing(tmp_path)) == 3


def test_a_value_that_was_there_is_put_back_beside_new_ones(tmp_path: Path) -> None:
    path = stored(tmp_path, {"suite.track_a": [[3.0], [], "v1"]})
    before = existing_results(tmp_path, "vm", [COMMIT])
    stored(tmp_path, {**FULL, "suite.track_a": [[99.0], [], "v2"]})
    assert restore(before) == [f"{path.name}: suite.track_a"]
    results = json.loads(path.read_text())["results"]
    assert results == {**FULL, "suite.track_a": [[3.0], [], "v1"]}
    assert restore(before) == []


def test_what_failed_before_may_be_measured_again(tmp_path: Path) -> None:
    path = stored(tmp_path, {"suite.track_a": [None, []], "suite.time_p": [[1.0, None], []]})
    before = existing_results(tmp_path, "vm", [COMMIT])
    stored(tmp_path, FULL)
    assert restore(before) == []
    assert json.loads(path.read_text())["results"] == FULL


def test_a_file_that_is_gone_or_half_written_is_put_back(tmp_path: Path) -> None:
    path = stored(tmp_path, FULL)
    before = existing_results(tmp_path, "vm", [COMMIT])
    for damage in (path.unlink, lambda: path.write_text('{"commit_ha')):
        damage()
        assert restore(before) == [path.name]
        assert path.read_bytes() == before[path]


def test_what_was_damaged_before_is_not_put_back(tmp_path: Path) -> None:
    path = stored(tmp_path, FULL)
    path.write_text("{")
    before = existing_results(tmp_path, "vm", [COMMIT])
    stored(tmp_path, FULL)
    assert restore(before) == []
    assert missing(tmp_path) == []


def test_halves_of_new_files_are_removed(tmp_path: Path) -> None:
    whole, half = stored(tmp_path, FULL), stored(tmp_path, FULL, OTHER)
    half.write_text(half.read_text()[:-20])
    assert remove_halves([whole, half]) == [half.name]
    assert whole.exists()
    assert not half.exists()
