import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from perfkit.config.load import explain, load_settings
from perfkit.config.monitoring import Monitoring
from perfkit.config.thresholds import Thresholds
from perfkit.init.plan import planned_files, shape_of

CONFIG = ["config/performance_thresholds.yaml", "config/monitoring_config.yaml"]
SUITE = [
    "benchmarks/suite/__init__.py",
    "benchmarks/suite/example.py",
    "benchmarks/asv.conf.json",
]
WORKFLOW = ".github/workflows/perfkit.yml"
WORKFLOWS = [WORKFLOW, ".github/workflows/perfkit-comment.yml"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / 'shop "two"'
    root.mkdir()
    _git(root, "init", "--quiet", "--initial-branch=trunk")
    return root


def _environ(home: Path) -> Mapping[str, str]:
    person = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "A"), ("EMAIL", "a@example.org"))
    }
    return {**os.environ, **person, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}


def _git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, env=_environ(root.parent))


def _perfkit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "perfkit", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=_environ(folder),
        timeout=60,
    )


def _init(folder: Path, *arguments: str) -> dict[str, list[str]]:
    done = _perfkit(folder, "init", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    values: dict[str, list[str]] = json.loads(done.stdout)
    return values


def test_a_new_repository_gets_files_that_work(repository: Path) -> None:
    assert _init(repository)["written"] == [*CONFIG, *SUITE, *WORKFLOWS]
    settings = load_settings(repository / "config", environ={}, must_exist=True)
    assert (settings.thresholds, settings.monitoring) == (Thresholds(), Monitoring())
    # and every default is written down, so that people see what they can change
    assert "default" not in {row.source for row in explain(settings)}
    workflow = yaml.safe_load((repository / WORKFLOW).read_text("utf-8"))
    assert list(workflow["jobs"]) == ["check"]


def test_the_suite_runs_under_asv_itself(repository: Path) -> None:
    _init(repository)
    _git(repository, "add", ".")
    _git(repository, "commit", "--quiet", "-m", "Measure")
    suite = repository / "benchmarks"
    asv = [sys.executable, "-W", "ignore", "-m", "asv"]
    subprocess.run(
        [*asv, "machine", "--yes"], cwd=suite, check=True, env=_environ(repository.parent)
    )
    done = subprocess.run(
        [*asv, "run", "--environment=existing:same", "--quick", "--show-stderr"],
        cwd=suite,
        capture_output=True,
        text=True,
        check=False,
        env=_environ(repository.parent),
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "example.RoundTrip.time_round_trip" in done.stdout
    assert "failed" not in done.stdout


def test_the_commented_entries_are_valid_once_uncommented(repository: Path) -> None:
    planned = planned_files(shape_of(repository), "none", replace_suite=False)
    text = next(text for path, text in planned.items() if path.name.startswith("performance"))
    lines = []
    for line in text.splitlines():
        if line.startswith("#  "):
            lines.append(line[1:])
        elif line.endswith(": []"):
            # an entry stands above its key
            entries = [lines.pop() for _ in range(_tail_of_entries(lines))][::-1]
            lines += [line.removesuffix(" []"), *entries]
        elif not line.startswith("#"):
            lines.append(line)
    folder = repository / "config"
    folder.mkdir()
    (folder / "performance_thresholds.yaml").write_text("\n".join(lines), encoding="utf-8")
    thresholds = load_settings(folder, environ={}).thresholds
    sizes = [
        len(entries)
        for entries in (
            thresholds.benchmarks,
            thresholds.budgets,
            thresholds.profile_budgets,
            thresholds.leaks,
            thresholds.objectives,
            thresholds.waivers,
            thresholds.leak_waivers,
        )
    ]
    assert sizes == [1, 1, 1, 1, 1, 1, 1]


def _tail_of_entries(lines: list[str]) -> int:
    count = 0
    while lines[-1 - count].startswith("  "):
        count += 1
    return count


def test_what_exists_is_kept_and_missing_files_are_added(repository: Path) -> None:
    _init(repository)
    thresholds, monitoring = (repository / name for name in CONFIG)
    thresholds.write_text("schema: 1\n")
    monitoring.unlink()
    monitoring.symlink_to(repository / "nowhere")
    (repository / WORKFLOW).unlink()
    again = _init(repository)
    assert (again["written"], again["kept"]) == ([WORKFLOW], [*CONFIG, WORKFLOWS[1]])
    assert thresholds.read_text() == "schema: 1\n"
    assert monitoring.is_symlink()
    assert again["suite"] == "benchmarks/asv.conf.json"


def test_force_writes_over_what_exists(repository: Path) -> None:
    _init(repository)
    for name in (CONFIG[0], SUITE[1]):
        (repository / name).write_text("mine\n")
    assert _init(repository, "--force")["written"] == [*CONFIG, *SUITE, *WORKFLOWS]
    assert (repository / CONFIG[0]).read_text() != "mine\n"
    assert (repository / SUITE[1]).read_text() != "mine\n"


@pytest.mark.parametrize("place", ["asv.conf.json", "asv_bench/asv.conf.json"])
def test_a_suite_elsewhere_is_left_alone_even_with_force(repository: Path, place: str) -> None:
    (repository / place).parent.mkdir(exist_ok=True)
    (repository / place).write_text("{}")
    done = _init(repository, "--force")
    assert done["written"] == [*CONFIG, *WORKFLOWS]
    assert done["suite"] == place
    assert (repository / place).read_text() == "{}"
    shown = _perfkit(repository, "init", "--force", "--ci", "none").stdout
    assert f"kept  {place} (a suite exists)" in shown


def test_without_ci_there_is_no_workflow(repository: Path) -> None:
    assert _init(repository, "--ci", "none")["written"] == [*CONFIG, *SUITE]
    assert not (repository / ".github").exists()


def test_for_gitlab_the_job_is_a_file_and_a_pipeline_that_exists_is_left_alone(
    repository: Path,
) -> None:
    done = _init(repository, "--ci", "gitlab")
    assert done["written"] == [*CONFIG, *SUITE, ".gitlab/perfkit.yml", ".gitlab-ci.yml"]
    assert not any("include" in step for step in done["next"])
    # the one that was written includes the job already
    again = _init(repository, "--ci", "gitlab", "--force")
    assert ".gitlab-ci.yml" not in again["written"]
    assert not any("include" in step for step in again["next"])
    pipeline = repository / ".gitlab-ci.yml"
    pipeline.write_text("stages: [test]\n")
    own = _init(repository, "--ci", "gitlab", "--force")
    assert pipeline.read_text() == "stages: [test]\n"
    assert "add to .gitlab-ci.yml: include: [{local: .gitlab/perfkit.yml}]" in own["next"]
    pipeline.unlink()
    pipeline.symlink_to(repository / "nowhere")
    assert ".gitlab-ci.yml" not in _init(repository, "--ci", "gitlab", "--force")["written"]


def test_files_go_to_the_root_of_the_repository(repository: Path) -> None:
    inner = repository / "src"
    inner.mkdir()
    _init(inner)
    assert (repository / CONFIG[0]).exists()
    assert list(inner.iterdir()) == []


@pytest.mark.parametrize(
    ("file", "install"),
    [
        ("pyproject.toml", "python -m pip install perfkit ."),
        ("setup.py", "python -m pip install perfkit ."),
        ("requirements.txt", "python -m pip install perfkit -r requirements.txt"),
        ("README", "python -m pip install perfkit"),
    ],
)
def test_the_workflow_installs_the_project_as_it_is_made(
    tmp_path: Path, file: str, install: str
) -> None:
    (tmp_path / file).touch()
    planned = planned_files(shape_of(tmp_path), "github", replace_suite=False)
    workflow = next(text for path, text in planned.items() if path.name == "perfkit.yml")
    assert f"        run: {install}\n" in workflow
    assert not re.search("@[A-Z]", workflow)


def test_outside_a_repository_nothing_is_written(tmp_path: Path) -> None:
    done = _perfkit(tmp_path, "init")
    assert done.returncode == 2
    assert "not usable as a git repository" in done.stderr
    assert "git init" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(repository: Path) -> None:
    (repository / "config").write_text("a file where a folder is wanted")
    done = _perfkit(repository, "init")
    assert done.returncode == 4
    assert "config/performance_thresholds.yaml: cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_people_see_what_was_written_and_what_to_do_next(repository: Path) -> None:
    (repository / "config").mkdir()
    (repository / CONFIG[0]).touch()
    golden = Path(__file__).parent / "golden" / "init.txt"
    assert _perfkit(repository, "init").stdout == golden.read_text(encoding="utf-8")
