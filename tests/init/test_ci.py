"""The files for CI: valid, audited, and their steps run as a runner would run them."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hosted_runner import SHELLS, Action, Runner
from tiny_project import EXACT, Project

from perfkit.init.plan import Forge, planned_files, shape_of

ROOT = Path(__file__).parents[2]
OWN = ROOT / ".github"
BIN = Path(sys.executable).parent
CHECK, COMMENT = ".github/workflows/perfkit.yml", ".github/workflows/perfkit-comment.yml"
JOB = ".gitlab/perfkit.yml"


def write_planned(root: Path, forge: Forge) -> Path:
    """Write what `perfkit init --ci` plans for CI alone, and return the folder."""
    for path, text in planned_files(shape_of(root), forge, replace_suite=False).items():
        if path.parts[0].startswith(".git"):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
    return root


def read(path: Path) -> dict[Any, Any]:
    values: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return values


def tool(name: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / name, *words], capture_output=True, text=True, check=False, timeout=60
    )


def schema(name: str, *files: Path) -> subprocess.CompletedProcess[str]:
    transform = ("--data-transform", "gitlab-ci") if name == "gitlab-ci" else ()
    return tool("check-jsonschema", "--builtin-schema", f"vendor.{name}", *transform, *files)


def test_the_files_for_github_are_valid_and_pass_an_audit(tmp_path: Path) -> None:
    write_planned(tmp_path, "github")
    files = [tmp_path / CHECK, tmp_path / COMMENT]
    valid = schema("github-workflows", *files)
    assert valid.returncode == 0, valid.stdout
    audit = tool("zizmor", "--offline", tmp_path)
    assert audit.returncode == 0, audit.stdout
    # and neither would pass everything
    text = files[0].read_text(encoding="utf-8")
    files[0].write_text(text.replace("@3d3c42e5aac5ba805825da76410c181273ba90b1", "@v7"))
    assert tool("zizmor", "--offline", tmp_path).returncode != 0
    files[0].write_text(text.replace("timeout-minutes", "timeout"))
    assert schema("github-workflows", *files).returncode != 0


def test_the_files_for_gitlab_are_valid(tmp_path: Path) -> None:
    write_planned(tmp_path, "gitlab")
    files = [tmp_path / ".gitlab-ci.yml", tmp_path / JOB]
    valid = schema("gitlab-ci", *files)
    assert valid.returncode == 0, valid.stdout
    assert read(files[0]) == {"include": [{"local": JOB}]}
    files[1].write_text(files[1].read_text().replace("when: always", "when: ever"))
    assert schema("gitlab-ci", *files).returncode != 0


def test_what_runs_the_code_of_a_change_may_only_read(tmp_path: Path) -> None:
    write_planned(tmp_path, "github")
    for check in (read(tmp_path / CHECK), read(OWN / "workflows" / "perfkit.yml")):
        # `on` is true in YAML 1.1
        assert check[True] == {"pull_request": None, "merge_group": None}
        assert check["permissions"] == {"contents": "read"}
        (job,) = check["jobs"].values()
        assert "permissions" not in job
        assert "secrets" not in json.dumps(check)
        assert "token" not in json.dumps(check)
        assert job["timeout-minutes"] <= 60
        assert job["steps"][0]["with"] == {"fetch-depth": 0, "persist-credentials": False}


def test_what_may_write_runs_nothing_of_the_change(tmp_path: Path) -> None:
    comment = read(write_planned(tmp_path, "github") / COMMENT)
    assert comment[True] == {"workflow_run": {"workflows": ["perfkit"], "types": ["completed"]}}
    assert comment["permissions"] == {}
    (job,) = comment["jobs"].values()
    assert job["permissions"] == {
        "actions": "read",
        "contents": "read",
        "pull-requests": "write",
    }
    checkout = job["steps"][0]
    assert checkout["uses"].startswith("actions/checkout@")
    # no ref: the default branch
    assert checkout["with"] == {"persist-credentials": False}


def test_this_repository_comments_as_it_tells_others_to(tmp_path: Path) -> None:
    planned = (write_planned(tmp_path, "github") / COMMENT).read_text(encoding="utf-8")
    own = (OWN / "workflows" / "perfkit-comment.yml").read_text(encoding="utf-8")
    assert own == planned.replace("pip install perfkit\n", "pip install .\n")


def test_actions_are_pinned_to_the_same_commits_everywhere(tmp_path: Path) -> None:
    write_planned(tmp_path, "github")
    uses = {
        line.split("uses: ")[1]
        for folder in (OWN, tmp_path / ".github")
        for path in folder.rglob("*.yml")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "uses: actions/" in line
    }
    names = sorted(line.split("@")[0] for line in uses)
    assert names == sorted(set(names)), uses
    assert names[:2] == ["actions/checkout", "actions/download-artifact"]


def test_every_python_that_is_supported_is_tested() -> None:
    versions = read(OWN / "workflows" / "ci.yml")["jobs"]["test"]["strategy"]["matrix"]["python"]
    said = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert [f'"Programming Language :: Python :: {one}"' in said for one in versions] == [True] * 4


def nothing(runner: Runner, words: Mapping[str, str]) -> bool:
    """Stand for actions whose work is done: the checkout, and the interpreter of the tests."""
    del runner, words
    return True


def upload(runner: Runner, words: Mapping[str, str]) -> bool:
    """Keep what `path` names as a zip, as actions/upload-artifact does."""
    report = runner.workspace / words["path"]  # or an absolute one
    assert words["if-no-files-found"] == "ignore"
    if report.exists():
        with zipfile.ZipFile(runner.temp / f"{words['name']}.zip", "w") as kept:
            kept.write(report, report.name)
    return True


def composite(runner: Runner, words: Mapping[str, str]) -> bool:
    """Run the steps of this repository's own action."""
    action = read(OWN / "actions" / "perfkit" / "action.yml")
    defaults = {name: spec["default"] for name, spec in action["inputs"].items()}
    assert set(words) <= set(defaults)
    inner = Runner(
        runner.workspace,
        runner.temp,
        runner.github,
        runner.actions,
        {**runner.variables, "GITHUB_ACTION_PATH": str(OWN / "actions" / "perfkit")},
        inputs={**defaults, **words},
    )
    succeeded = inner.runs_steps(action["runs"]["steps"])
    runner.ended += inner.ended
    return succeeded


