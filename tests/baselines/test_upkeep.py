"""What can go goes, what stays stays, and other engines read the export."""

import json
from pathlib import Path

import duckdb
import pytest
from stored_results import asv_file, store
from tiny_project import Project

from perfkit.baselines.descriptions import unit_of_results
from perfkit.baselines.index import read_results
from perfkit.baselines.lost_shards import lost_shards
from perfkit.baselines.parquet import export_parquet
from perfkit.baselines.store import read_runs
from perfkit.baselines.upkeep import check_results, prunable
from perfkit.model import RunShard


def test_what_may_go(tmp_path: Path) -> None:
    old = store(tmp_path, {"x.time_old": [[1.0]]}, commit="a" * 40, date=1000)
    new = store(tmp_path, {"x.time_new": [[1.0]]}, commit="b" * 40, date=2000, identity="2")
    partial = new.with_name(f".{new.name}.abc")
    partial.write_text("{")
    (tmp_path / ".benchmarks.json.abc").write_text("{")  # at the top as well
    broken = asv_file(tmp_path, {}, commit="c" * 40)
    snapshots = {path.read_text(): path for path in (tmp_path / "descriptions").iterdir()}
    of_old = next(path for text, path in snapshots.items() if "time_old" in text)
    later = partial.stat().st_mtime + 7200
    nothing = {"before": None, "known": None, "unreadable": False, "now": later}
    top = tmp_path / ".benchmarks.json.abc"
    assert prunable(tmp_path, **nothing) == sorted([top, partial])
    top.unlink()
    # What was written a moment ago may be somebody's who is still writing.
    assert prunable(tmp_path, **{**nothing, "now": later - 7000}) == []
    assert prunable(tmp_path, **{**nothing, "before": 2000}) == sorted([partial, old, of_old])
    assert prunable(tmp_path, **{**nothing, "known": lambda _: {"a" * 40}}) == sorted(
        [partial, new, broken, *(set(snapshots.values()) - {of_old})]
    )
    broken.write_text("{")
    assert prunable(tmp_path, **{**nothing, "unreadable": True}) == sorted([partial, broken])
    # An unreadable run that stays may refer to any snapshot.
    assert prunable(tmp_path, **{**nothing, "before": 2000}) == sorted([partial, old])


def test_prune_lists_and_deletes_only_when_told(project: Project) -> None:
    project.suite()
    kept = store(project.root / "results", {"x.time_one": [[1.0]]}, commit=project.commit("Begin"))
    lost = store(project.root / "results", {"x.time_one": [[1.0]]}, commit="f" * 40, identity="2")
    listed = project.perfkit("baselines", "prune", "--lost")
    assert listed.stdout == f"{lost}\n1 file can go; --delete deletes them\n", listed.stderr
    assert lost.exists()
    done = project.perfkit("baselines", "prune", "--lost", "--delete", "--json")
    assert json.loads(done.stdout)["files"] == [str(lost)]
    assert (kept.exists(), lost.exists()) == (True, False)
    refused = project.perfkit("baselines", "prune", "--before", "yesterday")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--before: found yesterday, wanted a date" in refused.stderr


def test_check_counts_and_names(project: Project) -> None:
    project.suite()
    results = project.root / "results"
    store(results, {"x.time_one": [[1.0]]})
    asv_file(results, {"x.time_one": [[None], [], "v"], "x.time_two": [[2.0], [], "v"]})
    found = check_results(results)
    assert (found.files, found.commits, found.benchmarks) == (2, 2, 2)
    assert project.perfkit("baselines", "check").returncode == 0
    (results / "runner-1" / "broken.json").write_text("{")
    done = project.perfkit("baselines", "check")
    assert done.returncode == 4
    assert "1 failed" in done.stdout
    assert "broken.json: not readable as JSON" in " ".join(done.stdout.split())


