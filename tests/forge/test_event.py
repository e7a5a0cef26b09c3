"""Which pull request a job is about, from the variables and events that GitHub and GitLab send."""

import json
from pathlib import Path

import pytest

from perfkit.errors import PostingError
from perfkit.forge.connect import connect
from perfkit.forge.event import Occasion, github_occasion, gitlab_occasion
from perfkit.forge.github import GitHub
from perfkit.forge.gitlab import GitLab
from perfkit.forge.http import Timing
from perfkit.forge.sticky import Run

SHA, MERGE = "a" * 40, "b" * 40
GITHUB = {
    "GITHUB_REPOSITORY": "o/r",
    "GITHUB_RUN_ID": "1000",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_SHA": MERGE,
    "GITHUB_TOKEN": "secret",
}
RUN = Run(1000, 2)
PULL = {"pull_request": {"number": 7, "head": {"sha": SHA}}}
FORK = {
    "workflow_run": {
        "id": 900,
        "run_attempt": 3,
        "event": "pull_request",
        "head_sha": SHA,
        "head_branch": "change",
        "head_repository": {"full_name": "me/fork", "owner": {"login": "me"}},
        "pull_requests": [],
    }
}


def occasion(kind: str, event: object, **more: str) -> Occasion:
    return github_occasion({**GITHUB, "GITHUB_EVENT_NAME": kind, **more}, event)


@pytest.mark.parametrize("kind", ["pull_request", "pull_request_target"])
def test_a_pull_request(kind: str) -> None:
    found = occasion(kind, PULL, GITHUB_REF="refs/pull/7/merge")
    # Not GITHUB_SHA, which is the merge into the base branch.
    assert found == Occasion(number=7, sha=SHA, run=RUN)


def test_a_pull_request_without_its_event_file() -> None:
    for ref in ("refs/pull/7/merge", "refs/pull/7/head"):
        found = occasion("pull_request", None, GITHUB_REF=ref)
        assert found == Occasion(number=7, sha="", run=RUN)


def test_a_comment_on_a_pull_request_and_on_an_issue() -> None:
    on = {"issue": {"number": 7, "pull_request": {"url": "..."}}}
    assert occasion("issue_comment", on).number == 7
    other = occasion("issue_comment", {"issue": {"number": 7}}, GITHUB_REF="refs/heads/main")
    assert other.number is None


def test_a_finished_run_of_a_fork_is_looked_for_by_its_head() -> None:
    assert occasion("workflow_run", FORK, GITHUB_REF="refs/heads/main") == Occasion(
        sha=SHA, head="me:change", head_repository="me/fork", run=Run(900, 3)
    )


def test_a_finished_run_whose_fork_is_gone() -> None:
    event = {"workflow_run": {"head_sha": SHA, "head_branch": "x", "head_repository": None}}
    assert occasion("workflow_run", event) == Occasion(sha=SHA)
    owner = {
        "workflow_run": {**event["workflow_run"], "head_repository": {"owner": {"login": "m"}}}
    }
    assert occasion("workflow_run", owner).head == "m:x"
    del owner["workflow_run"]["head_branch"]
    assert occasion("workflow_run", owner).head == ""


@pytest.mark.parametrize("event", [None, {}, {"workflow_run": {"head_sha": "main"}}, [], PULL])
def test_a_finished_run_without_its_head_is_refused(event: object) -> None:
    with pytest.raises(PostingError, match=r"found no workflow_run\.head_sha"):
        occasion("workflow_run", event, GITHUB_REF="refs/pull/7/merge")


def test_a_merge_group_has_no_comment_of_its_own() -> None:
    event = {"merge_group": {"head_sha": SHA, "head_ref": "refs/heads/gh-readonly-queue/main/pr-7"}}
    found = occasion("merge_group", event)
    assert (found.number, found.sha, found.run) == (None, SHA, RUN)
    assert found.nowhere == (
        "a merge group is no pull request; those in it have their own comments"
    )
    assert occasion("merge_group", None).sha == MERGE


def test_a_push_is_looked_for_by_its_branch() -> None:
    found = occasion("push", {"after": MERGE}, GITHUB_REF="refs/heads/feature/x")
    assert found == Occasion(sha=MERGE, head="o:feature/x", head_repository="o/r", run=RUN)