ACTIONS: dict[str, Action] = {
    "actions/checkout": nothing,
    "actions/setup-python": nothing,
    "actions/upload-artifact": upload,
    "$/.github/actions/perfkit": composite,
}


@pytest.fixture
def change(project: Project) -> Project:
    """A clone as a pull request gets it: detached, its target known as origin's branch only."""
    project.suite(EXACT)
    project.commit("first")
    project.git("update-ref", "refs/remotes/origin/trunk", "HEAD")
    project.git("checkout", "--quiet", "--detach")
    project.git("branch", "--quiet", "--delete", "--force", "main")
    return project


def runner_of(project: Project, event: Mapping[str, Any], **variables: str) -> Runner:
    temp = project.root.parent / "temp"
    temp.mkdir()
    return Runner(
        project.root,
        temp,
        event,
        ACTIONS,
        # pip finds perfkit installed and asks nobody; it would fail rather than fetch.
        {"PATH": f"{BIN}:/usr/bin:/bin", "PIP_NO_INDEX": "1", **variables},
    )


PULL_REQUEST = {"event_name": "pull_request", "base_ref": "trunk"}
MERGE_GROUP = {
    "event_name": "merge_group",
    "base_ref": "",
    "event": {"merge_group": {"base_ref": "refs/heads/trunk"}},
}


def outcomes(runner: Runner) -> dict[str, str]:
    return {step.name.split("@")[0]: step.outcome for step in runner.ended}


def test_a_regression_fails_the_job_and_its_report_is_kept_and_shown(change: Project) -> None:
    change.write("tiny.py", "def work(n):\n    return 2 * sum(range(n))\n")
    change.commit("double it")
    job = read(write_planned(change.root, "github") / CHECK)["jobs"]["check"]
    runner = runner_of(change, PULL_REQUEST)
    assert not runner.runs_job(job)
    assert outcomes(runner) == {
        "actions/checkout": "success",
        "actions/setup-python": "success",
        "Install perfkit and the project": "success",
        "Say what adds noise on this runner": "success",
        "Compare with the branch to merge into": "failure",
        "Put the report into the summary": "failure",  # as the report, and forgiven
        "Keep the report": "success",
    }
    assert runner.ended[5].conclusion == "success"
    with zipfile.ZipFile(runner.temp / "perfkit-report.zip") as kept:
        report = json.loads(kept.read("perfkit-report.json"))
    assert report["exit_code"] == 1
    assert report["base"]["label"] == "merge base with origin/trunk"
    summary = (runner.temp / "summary.md").read_text(encoding="utf-8")
    assert summary.lstrip().startswith("**perfkit** Failed: 1 of 1 benchmarks regressed")


DRY = {"PIP_NO_INDEX": "1", "PIP_DRY_RUN": "1", "PIP_NO_BUILD_ISOLATION": "0"}
"""pip then reads what is to be installed, and finds everything that it needs, but installs nothing.

The last one means what it says the other way round, see
https://pip.pypa.io/en/stable/topics/configuration/#boolean-options
"""


