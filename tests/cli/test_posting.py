"""comment --post, compare --comment and check --comment against a forge on this machine."""

import json
import math
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from forge_server import (
    GITLAB_BOT,
    LOCKED,
    READ_ONLY,
    SHA,
    TOKEN,
    UNICORN,
    Clock,
    Fault,
    Forge,
    serving,
)
from hostile_reports import row
from tiny_project import Project

from perfkit.__main__ import run
from perfkit.cli import change, posting
from perfkit.cli.posting import post_report
from perfkit.config.monitoring import Comment
from perfkit.forge import post
from perfkit.forge.artifact import NESTING, nested_deeper
from perfkit.forge.event import Occasion
from perfkit.forge.http import Timing
from perfkit.forge.sticky import REMEMBERED
from perfkit.model import BenchmarkId, Comparison, Report, Revision, Unit, Verdict
from perfkit.reporting.document import to_values
from perfkit.reporting.resolved import SHOWN, resolved_markdown

Streams = pytest.CaptureFixture[str]
EXAMPLE = Path(__file__).parents[2] / "docs" / "example" / "report.json"
CI = (
    "GITHUB_ACTIONS", "GITHUB_API_URL", "GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH", "GITHUB_REF",
    "GITHUB_REPOSITORY", "GITHUB_RUN_ATTEMPT", "GITHUB_RUN_ID", "GITHUB_SHA", "GITHUB_TOKEN",
    "GH_TOKEN", "GITLAB_CI", "GITLAB_TOKEN", "CI_API_V4_URL", "CI_PROJECT_ID", "CI_COMMIT_SHA",
    "CI_MERGE_REQUEST_PROJECT_ID", "CI_MERGE_REQUEST_IID", "CI_PIPELINE_ID", "CI_JOB_ID",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA",
)  # fmt: skip


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Forge]:
    """A forge, this process inside a job for pull request 7 on it, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(post, "SETTLED_SECONDS", 0.0)  # what it is for, tests/forge shows
    for name in CI:
        monkeypatch.delenv(name, raising=False)
    with serving() as found:
        found.pull(7, SHA)
        event = tmp_path / "event.json"
        event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": SHA}}}))
        for name, value in {
            "GITHUB_API_URL": found.api,
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_RUN_ID": "5",
            "GITHUB_TOKEN": TOKEN,
        }.items():
            monkeypatch.setenv(name, value)
        yield found


def test_printing_stays_the_default_and_asks_nobody(forge: Forge, capsys: Streams) -> None:
    assert run(["comment", str(EXAMPLE)]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("**perfkit** Failed: ")
    assert printed.err == ""
    assert forge.journal == []


def test_a_report_is_posted_and_printed(forge: Forge, capsys: Streams) -> None:
    assert run(["comment", str(EXAMPLE), "--post"]) == 1
    printed = capsys.readouterr()
    assert printed.err == "perfkit: comment: pull request 7 created\n"
    (text,) = forge.bodies()
    line, _, rest = text.partition("\n")
    assert line.startswith("<!-- perfkit comment perfkit run=5.1 open=")
    assert rest == printed.out
    assert run(["comment", str(EXAMPLE), "--post"]) == 1
    said = "perfkit: comment: pull request 7 left (it says the same already)\n"
    assert capsys.readouterr().err == said
    assert forge.count("POST") == 1


def test_the_document_tells_what_became_of_it(forge: Forge, capsys: Streams) -> None:
    run(["comment", str(EXAMPLE), "--json"])
    assert json.loads(capsys.readouterr().out)["posting"] is None
    run(["comment", str(EXAMPLE), "--post", "--check-run", "--json"])
    assert json.loads(capsys.readouterr().out)["posting"] == {
        "comment": "created",
        "pull_request": 7,
        "check_run": True,
        "why": "",
    }
    (check,) = forge.checks
    assert (check["head_sha"], check["conclusion"], check["name"]) == (SHA, "failure", "perfkit")
    assert check["output"]["title"].startswith("Failed: 5 of 10 benchmarks regressed")
    assert check["output"]["summary"].startswith("**perfkit** Failed")
    assert check["external_id"] == "5.1"
    forge.read_only = True
    run(["comment", str(EXAMPLE), "--post", "--key", "other", "--json"])
    found = json.loads(capsys.readouterr().out)["posting"]
    assert (found["comment"], found["pull_request"]) == ("failed", 7)
    assert "pull-requests: write" in found["why"]


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        (Fault("POST", "comments", status=403, body=READ_ONLY), "`pull-requests: write`"),
        (Fault("POST", "comments", status=403, body=LOCKED), "unlock it"),
        (Fault("POST", "comments", status=422, body={"message": "no"}), "too long"),
        (Fault("POST", "graphql", status=401, body={"message": "Bad credentials"}), "GITHUB_TOKEN"),
        (Fault("GET", status=404, body={"message": "Not Found"}), "GITHUB_REPOSITORY"),
        (Fault("GET", status=200, body=UNICORN), "an HTML page"),
    ],
)
def test_trouble_is_a_warning_beside_the_verdict(
    forge: Forge,
    capsys: Streams,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    named: str,
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    forge.faults.append(fault)
    assert run(["comment", str(EXAMPLE), "--post"]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("**perfkit** Failed: ")
    warning, annotation = printed.err.splitlines()
    assert warning.startswith("perfkit: warning: the comment was not posted: ")
    assert named in warning
    words = warning.removeprefix("perfkit: warning: ")
    assert annotation == f"::warning title=perfkit::{words}"
    assert forge.bodies() == []


def test_a_warning_is_one_line_without_commands(
    forge: Forge, capsys: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_EVENT_PATH", "no\n::error::100%.json")
    Path("no\n::error::100%.json").write_text("{")
    run(["comment", str(EXAMPLE), "--post"])
    warning, annotation = capsys.readouterr().err.splitlines()
    assert "no \\u003a:error::100%.json" in warning
    assert "no \\u003a:error::100%25.json" in annotation
    assert forge.journal == []


def test_a_job_without_a_token_says_what_to_add(
    forge: Forge, capsys: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    assert run(["comment", str(EXAMPLE), "--post"]) == 1
    said = capsys.readouterr().err
    assert "GITHUB_TOKEN: not set, so nothing can be posted" in said
    assert "env: GITHUB_TOKEN: ${{ github.token }}" in said
    assert forge.journal == []


@pytest.mark.parametrize(
    ("options", "settings", "journal"),
    [
        (["--policy", "never"], "", 0),
        ([], "comment: {policy: never}", 0),
        (["--policy", "always"], "comment: {policy: never}", 4),
        (["--policy", "on-regression"], "", 4),
    ],
)
def test_the_policy_comes_from_the_option_or_the_file(
    forge: Forge, capsys: Streams, options: list[str], settings: str, journal: int
) -> None:
    Path("config").mkdir()
    Path("config/monitoring_config.yaml").write_text(settings)
    assert run(["comment", str(EXAMPLE), "--post", *options]) == 1
    assert len(forge.journal) == journal
    if not journal:
        said = "perfkit: comment: nothing (comment.policy is never)\n"
        assert capsys.readouterr().err == said


def test_the_comments_of_two_jobs_stand_side_by_side(forge: Forge) -> None:
    for key in ("3.13", "linux", "3.13"):
        run(["comment", str(EXAMPLE), "--post", "--key", key])
    assert [text.split()[3] for text in forge.bodies()] == ["3.13", "linux"]


def test_a_named_pull_request_beats_what_ci_says(
    forge: Forge, capsys: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH", "GITHUB_RUN_ID"):
        monkeypatch.delenv(name)
    assert run(["comment", str(EXAMPLE), "--post"]) == 1
    assert "nothing (the event of this job names no pull request and no branch)" in (
        capsys.readouterr().err
    )
    assert run(["comment", str(EXAMPLE), "--post", "--pull-request", "7", "--check-run"]) == 1
    assert capsys.readouterr().err == "perfkit: comment: pull request 7 created\n"
    assert forge.checks[0]["head_sha"] == SHA
    assert forge.bodies()[0].startswith("<!-- perfkit comment perfkit run=0.0 ")


def event(forge: Forge, monkeypatch: pytest.MonkeyPatch, kind: str, value: object) -> None:
    del forge
    path = Path(os.environ["GITHUB_EVENT_PATH"])
    path.write_text(json.dumps(value))
    monkeypatch.setenv("GITHUB_EVENT_NAME", kind)


def test_a_merge_group_gets_its_check_run_and_no_comment(
    forge: Forge, capsys: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    event(forge, monkeypatch, "merge_group", {"merge_group": {"head_sha": "d" * 40}})
    monkeypatch.setenv("PERFKIT_COMMENT_CHECK_RUN", "true")
    assert run(["comment", str(EXAMPLE), "--post"]) == 1
    assert "comment: nothing (a merge group is no pull request" in capsys.readouterr().err
    assert forge.checks[0]["head_sha"] == "d" * 40
    assert forge.bodies() == []


def test_a_push_comments_on_the_open_pull_request_of_its_branch(
    forge: Forge, capsys: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    event(forge, monkeypatch, "push", {})
    monkeypatch.setenv("GITHUB_REF", "refs/heads/change")
    monkeypatch.setenv("GITHUB_SHA", "e" * 40)
    assert run(["comment", str(EXAMPLE), "--post"]) == 1
    assert "nothing (no open pull request has the head eeeeeeeeee;" in capsys.readouterr().err
    forge.pull(7, "e" * 40, "o/r")
    assert run(["comment", str(EXAMPLE), "--post"]) == 1
    assert "pull request 7 created" in capsys.readouterr().err
    forge.pull(8, "e" * 40, "o/r")
    run(["comment", str(EXAMPLE), "--post"])
    assert "found 2 open pull requests with the head" in capsys.readouterr().err


def artifact(path: Path, **extra: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("perfkit-report.json", EXAMPLE.read_text("utf-8"))
        for name, text in extra.items():
            archive.writestr(name, text)
    return path


FORK: dict[str, dict[str, object]] = {
    "workflow_run": {
        "id": 900,
        "run_attempt": 2,
        "head_sha": SHA,
        "head_branch": "change",
        "head_repository": {"full_name": "me/fork", "owner": {"login": "me"}},
        "pull_requests": [],
    }
}


def test_a_fork_s_artifact_is_posted_where_github_says(
    forge: Forge, capsys: Streams, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    event(forge, monkeypatch, "workflow_run", FORK)
    forge.pull(99, "f" * 40)
    found = artifact(tmp_path / "a.zip", pr_number="99", number="99", body="@everyone look")
    assert run(["comment", "--from-artifact", str(found), "--post"]) == 1
    printed = capsys.readouterr()
    assert printed.err == "perfkit: comment: pull request 7 created\n"
    (text,) = forge.bodies()
    assert "everyone" not in text
    assert text.startswith("<!-- perfkit comment perfkit run=900.2 ")
    assert printed.out in text


def passing(folder: Path, verdict: Verdict = Verdict.UNCHANGED) -> Path:
    """Return an artifact whose report says what its writer wanted it to say."""
    folder.mkdir(exist_ok=True)
    values = {"perfkit": {"schema": 1, "command": "check"}, **to_values(a_report(verdict))}
    (folder / "perfkit-report.json").write_text(json.dumps(values))
    return folder


OWN = {"full_name": "o/r", "owner": {"login": "o"}}


@pytest.mark.parametrize(
    ("run_of", "conclusion"),
    [
        ({}, "neutral"),
        ({"head_repository": None}, "neutral"),
        ({"head_repository": OWN}, "success"),
        (None, "neutral"),  # an event that does not say whose run it was
    ],
)
def test_what_a_fork_says_of_itself_makes_no_green_check(
    forge: Forge,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    run_of: dict[str, object] | None,
    conclusion: str,
) -> None:
    if run_of is not None:
        named = {"workflow_run": {**FORK["workflow_run"], **run_of}}
        event(forge, monkeypatch, "workflow_run", named)
    words = ["comment", "--from-artifact", str(passing(tmp_path / "a")), "--post", "--check-run"]
    assert run(words) == 0
    (check,) = forge.checks
    title, summary = check["output"]["title"], check["output"]["summary"]
    assert check["conclusion"] == conclusion
    assert title.startswith("Not proven: Passed" if conclusion == "neutral" else "Passed")
    assert summary.startswith("This is no pass: " if conclusion == "neutral" else "**perfkit**")
    assert "**perfkit** Passed" in summary
    # A failure needs no proof.
    passing(tmp_path / "a", Verdict.DIFFERENT_WORK)
    assert run(words) == 1
    assert forge.checks[1]["conclusion"] == "failure"
    assert forge.checks[1]["output"]["title"].startswith("Failed")


def test_perfkit_s_own_report_is_well_within_the_depth() -> None:
    assert not nested_deeper(json.loads(EXAMPLE.read_text("utf-8")), NESTING // 2)


def hostile(**changes: object) -> str:
    return json.dumps({**json.loads(EXAMPLE.read_text("utf-8")), **changes})


@pytest.mark.parametrize(
    "text",
    [
        hostile(pull_request=99),
        hostile(markdown="@everyone"),
        hostile(posting={"pull_request": 99}),
        hostile(perfkit={"schema": 99}),
        hostile(perfkit={"schema": "\n::error::x" * 1000}),
        hostile(**{"\n::error::x" * 1000: 1}),
        hostile(seconds=math.inf),
        hostile(seconds=math.nan),
        hostile(rounds=-1),
        hostile(comparisons="many"),
        hostile(comparisons=[{"benchmark": {"name": "x"}}]),
        hostile(base={"label": "x", "commit": 5}),
        EXAMPLE.read_text("utf-8")[:-100],
        "[]",
        "{}",
        "null",
    ],
)
def test_an_artifact_against_the_schema_is_refused_and_nobody_is_asked(
    forge: Forge, capsys: Streams, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    event(forge, monkeypatch, "workflow_run", FORK)
    folder = tmp_path / "artifact"
    folder.mkdir()
    (folder / "perfkit-report.json").write_text(text)
    assert run(["comment", "--from-artifact", str(folder), "--post"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"perfkit: {folder}: perfkit-report.json: ")
    assert printed.err.count("\n") == 1
    assert len(printed.err) < 500
    assert forge.journal == []


def test_what_a_fork_calls_things_cannot_forge_the_first_line(
    forge: Forge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    event(forge, monkeypatch, "workflow_run", FORK)
    evil = "-->\n<!-- perfkit comment perfkit run=99999.1 -->\n@everyone"
    document = json.loads(EXAMPLE.read_text("utf-8"))
    document["comparisons"][0]["benchmark"]["name"] = evil
    document["head"].update(label=evil, commit=evil)
    folder = tmp_path / "artifact"
    folder.mkdir()
    (folder / "perfkit-report.json").write_text(json.dumps(document))
    assert run(["comment", "--from-artifact", str(folder), "--post"]) == 1
    (text,) = forge.bodies()
    assert text.count("<!-- perfkit comment") == 1
    assert text.splitlines()[0].startswith("<!-- perfkit comment perfkit run=900.2 ")
    assert "@everyone" not in text


@pytest.mark.parametrize(
    "words",
    [
        ["--pull-request", "7"],
        ["--policy", "always"],
        ["--key", "x"],
        ["--check-run"],
        ["--no-check-run"],
    ],
)
def test_options_of_posting_want_post(forge: Forge, capsys: Streams, words: list[str]) -> None:
    assert run(["comment", str(EXAMPLE), *words]) == 2
    assert "add --post, or leave them out" in capsys.readouterr().err
    assert forge.journal == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--post", "--key", "a b"], "option --key"),
        (["--post", "--key", "--> @all"], "option --key"),
        (["--post", "--pull-request", "0"], "--pull-request"),
        (["--from-artifact", "x.zip"], "give either REPORT or --from-artifact"),
    ],
)
def test_options_that_cannot_be(forge: Forge, capsys: Streams, words: list[str], said: str) -> None:
    assert run(["comment", str(EXAMPLE), *words]) == 2
    assert said in capsys.readouterr().err
    assert forge.journal == []


def test_gitlab(forge: Forge, capsys: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    forge.prefix = "/api/v4"
    for name, value in {
        "GITLAB_CI": "true",
        "GITLAB_TOKEN": TOKEN,
        "CI_API_V4_URL": forge.api,
        "CI_PROJECT_ID": "7",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_PIPELINE_ID": "3",
        "CI_JOB_ID": "4",
    }.items():
        monkeypatch.setenv(name, value)
    assert run(["comment", str(EXAMPLE), "--post", "--check-run"]) == 1
    printed = capsys.readouterr().err
    assert "the check run was not created: check runs exist on GitHub only" in printed
    assert "perfkit: comment: pull request 7 created\n" in printed
    ((number, comment),) = forge.comments.items()
    assert comment["author"] == {"username": GITLAB_BOT}
    assert comment["body"].startswith("<!-- perfkit comment perfkit run=3.4 ")
    assert number


# The value that other verbs hand over


def a_report(verdict: Verdict, *, interrupted: bool = False) -> Report:
    row = Comparison(benchmark=BenchmarkId("b", ()), unit=Unit.SECONDS, verdict=verdict)
    return Report(command="check", comparisons=(row,), interrupted=interrupted)


def test_an_interrupted_report_is_not_posted(forge: Forge, capsys: Streams) -> None:
    found = post_report(a_report(Verdict.REGRESSED, interrupted=True), Comment(check_run=True))
    assert (found["comment"], found["why"]) == ("nothing", "the measurement was interrupted")
    assert capsys.readouterr().err == (
        "perfkit: comment: nothing (the measurement was interrupted)\n"
    )
    assert forge.journal == []


def test_a_regression_that_vanished_is_shown_as_resolved(forge: Forge) -> None:
    environ = dict(os.environ)
    post_report(a_report(Verdict.REGRESSED), Comment(), environ=environ)
    later = {**environ, "GITHUB_RUN_ID": "6"}
    post_report(a_report(Verdict.UNCHANGED), Comment(), environ=later)
    (text,) = forge.bodies()
    assert f"- ✅ benchmark <code>b</code>: resolved in {SHA[:10]}\n" in text
    assert "regressed" not in text


@pytest.mark.parametrize("letter", ["|", "\u202e", "🔥", "a"])
def test_the_whole_comment_stays_within_its_bounds(forge: Forge, letter: str) -> None:
    environ = dict(os.environ)

    def named(verdict: Verdict, first: int, count: int) -> list[Comparison]:
        numbers = range(first, first + count)
        return [row(f"{number:06}{letter * 290}", verdict) for number in numbers]

    resolved = named(Verdict.UNCHANGED, 100_000, REMEMBERED)
    failing = named(Verdict.REGRESSED, 0, 1000)
    former = [replace(one, verdict=Verdict.REGRESSED) for one in resolved]
    first = Report(command="check", comparisons=tuple(former))
    second = Report(command="check", comparisons=(*resolved, *failing))
    post_report(first, Comment(key="k" * 40), environ=environ)
    later = {**environ, "GITHUB_RUN_ID": "9" * 20}
    post_report(second, Comment(key="k" * 40), environ=later)
    (text,) = forge.bodies()
    assert text.count("resolved in") == SHOWN
    assert f"and {REMEMBERED - SHOWN} more resolved before" in text
    assert 50_000 < len(text.encode()) <= 60_000
    assert len(text.encode("utf-16-le")) // 2 <= 65_536
    assert "🔴 regressed" in text


def test_an_undecided_report_makes_a_neutral_check_run(forge: Forge) -> None:
    post_report(a_report(Verdict.INCONCLUSIVE), Comment(policy="never", check_run=True))
    assert forge.checks[0]["conclusion"] == "neutral"
    assert forge.bodies() == []


def test_check_runs_without_a_commit_or_a_permission_are_warned_about(
    forge: Forge, capsys: Streams
) -> None:
    bare = {
        key: value
        for key, value in os.environ.items()
        if key not in {"GITHUB_EVENT_PATH", "GITHUB_EVENT_NAME"}
    }
    post_report(a_report(Verdict.UNCHANGED), Comment(check_run=True), environ=bare)
    assert "no commit is known to attach it to; give --pull-request" in capsys.readouterr().err
    forge.faults.append(Fault("POST", "check-runs", status=403, body=READ_ONLY))
    found = post_report(a_report(Verdict.UNCHANGED), Comment(check_run=True))
    assert found["comment"] == "created"
    assert not found["check_run"]
    assert "`checks: write`" in capsys.readouterr().err


def test_posting_takes_no_longer_than_the_file_says(forge: Forge, capsys: Streams) -> None:
    clock = Clock()
    timing = Timing(now=clock.now, elapsed=clock.now, sleep=clock.sleep)
    forge.faults.append(Fault("GET", status=429, headers={"Retry-After": "100"}))
    post_report(
        a_report(Verdict.UNCHANGED), Comment.model_validate({"max_wait": "99s"}), timing=timing
    )
    assert "99 s are left of comment.max_wait (99 s)" in capsys.readouterr().err
    forge.faults.append(Fault("GET", status=429, headers={"Retry-After": "100"}))
    post_report(a_report(Verdict.UNCHANGED), Comment(), timing=timing)
    assert clock.slept == [100.0]
    assert len(forge.bodies()) == 1


def test_the_report_s_commit_counts_only_where_ci_names_none_and_if_it_is_one() -> None:
    def head(commit: str) -> Report:
        return Report(command="check", head=Revision(label="x", commit=commit))

    assert posting._head(head("a" * 40), Occasion(sha=SHA)) == SHA
    assert posting._head(head("a" * 40), Occasion()) == "a" * 40
    assert posting._head(head("--> x"), Occasion()) == ""
    assert posting._head(Report(command="check"), Occasion()) == ""


def test_the_lines_of_what_was_resolved() -> None:
    assert resolved_markdown([]) == ""
    few = [
        ("benchmark <b>@x", "1234567890"),
        ("leak check a.b:c", ""),
        ("budget " + "y" * 90, "ab"),
    ]
    assert resolved_markdown(few) == (
        "\n- ✅ benchmark <code>&#60;b&#62;&#64;x</code>: resolved in 1234567890\n"
        "- ✅ leak check <code>a.b&#58;c</code>: resolved in this run\n"
        f"- ✅ budget <code>{'y' * 80}…</code>: resolved in ab\n"
    )
    many = [(f"benchmark b{number}", "ab") for number in range(SHOWN + 3)]
    lines = resolved_markdown(many).splitlines()
    assert lines[1] == "- ✅ and 3 more resolved before"
    assert len(lines) == SHOWN + 2
    assert lines[-1] == "- ✅ benchmark <code>b7</code>: resolved in ab"


# The other verbs


@contextmanager
def as_measured(*_: object, **__: object) -> Iterator[tuple[None, SimpleNamespace]]:
    yield None, SimpleNamespace(report=a_report(Verdict.REGRESSED))


def test_compare_keeps_its_verdict_and_report_whatever_the_forge_says(
    forge: Forge, capsys: Streams, monkeypatch: pytest.MonkeyPatch, project: Project
) -> None:
    monkeypatch.setattr(change, "measured_change", as_measured)
    monkeypatch.chdir(project.root)
    project.suite()
    project.commit("first")
    assert run(["compare", "HEAD", "--no-culprits"]) == 1
    assert forge.journal == []
    forge.read_only = True
    capsys.readouterr()
    assert run(["compare", "HEAD", "--no-culprits", "--comment", "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["exit_code"] == 1
    assert "`pull-requests: write`" in printed.err
    assert (project.root / ".perfkit" / "last-report.json").read_text("utf-8") == printed.out


def test_check_posts_as_a_process_and_the_token_is_nowhere_to_be_found(
    forge: Forge, project: Project
) -> None:
    project.suite()
    project.commit("first")
    project.write("tiny.py", "def work(n):\n    return 2 * sum(range(n))\n")
    project.commit("double it")
    done = project.perfkit(
        "-vv", "check", "HEAD~1", "--comment", "--no-culprits", "--bench", "track"
    )
    assert done.returncode == 1
    assert done.stderr.endswith("perfkit: comment: pull request 7 created\n")
    assert "DEBUG: http" in done.stderr  # so the requests were logged
    for text in (done.stdout, forge.bodies()[0]):
        assert "benchmarks regressed, most " in text
    assert TOKEN not in done.stdout + done.stderr
    for path in project.root.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes()