def test_a_tag_is_no_pull_request() -> None:
    found = occasion("push", {}, GITHUB_REF="refs/tags/v1")
    assert found.nowhere == "the event push names no pull request and no branch"
    assert (found.sha, found.run) == (MERGE, RUN)
    assert github_occasion({}, None).nowhere == (
        "the event of this job names no pull request and no branch"
    )


@pytest.mark.parametrize("number", ["7", True, 0, -1, None, 7.5, [7]])
def test_a_number_that_is_none(number: object) -> None:
    event = {"pull_request": {"number": number, "head": "x"}}
    assert occasion("pull_request", event, GITHUB_REF="refs/heads/x").number is None


@pytest.mark.parametrize(
    ("variables", "run"),
    [
        ({"GITHUB_RUN_ID": "5"}, Run(5, 1)),
        ({"GITHUB_RUN_ID": "5", "GITHUB_RUN_ATTEMPT": "4"}, Run(5, 4)),
        ({"GITHUB_RUN_ID": "5", "GITHUB_RUN_ATTEMPT": ""}, None),
        ({"GITHUB_RUN_ID": "x"}, None),
        ({}, None),
    ],
)
def test_which_run_it_is(variables: dict[str, str], run: Run | None) -> None:
    assert github_occasion(variables, None).run == run


def test_a_sha_that_is_none_is_left_out() -> None:
    assert occasion("push", None, GITHUB_REF="refs/heads/x", GITHUB_SHA="--evil").sha == ""
    assert occasion("push", None, GITHUB_REF="refs/heads/x", GITHUB_SHA="c" * 64).sha == "c" * 64
    assert occasion("push", None, GITHUB_REF="refs/heads/x", GITHUB_SHA="c" * 50).sha == ""


def test_a_merge_request() -> None:
    variables = {
        "CI_MERGE_REQUEST_IID": "7",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": SHA,
        "CI_COMMIT_SHA": MERGE,
        "CI_PIPELINE_ID": "40",
        "CI_JOB_ID": "41",
    }
    assert gitlab_occasion(variables) == Occasion(number=7, sha=SHA, run=Run(40, 41))
    # The source branch's hash is only there in pipelines of merged results.
    del variables["CI_MERGE_REQUEST_IID"]
    variables["CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"] = ""
    assert gitlab_occasion(variables) == Occasion(sha=MERGE, run=Run(40, 41))
    assert gitlab_occasion({"CI_COMMIT_SHA": "main", "CI_PIPELINE_ID": "4"}) == Occasion(
        run=Run(4, 1)
    )


# Where a job connects to


def test_github_is_the_public_one_unless_said(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(PULL))
    forge, found = connect({**GITHUB, "GITHUB_EVENT_PATH": str(event)}, 12.0)
    assert isinstance(forge, GitHub)
    assert (forge.client.api, forge.repository) == ("https://api.github.com", "o/r")
    assert forge.client.limits.total_seconds == 12.0
    assert found.number == 7
    enterprise = {**GITHUB, "GITHUB_API_URL": "https://git.example.org/api/v3/"}
    assert connect(enterprise, 1.0)[0].client.api == "https://git.example.org/api/v3"