def test_the_action_judges_a_merge_group_against_the_branch_it_goes_to(change: Project) -> None:
    (job,) = read(OWN / "workflows" / "perfkit.yml")["jobs"].values()
    job["steps"][1]["with"] = {"install": "", "options": "--no-leaks --seed 3", "artifact": "mine"}
    runner = runner_of(change, MERGE_GROUP, **DRY)
    assert runner.runs_job(job), runner.ended
    with zipfile.ZipFile(runner.temp / "mine.zip") as kept:
        report = json.loads(kept.read("perfkit-report.json"))
    assert report["base"]["label"] == "merge base with origin/trunk"
    assert (runner.temp / "summary.md").read_text().lstrip().startswith("**perfkit** Passed")


def test_the_action_installs_perfkit_beside_the_reference_workload(tmp_path: Path) -> None:
    (job,) = read(OWN / "workflows" / "perfkit.yml")["jobs"].values()
    steps = read(OWN / "actions" / "perfkit" / "action.yml")["runs"]["steps"]
    own = {"GITHUB_ACTION_PATH": str(OWN / "actions" / "perfkit"), "PATH": f"{BIN}:/usr/bin:/bin"}
    runner = Runner(ROOT, tmp_path, {}, {}, own | DRY, inputs=job["steps"][1]["with"])
    assert runner.runs_steps(steps[1:2]), runner.ended
    assert re.search(r"Would install perfkit-\S+ workload-\S+", runner.ended[0].output)


@pytest.mark.parametrize("file", [CHECK, ".github/actions/perfkit/action.yml"])
def test_the_interrupt_of_a_cancelled_job_reaches_perfkit(tmp_path: Path, file: str) -> None:
    values = read((write_planned(tmp_path, "github") if file == CHECK else ROOT) / file)
    steps = values["jobs"]["check"]["steps"] if file == CHECK else values["runs"]["steps"]
    (step,) = (one for one in steps if "perfkit check" in one.get("run", ""))
    script = tmp_path / "step.sh"
    script.write_text(step["run"], encoding="utf-8")
    program = tmp_path / "perfkit"
    program.write_text("#!/bin/sh\necho $$ $1\n")
    program.chmod(0o755)
    shell = subprocess.Popen(
        [*SHELLS[step.get("shell")], script],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
    )
    said, _ = shell.communicate(timeout=60)
    # perfkit took the place of the shell, the one process that a runner interrupts
    assert said == f"{shell.pid} check\n"


@pytest.mark.parametrize(("found", "succeeds"), [("report", True), ("junk", False), ("", True)])
def test_the_comment_is_written_whatever_the_verdict_but_not_of_anything(
    tmp_path: Path, found: str, *, succeeds: bool
) -> None:
    """A report of a regression exits 1, which is the check's to say; what is refused is told."""
    job = read(write_planned(tmp_path, "github") / COMMENT)["jobs"]["comment"]

    def download(runner: Runner, words: Mapping[str, str]) -> bool:
        del runner
        assert words["skip-decompress"] == "true"
        folder = Path(words["path"])
        folder.mkdir()
        if found:
            with zipfile.ZipFile(folder / "perfkit-report.zip", "w") as kept:
                report = (ROOT / "docs" / "example" / "report.json").read_text(encoding="utf-8")
                kept.writestr("perfkit-report.json", report if found == "report" else "junk")
        return bool(found)

    event = {"event": {"workflow_run": {"event": "pull_request", "id": 7}}, "token": ""}
    path = {"PATH": f"{BIN}:/usr/bin:/bin", "PIP_NO_INDEX": "1"}
    (temp := tmp_path / "temp").mkdir()
    fetching = {**ACTIONS, "actions/download-artifact": download}
    runner = Runner(tmp_path, temp, event, fetching, path)
    assert runner.runs_job(job) is succeeds, runner.ended
    last = runner.ended[-1]
    assert last.name == ("Write the comment" if found else "Fetch the report")
    if found == "report":
        assert "**perfkit** Failed: 5 of 10 benchmarks regressed" in last.output
        assert "perfkit: warning: " in last.output  # no token here, so nothing is posted
    if found == "junk":
        assert "not JSON" in last.output
    group = {"event": {"workflow_run": {"event": "merge_group"}}}
    idle = Runner(tmp_path, temp, group, {}, {})
    assert idle.runs_job(job)
    assert idle.ended == []


def test_a_project_that_cannot_be_installed_leaves_no_report(change: Project) -> None:
    change.write("requirements.txt", "no-such-package-anywhere==0\n")
    job = read(write_planned(change.root, "github") / CHECK)["jobs"]["check"]
    runner = runner_of(change, PULL_REQUEST)
    assert not runner.runs_job(job)
    ran = outcomes(runner)
    assert ran["Install perfkit and the project"] == "failure"
    assert "Compare with the branch to merge into" not in ran
    assert not (runner.temp / "perfkit-report.zip").exists()