def test_lost_shards_are_named(project: Project) -> None:
    project.suite()
    results = project.root / "results"
    store(results, {"x.time_whole": [[1.0]]})

    def shard(index: int, commit: str, suite: str = "s") -> None:
        manifest = RunShard(index=index, count=4, suite=suite, due=(1, 2, 3))
        store(results, {f"x.time_{index}": [[1.0]]}, commit=commit, shard=manifest,
              identity=f"{index}{suite}")  # fmt: skip

    for index in (1, 2, 3):
        shard(index, "a" * 40)
    shard(2, "b" * 40)
    shard(2, "b" * 40, suite="selected")
    assert [(one.commit[0], one.count, one.lost) for one in lost_shards(results)] == [
        ("b", 4, (1, 3)),
        ("b", 4, (1, 3)),
    ]
    assert {run.shard.index for run in read_runs(results) if run.shard} == {1, 2, 3}
    shard(1, "b" * 40)
    (results / "kitchen").mkdir(exist_ok=True)
    (results / "kitchen" / "broken.json").write_text('{"shard": {')
    first, _ = lost_shards(results)
    done = project.perfkit("baselines", "check")
    assert done.returncode == 4
    said = f"{'b' * 10} ({first.environment}): no run of shard 3/4; measure it with"
    assert said in " ".join(done.stdout.split())


def test_duckdb_reads_the_export_as_documented(tmp_path: Path) -> None:
    results = tmp_path / "results"
    for year in (2024, 2025):
        asv_file(
            results,
            {
                "x.time_one": [[float(year)], [], "v", [[1.0, 2.0, 3.0]]],
                "x.track_grid": [[1.0, None], [["1", "2"]], "v"],
            },
            commit=f"{year:08x}".ljust(40, "0"),
            date=(year - 1970) * 31_557_600_000 + 10_000_000_000,
            columns=("result", "params", "version", "samples"),
        )
    store(results, {"x.time_own": [[1.0, 2.0], [4.0]]})
    collection, _ = read_results(results)
    target = tmp_path / "export"
    for _ in range(2):  # a second export replaces the first
        assert export_parquet(collection, target, unit_of=unit_of_results(results)) == 7
    page = (Path(__file__).parents[2] / "docs" / "baselines.md").read_text()
    query = page.partition("```sql\n")[2].partition("```")[0]
    rows = duckdb.sql(query.replace("export/", f"{target}/")).fetchall()
    assert len(rows) == 5  # a row per benchmark, machine and year with a value
    one = f"read_parquet('{target}/**/*.parquet', hive_partitioning = true)"
    assert duckdb.sql(
        f"SELECT year, result, samples, unit, state FROM {one}"  # noqa: S608  # a test's own path
        " WHERE benchmark = 'x.time_one' ORDER BY year"
    ).fetchall() == [
        (2024, 2024.0, [1.0, 2.0, 3.0], "s", "value"),
        (2025, 2025.0, [1.0, 2.0, 3.0], "s", "value"),
    ]
    assert duckdb.sql(
        f"SELECT params, state, value, unit FROM {one}"  # noqa: S608  # a test's own path
        " WHERE benchmark = 'x.track_grid' AND year = 2024 ORDER BY params"
    ).fetchall() == [(["1"], "value", 1.0, "count"), (["2"], "failed", None, "count")]


def test_without_pyarrow_the_sentence_says_what_to_install(project: Project) -> None:
    project.suite()
    store(project.root / "results", {"x.time_one": [[1.0]]})
    (project.root / "absent").mkdir()
    (project.root / "absent" / "pyarrow.py").write_text("raise ImportError('absent')\n")
    path = str(project.root / "absent")
    done = project.perfkit_process("baselines", "export", "out", "--parquet", PYTHONPATH=path)
    assert done.returncode == 2
    assert "pip install 'perfkit[parquet]'" in done.stderr
    assert project.perfkit("baselines", "export", "out").returncode == 2


@pytest.mark.parametrize("verb", ["check", "prune", "import", "export", "push", "pull"])
def test_every_verb_has_help(project: Project, verb: str) -> None:
    assert project.perfkit("baselines", verb, "--help").returncode == 0
