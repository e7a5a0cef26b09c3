"""The main job on the reference workload: planted regressions get their verdicts, twins none."""

import json
import shutil
from pathlib import Path

import pytest
from tiny_project import Project

REPOSITORY = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unmeasured")]

BENCHMARK = "WarmCorrector.time_lecture"

SIX_ROUNDS = ("--min-rounds", "6", "--max-rounds", "6", "--json")
"""The fewest that can decide."""


class Workload(Project):
    """The reference workload in a repository of its own, with one planted patch on top."""

    def __init__(self, root: Path, patch: str) -> None:
        root.mkdir()
        self.root = root
        self.git("init", "--quiet", "--initial-branch=main")
        for folder in ("benchmarks", "config"):
            shutil.copytree(
                REPOSITORY / folder,
                root / folder,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
        self.write(".gitignore", "__pycache__/\n")
        self.commit("healthy")
        self.git("apply", f"benchmarks/workload/planted/{patch}.patch")
        self.commit(patch)


@pytest.fixture(scope="module")
def scanning(tmp_path_factory: pytest.TempPathFactory) -> Workload:
    """One for both tests of it, so that what the first has built serves the second as well."""
    return Workload(tmp_path_factory.mktemp("scanning") / "workload", "list_scan")


@pytest.mark.xdist_group("list_scan")
def test_the_list_scan_is_a_regression(scanning: Workload) -> None:
    workload = scanning
    # Two profiles a side cannot be significant, and come to the right function all the same.
    done = workload.perfkit(
        *("compare", "HEAD~1", "HEAD", "--bench", BENCHMARK, *SIX_ROUNDS),
        PERFKIT_CULPRITS_SESSIONS="2",
    )
    assert done.returncode == 1, done.stdout + done.stderr
    document = json.loads(done.stdout)
    verdicts = {row["benchmark"]["name"]: row["verdict"] for row in document["comparisons"]}
    assert verdicts["spelling.WarmCorrector.time_lecture"] == "regressed"
    said = workload.perfkit("comment")
    assert said.returncode == 1
    assert "↳ maybe <code>Lexicon.&#95;scan benchmarks/workload/" in said.stdout
    assert said.stdout.partition("Lexicon.&#95;scan")[0].count("↳") == 1
    assert "🔴 regressed | <code>spelling.WarmCorrector.time&#95;lecture</code>" in said.stdout
    assert workload.leftovers() == []
    # Each commit was built once, however many rounds there were.
    builds = [path for path in (workload.root / ".perfkit" / "builds").iterdir() if path.is_dir()]
    assert len(builds) == 2


@pytest.mark.xdist_group("list_scan")
def test_twins_are_no_regression(scanning: Workload) -> None:
    twins = scanning.perfkit("compare", "HEAD", "HEAD", "--bench", BENCHMARK, *SIX_ROUNDS)
    assert twins.returncode == 0, twins.stdout + twins.stderr


def test_check_names_the_line_that_keeps_every_cue(tmp_path: Path) -> None:
    workload = Workload(tmp_path / "workload", "cue_kept")
    few = ("--min-rounds", "2", "--max-rounds", "2", "--json")
    done = workload.perfkit("check", "HEAD~1", "--head", "HEAD", "--bench", BENCHMARK, *few)
    assert done.returncode == 1, done.stdout + done.stderr
    document = json.loads(done.stdout)
    (leak,) = document["leaks"]
    assert (leak["state"], leak["status"]) == ("leak", "failed")
    source = workload.root / "benchmarks" / "workload" / "workload" / "pipeline.py"
    place = leak["sites"][0]["place"].split()[0]
    line = source.read_text("utf-8").splitlines()[int(place.rpartition(":")[2]) - 1]
    assert place.startswith("workload/pipeline.py:")
    patch = (workload.root / "benchmarks/workload/planted/cue_kept.patch").read_text("utf-8")
    assert f"+{line}" in patch.splitlines()