def test_a_missing_event_file_is_no_trouble_and_a_broken_one_is(tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    variables = {**GITHUB, "GITHUB_EVENT_PATH": str(path), "GITHUB_REF": "refs/pull/3/merge"}
    assert connect(variables, 1.0)[1].number == 3
    for content in (b"{", b"\xff", b"[" * 100_000):
        path.write_bytes(content)
        with pytest.raises(PostingError, match=r"event\.json: not readable as the event"):
            connect(variables, 1.0)


def test_gitlab() -> None:
    variables = {"GITLAB_CI": "true", "GITLAB_TOKEN": "secret", "CI_PROJECT_ID": "9"}
    forge, _ = connect({**GITHUB, **variables}, 1.0)
    assert isinstance(forge, GitLab)
    assert (forge.client.api, forge.project) == ("https://gitlab.com/api/v4", "9")
    assert forge.client.credential["PRIVATE-TOKEN"] == "secret"
    own = {"CI_MERGE_REQUEST_PROJECT_ID": "5", "CI_API_V4_URL": "https://lab.example.org/api/v4"}
    forge, _ = connect({**variables, **own, "CI_MERGE_REQUEST_IID": "2"}, 1.0)
    assert isinstance(forge, GitLab)
    assert (forge.client.api, forge.project) == ("https://lab.example.org/api/v4", "5")
    with pytest.raises(PostingError, match="CI_PROJECT_ID: not set"):
        connect({"GITLAB_CI": "true", "GITLAB_TOKEN": "secret"}, 1.0)
    with pytest.raises(PostingError, match=r"GITLAB_TOKEN: not set.*masked CI variable"):
        connect({"GITLAB_CI": "true"}, 1.0)


@pytest.mark.parametrize("repository", ["", "o", "o/r/x", "o/r?x", "../r x", "ö/r"])
def test_a_repository_that_is_none(repository: str) -> None:
    with pytest.raises(PostingError, match=r"GITHUB_REPOSITORY: found .*, wanted owner/name"):
        connect({**GITHUB, "GITHUB_REPOSITORY": repository}, 1.0)


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_a_client_knows_its_token_its_clock_and_where_its_address_is_set(forge: str) -> None:
    gitlab = {"GITLAB_CI": "true", "GITLAB_TOKEN": "secret", "CI_PROJECT_ID": "9"}
    clocks = Timing(now=lambda: 1.0)
    found, _ = connect(GITHUB if forge == "github" else gitlab, 7.0, clocks)
    client = found.client
    assert (client.secret, client.timing, client.limits.total_seconds) == ("secret", clocks, 7.0)
    assert client.variable == ("GITHUB_API_URL" if forge == "github" else "CI_API_V4_URL")


def test_what_is_missing_is_said_with_where_to_put_it() -> None:
    gitlab = {"GITLAB_CI": "true", "GITLAB_TOKEN": "secret"}
    for environ, said in (
        (gitlab, "CI_PROJECT_ID: not set, wanted the id of the project."),
        (
            {"GITLAB_CI": "true"},
            (
                "GITLAB_TOKEN: not set, so nothing can be posted; put a project access token with"
                " the scope api into a masked CI variable."
            ),
        ),
        (
            {"GITHUB_REPOSITORY": "o/r"},
            (
                "GITHUB_TOKEN: not set, so nothing can be posted; add"
                " `env: GITHUB_TOKEN: ${{ github.token }}` to the step."
            ),
        ),
        (
            {},
            (
                "GITHUB_REPOSITORY: found '', wanted owner/name; perfkit posts from GitHub Actions"
                " and GitLab CI, and elsewhere with that variable, GITHUB_TOKEN and --pull-request."
            ),
        ),
    ):
        with pytest.raises(PostingError) as caught:
            connect(environ, 1.0)
        assert str(caught.value) == said


def test_the_token_is_looked_for_and_never_shown() -> None:
    bare = {key: value for key, value in GITHUB.items() if key != "GITHUB_TOKEN"}
    with pytest.raises(PostingError, match=r"GITHUB_TOKEN: not set.*github\.token") as caught:
        connect(bare, 1.0)
    assert "secret" not in str(caught.value)
    forge, _ = connect({**bare, "GH_TOKEN": "other\n"}, 1.0)
    assert forge.client.credential["Authorization"] == "Bearer other"
    assert "other" not in repr(forge)
    for token in ("two words", "tok\u00ebn", "to\nken"):
        with pytest.raises(PostingError, match="GITHUB_TOKEN: found a blank or another") as caught:
            connect({**bare, "GITHUB_TOKEN": token}, 1.0)
        assert token not in str(caught.value)


@pytest.mark.parametrize("number", [0, -1, True, "7", 7.0, None])
def test_a_number_that_is_none_is_not_taken(number: object) -> None:
    event = {"pull_request": {"number": number}}
    found = github_occasion({"GITHUB_EVENT_NAME": "pull_request"}, event)
    assert (found.number, bool(found.nowhere)) == (None, True)
    first = github_occasion({"GITHUB_EVENT_NAME": "pull_request"}, {"pull_request": {"number": 1}})
    assert first.number == 1


def test_a_run_without_an_attempt_is_the_first() -> None:
    event = {"workflow_run": {"id": 5, "head_sha": "a" * 40}}
    assert github_occasion({"GITHUB_EVENT_NAME": "workflow_run"}, event).run == Run(5, 1)
