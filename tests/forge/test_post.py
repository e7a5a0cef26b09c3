"""Posting over real HTTP: one comment, whatever the forge and the network do."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from forge_server import (
    ARCHIVED,
    BLOCKED,
    BOT,
    GITLAB_BOT,
    ISSUES_DISABLED,
    LOCKED,
    NOT_FOUND,
    RATE_LIMITED,
    READ_ONLY,
    SAML,
    SECONDARY,
    SHA,
    TOKEN,
    UNICORN,
    Clock,
    Fault,
    Forge,
    serving,
)

from perfkit.errors import PostingError
from perfkit.forge import github as github_headers
from perfkit.forge import gitlab as gitlab_headers
from perfkit.forge.check_run import CheckRun
from perfkit.forge.event import Occasion
from perfkit.forge.github import GitHub
from perfkit.forge.gitlab import GitLab
from perfkit.forge.http import Client, Limits, Timing
from perfkit.forge.post import (
    SETTLED_SECONDS,
    TRIES,
    Outcome,
    number_for,
    post_check,
    post_comment,
    waiting,
)
from perfkit.forge.sticky import Run, Wanted
from perfkit.model import Status


@pytest.fixture
def forge() -> Iterator[Forge]:
    with serving() as found:
        yield found


@pytest.fixture
def clock() -> Clock:
    return Clock()


def client_of(forge: Forge, clock: Clock, total: float = 300.0, **limits: float) -> Client:
    return Client(
        api=forge.api,
        variable="GITHUB_API_URL",
        credential=github_headers.credential(TOKEN),
        secret=TOKEN,
        limits=Limits(total_seconds=total, **limits),  # type: ignore[arg-type]
        timing=Timing(now=clock.now, elapsed=clock.now, sleep=clock.sleep),
    )


def wanted(text: str = "hello", run: int | None = 5, **more: object) -> Wanted:
    values: dict[str, object] = {
        "key": "perfkit",
        "author": BOT,
        "run": None if run is None else Run(run, 1),
        "sha": SHA,
        "rows": {},
        "first": True,
        "render": lambda *_: text,
    }
    return Wanted(**(values | more))  # type: ignore[arg-type]


def post(
    forge: Forge, clock: Clock, text: str = "hello", run: int | None = 5, total: float = 300.0
) -> Outcome:
    client = client_of(forge, clock, total)
    return post_comment(GitHub(client, "o/r"), 7, wanted(text, run), waiting(client))


def body(text: str = "hello", run: int = 5) -> str:
    return f"<!-- perfkit comment perfkit run={run}.1 -->\n{text}"


ONE = "issues/comments/"  # in the address of a single comment, and not in that of the listing


# One comment


def test_a_comment_is_created_with_one_post_and_then_kept_current(
    forge: Forge, clock: Clock
) -> None:
    assert post(forge, clock) == Outcome("created")
    assert forge.bodies() == [body()]
    assert post(forge, clock, "changed", run=6) == Outcome("updated")
    assert forge.bodies() == [body("changed", 6)]
    assert (forge.count("POST"), forge.count("PATCH"), clock.slept) == (1, 1, [SETTLED_SECONDS])


def test_an_identical_body_writes_nothing(forge: Forge, clock: Clock) -> None:
    post(forge, clock)
    assert post(forge, clock) == Outcome("left", "it says the same already")
    assert (forge.count("POST"), forge.count("PATCH")) == (1, 0)


def test_an_older_run_or_attempt_never_overwrites_a_newer_one(forge: Forge, clock: Clock) -> None:
    post(forge, clock, "new", run=9)
    assert post(forge, clock, "old", run=8) == Outcome("left", "a newer run has written it")
    assert forge.bodies() == [body("new", 9)]
    client = client_of(forge, clock)
    second = wanted("again", run=9)
    again = replace(second, run=Run(9, 2))
    assert post_comment(GitHub(client, "o/r"), 7, again, waiting(client)).done == "updated"
    assert post(forge, clock, "first attempt", run=9).done == "left"
    assert forge.bodies() == ["<!-- perfkit comment perfkit run=9.2 -->\nagain"]


def test_outside_ci_the_newest_word_counts_and_the_run_is_kept(forge: Forge, clock: Clock) -> None:
    post(forge, clock, run=9)
    assert post(forge, clock, "by hand", run=None).done == "updated"
    assert forge.bodies() == [body("by hand", 9)]


@pytest.mark.parametrize("before", [29, 30, 99, 100, 101, 350])
def test_the_comment_is_found_on_any_page(forge: Forge, clock: Clock, before: int) -> None:
    for number in range(before):
        forge.say("someone", f"comment {number}")
    forge.say(BOT, body("old", 1))
    for number in range(3):
        forge.say("someone", f"later {number}")
    assert post(forge, clock).done == "updated"
    assert forge.count("POST") == 0
    # The pages, and the one comment right before and some time after it is written.
    assert forge.count("GET") == -(-(before + 4) // 100) + 2
    assert forge.bodies()[before] == body()


def test_the_comments_of_others_are_never_touched(forge: Forge, clock: Clock) -> None:
    others = [
        ("mallory", body("mine", 99)),
        ("mallory", f"> {body('quoted', 99)}"),
        (BOT, f"> {body('quoted by another workflow', 99)}"),
        (BOT, f"see:\n{body('further down', 99)}"),
        (BOT, body("of another key", 99).replace("comment perfkit", "comment linux")),
        (BOT.upper(), body("another account", 99)),
        ("", body("a deleted account", 99)),
        (BOT, body("not closed", 99).replace(" -->", " -- >")),
    ]
    for author, text in others:
        forge.say(author, text)
    assert post(forge, clock).done == "created"
    assert post(forge, clock, "more", run=6).done == "updated"
    assert forge.bodies() == [text for _, text in others] + [body("more", 6)]
    assert forge.count("DELETE") == 0


def test_duplicates_become_the_oldest_with_the_words_of_the_newest_run(
    forge: Forge, clock: Clock
) -> None:
    for run in (3, 8, 5):
        forge.say(BOT, body(f"run {run}", run))
    assert post(forge, clock, "old", run=7).done == "updated"
    assert forge.bodies() == [body("run 8", 8)]
    assert list(forge.comments) == [1001]
    written = [request.method for request in forge.journal if request.method != "GET"]
    assert written == ["PATCH", "DELETE", "DELETE"]  # nothing is lost if it ends in between


def test_two_creators_at_the_same_time_come_to_one(forge: Forge, clock: Clock) -> None:
    def other() -> None:
        assert post(forge, Clock(), "the other", run=6).done == "created"

    forge.faults.append(Fault("POST", "comments", passes=True, before=other))
    assert post(forge, clock, "mine", run=5).done == "created"
    assert forge.bodies() == [body("the other", 6)]
    assert list(forge.comments) == [1001]
    assert forge.count("POST", accepted=True) == 2


def test_the_newer_of_two_creators_puts_its_words_into_the_older_comment(
    forge: Forge, clock: Clock
) -> None:
    other = Fault("POST", "comments", passes=True, before=lambda: post(forge, Clock(), "low", 4))
    forge.faults.append(other)
    assert post(forge, clock, "high", run=5).done == "created"
    assert forge.comments[1001]["body"] == body("high", 5)
    assert len(forge.comments) == 1


def test_a_duplicate_that_another_job_deleted_first_is_no_trouble(
    forge: Forge, clock: Clock
) -> None:
    forge.say(BOT, body("one", 1))
    second = forge.say(BOT, body("two", 2))
    forge.faults.append(Fault("DELETE", passes=True, before=lambda: forge.comments.pop(second)))
    assert post(forge, clock).done == "updated"
    assert forge.bodies() == [body()]


def test_a_comment_that_is_deleted_while_it_is_updated_is_created_again(
    forge: Forge, clock: Clock
) -> None:
    first = forge.say(BOT, body("one", 1))
    forge.faults.append(Fault("PATCH", passes=True, before=lambda: forge.comments.pop(first)))
    assert post(forge, clock).done == "created"
    assert forge.bodies() == [body()]


def test_a_deleted_comment_that_the_listing_still_shows_is_not_updated_again(
    forge: Forge, clock: Clock
) -> None:
    stale = [{"id": 5, "body": body("one", 1), "user": {"login": BOT}}]
    forge.faults.extend(Fault("GET", "7/comments", status=200, body=stale) for _ in range(2))
    assert post(forge, clock).done == "created"
    assert (forge.bodies(), forge.count("PATCH")) == ([body()], 0)
    forge.faults.append(Fault("GET", "7/comments", status=200, body=[*stale]))
    forge.faults.append(Fault("GET", ONE, status=200, body=stale[0]))
    assert post(forge, clock, "more", run=6).done == "updated"
    assert (forge.bodies(), forge.count("PATCH")) == ([body("more", 6)], 2)


def test_several_pull_requests_of_one_commit_are_all_named(forge: Forge, clock: Clock) -> None:
    for number in (9, 8):
        forge.pull(number, SHA)
    with pytest.raises(PostingError) as caught:
        number_for(GitHub(client_of(forge, clock), "o/r"), Occasion(sha=SHA))
    assert str(caught.value) == (
        f"found 2 open pull requests with the head {SHA[:10]} (8, 9), wanted exactly one; nothing"
        " was posted. Name one with --pull-request."
    )


def test_no_comment_is_created_where_the_policy_asks_for_none(forge: Forge, clock: Clock) -> None:
    client = client_of(forge, clock)
    quiet = wanted(first=False)
    outcome = post_comment(GitHub(client, "o/r"), 7, quiet, waiting(client))
    assert outcome == Outcome("left", "the policy asks for no comment on this report")
    assert forge.bodies() == []
    forge.say(BOT, body("old", 1))
    assert post_comment(GitHub(client, "o/r"), 7, quiet, waiting(client)).done == "updated"


def test_a_regression_that_vanished_is_told_with_its_commit(forge: Forge, clock: Clock) -> None:
    client = client_of(forge, clock)

    def run(number: int, status: Status, sha: str) -> str:
        words = wanted(
            run=number,
            sha=sha,
            rows={"benchmark a": status},
            render=lambda found, _: f"{status} {[(one.name, one.sha) for one in found]}",
        )
        post_comment(GitHub(client, "o/r"), 7, words, waiting(client))
        return forge.bodies()[0].partition("\n")[2]

    assert run(1, Status.FAILED, "1" * 40) == "failed []"
    assert run(2, Status.INCONCLUSIVE, "2" * 40) == "inconclusive []"
    assert run(3, Status.PASSED, "3" * 40) == "passed [('benchmark a', '3333333333')]"
    assert run(4, Status.PASSED, "4" * 40) == "passed [('benchmark a', '3333333333')]"
    assert run(5, Status.FAILED, "5" * 40) == "failed []"
    assert run(6, Status.PASSED, "6" * 40) == "passed [('benchmark a', '6666666666')]"


# Answers that are lost


@pytest.mark.parametrize("status", [500, 502, 503, 504, None], ids=str)
def test_a_post_that_was_written_and_not_answered_is_not_repeated(
    forge: Forge, clock: Clock, status: int | None
) -> None:
    forge.faults.append(Fault("POST", "comments", status=status, body=UNICORN, write=True))
    assert post(forge, clock).done in {"created", "left"}
    assert forge.bodies() == [body()]
    assert forge.count("POST") == forge.count("POST", accepted=True) == 1


@pytest.mark.parametrize("lag", [1, 2, 4])
def test_nor_when_the_listing_lags_behind(forge: Forge, clock: Clock, lag: int) -> None:
    forge.lag = lag
    forge.faults.append(Fault("POST", "comments", status=502, body=UNICORN, write=True))
    post(forge, clock)
    assert forge.bodies() == [body()]
    assert forge.count("POST") == 1
    assert clock.slept == [1.0, 2.0, 4.0, 8.0][:lag]


@pytest.mark.parametrize("status", [502, None], ids=str)
def test_a_post_that_was_not_written_is_repeated_after_looking(
    forge: Forge, clock: Clock, status: int | None
) -> None:
    forge.faults.append(Fault("POST", "comments", status=status, body=UNICORN))
    assert post(forge, clock).done == "created"
    assert forge.bodies() == [body()]
    assert (forge.count("POST"), forge.count("POST", accepted=True)) == (2, 1)
    between = [one.method for one in forge.journal]
    assert between[: between.index("POST") + 2] == ["GET", "POST", "GET"]


def test_a_listing_that_lags_behind_a_creation_is_waited_for(forge: Forge, clock: Clock) -> None:
    forge.lag = 2
    assert post(forge, clock).done == "created"
    assert clock.slept == [1.0, 2.0]
    forge.lag = 100
    forge.comments.clear()
    assert post(forge, clock, run=6).done == "created"
    assert len(forge.comments) == 1


def test_an_update_whose_answer_is_lost_ends_with_the_right_words(
    forge: Forge, clock: Clock
) -> None:
    forge.say(BOT, body("old", 1))
    forge.faults.append(Fault("PATCH", status=502, body=UNICORN, write=True))
    assert post(forge, clock).done == "left"
    forge.faults.append(Fault("PATCH", status=None))
    assert post(forge, clock, "more", run=6).done == "updated"
    assert forge.bodies() == [body("more", 6)]


def test_an_update_that_was_put_off_does_not_overwrite_what_a_newer_run_wrote_meanwhile(
    forge: Forge, clock: Clock
) -> None:
    forge.say(BOT, body("old", 1))
    forge.faults.append(
        Fault(
            "PATCH", status=403, body=SECONDARY, after=lambda: post(forge, Clock(), "newer", run=6)
        )
    )
    assert post(forge, clock, "late", run=5) == Outcome("left", "a newer run has written it")
    assert forge.bodies() == [body("newer", 6)]


def test_a_newer_run_between_the_listing_and_the_update_is_not_overwritten(
    forge: Forge, clock: Clock
) -> None:
    forge.say(BOT, body("old", 1))
    newer = Fault("GET", ONE, passes=True, before=lambda: post(forge, Clock(), "newer", run=9))
    forge.faults.append(newer)
    assert post(forge, clock, "late", run=5) == Outcome("left", "a newer run has written it")
    assert (forge.bodies(), forge.count("PATCH")) == ([body("newer", 9)], 1)


def test_a_newer_run_puts_its_words_back_where_an_older_one_wrote_over_them(
    forge: Forge, clock: Clock
) -> None:
    """Two jobs at once: the newer writes while the older one's update is on its way."""
    forge.say(BOT, body("old", 1))
    wrote, overwrote = threading.Event(), threading.Event()

    class Pausing(Clock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            wrote.set()
            assert overwrote.wait(10)

    outcomes: list[Outcome] = []
    newer = threading.Thread(
        target=lambda: outcomes.append(post(forge, Pausing(), "newer", run=9)), daemon=True
    )

    def meanwhile() -> None:
        newer.start()
        assert wrote.wait(10)
        assert forge.bodies() == [body("newer", 9)]

    def then() -> None:
        assert forge.bodies() == [body("late", 5)]
        overwrote.set()

    forge.faults.append(Fault("PATCH", passes=True, before=meanwhile, after=then))
    assert post(forge, clock, "late", run=5) == Outcome("updated")
    newer.join(10)
    assert outcomes == [Outcome("updated")]
    assert forge.bodies() == [body("newer", 9)]


def test_a_comment_that_older_runs_write_over_again_and_again_is_given_up(
    forge: Forge, clock: Clock
) -> None:
    number = forge.say(BOT, body("old", 1))

    def over() -> None:
        forge.comments[number]["body"] = body("old", 1)

    forge.faults.extend(Fault("PATCH", passes=True, after=over) for _ in range(TRIES + 1))
    with pytest.raises(PostingError, match="older runs keep writing over the comment"):
        post(forge, clock)
    assert forge.count("PATCH") == TRIES


def test_a_comment_that_somebody_edits_meanwhile_is_not_written_over(
    forge: Forge, clock: Clock
) -> None:
    number = forge.say(BOT, body("old", 1))

    def edited() -> None:
        forge.comments[number]["body"] = "mine now"

    forge.faults.append(Fault("GET", ONE, passes=True, before=edited))
    assert post(forge, clock) == Outcome("created")
    assert forge.bodies() == ["mine now", body()]


def test_a_comment_that_is_deleted_right_after_it_was_updated_is_created_again(
    forge: Forge, clock: Clock
) -> None:
    first = forge.say(BOT, body("old", 1))
    forge.faults.append(Fault("PATCH", passes=True, after=lambda: forge.comments.pop(first)))
    assert post(forge, clock).done == "created"
    assert forge.bodies() == [body()]


def test_two_jobs_of_one_run_do_not_write_in_turns(forge: Forge, clock: Clock) -> None:
    number = forge.say(BOT, body("old", 1))

    def over() -> None:
        forge.comments[number]["body"] = body("the other job", 5)

    forge.faults.append(Fault("PATCH", passes=True, after=over))
    assert post(forge, clock, run=5) == Outcome("updated")
    assert (forge.bodies(), forge.count("PATCH")) == ([body("the other job", 5)], 1)


def test_what_cannot_be_looked_at_again_was_written_all_the_same(
    forge: Forge, clock: Clock
) -> None:
    forge.say(BOT, body("old", 1))
    assert post(forge, clock, total=1.0) == Outcome(
        "updated",
        "whether it stayed is not known: the comment is to be looked at again: it would take 2 s"
        " more, and 1 s are left of comment.max_wait (1 s); nothing more was written.",
    )
    assert forge.bodies() == [body()]


def test_reads_are_repeated_and_then_given_up(forge: Forge, clock: Clock) -> None:
    forge.faults.extend(Fault("GET", status=502, body=UNICORN) for _ in range(3))
    assert post(forge, clock).done == "created"
    assert clock.slept == [1.0, 2.0, 4.0]
    forge.faults.extend(Fault("GET", status=None) for _ in range(4))
    with pytest.raises(PostingError, match="no answer to 4 requests; run the job again"):
        post(forge, clock, run=6)


def test_a_forge_that_never_answers_a_write_is_given_up_and_says_so(
    forge: Forge, clock: Clock
) -> None:
    forge.faults.extend(Fault("POST", "comments", status=502, body=UNICORN) for _ in range(9))
    with pytest.raises(PostingError, match="the server answered 502"):
        post(forge, clock)
    assert forge.count("POST") == 5


def test_a_server_that_is_not_there(clock: Clock) -> None:
    with serving() as gone:
        pass
    with pytest.raises(PostingError, match="no answer to 4 requests"):
        post(gone, clock)


# Rate limits


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("status", "said", "headers", "seconds"),
    [
        (403, SECONDARY, {"retry-after": "17"}, 17.0),
        (429, SECONDARY, {"retry-after": "0"}, 0.0),
        (503, UNICORN, {"retry-after": "5"}, 5.0),
        (403, RATE_LIMITED, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "+90"}, 91.0),
        (429, RATE_LIMITED, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "-5"}, 1.0),
        (429, None, {"RateLimit-Remaining": "0", "RateLimit-Reset": "+30"}, 31.0),
        (403, RATE_LIMITED, {"x-ratelimit-remaining": "1", "x-ratelimit-reset": "+9"}, 60.0),
        (403, RATE_LIMITED, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, 60.0),
        (403, SECONDARY, {}, 60.0),
        (429, "Retry later\n", {}, 60.0),
        (403, {"message": "You have triggered an abuse detection mechanism."}, {}, 60.0),
        (403, SECONDARY, {"retry-after": "Mon, 05 Jan 2026 08:00:42 GMT"}, 42.0),
        (403, SECONDARY, {"retry-after": "Mon, 05 Jan 2026 07:00:00 GMT"}, 0.0),
        (403, SECONDARY, {"retry-after": "later"}, 60.0),
    ],
)
def test_a_rate_limit_is_waited_out(
    forge: Forge,
    clock: Clock,
    *,
    method: str,
    status: int,
    said: object,
    headers: dict[str, str],
    seconds: float,
) -> None:
    told = {
        name: str(int(clock.at) + int(value)) if value[0] in "+-" else value
        for name, value in headers.items()
    }
    forge.faults.append(Fault(method, "comments", status=status, body=said, headers=told))
    assert post(forge, clock).done == "created"
    assert clock.slept[0] == pytest.approx(seconds)
    assert forge.count("POST", accepted=True) == 1


def test_a_limit_beyond_the_patience_is_not_waited_for(forge: Forge, clock: Clock) -> None:
    reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(clock.at) + 3000)}
    forge.faults.append(Fault("GET", status=403, body=RATE_LIMITED, headers=reset))
    with pytest.raises(PostingError, match=r"it would take 3001 s more, and 300 s are left of"):
        post(forge, clock)
    assert clock.slept == []


def test_waits_together_stay_within_the_patience(forge: Forge, clock: Clock) -> None:
    forge.faults.extend(Fault("GET", status=429, body=SECONDARY) for _ in range(9))
    with pytest.raises(PostingError, match=r"60 s more, and 30 s are left of comment.max_wait"):
        post(forge, clock, total=150.0)
    assert clock.slept == [60.0, 60.0]


def test_nothing_is_sent_once_the_patience_is_used_up(forge: Forge, clock: Clock) -> None:
    client = client_of(forge, clock)
    clock.sleep(300.0)
    with pytest.raises(PostingError, match=r"comment.max_wait \(300 s\) is used up"):
        GitHub(client, "o/r").comments(7)
    assert forge.journal == []


# Refusals


@pytest.mark.parametrize(
    ("status", "said", "named"),
    [
        (401, {"message": "Bad credentials"}, "GITHUB_TOKEN: ${{ github.token }}"),
        (403, READ_ONLY, "`pull-requests: write`"),
        (403, READ_ONLY, "--from-artifact"),
        (403, LOCKED, "unlock it"),
        (403, ARCHIVED, "unarchive"),
        (403, SAML, "single sign-on"),
        (403, {"message": "Must have admin rights"}, "IP allow list"),
        (404, NOT_FOUND, "GITHUB_REPOSITORY"),
        (410, ISSUES_DISABLED, "repository's settings"),
        (422, {"message": "Validation Failed"}, "too long"),
        (451, BLOCKED, "legal reasons"),
        (409, {"message": "Conflict"}, "GitHub refused"),
    ],
)
def test_a_refusal_names_what_to_change_and_is_not_repeated(
    forge: Forge, clock: Clock, status: int, said: dict[str, str], named: str
) -> None:
    forge.faults.append(Fault("POST", "comments", status=status, body=said))
    with pytest.raises(PostingError) as caught:
        post(forge, clock)
    assert f"writing the comment was refused with {status}: " in str(caught.value)
    assert named in str(caught.value)
    assert f'The server said: "{said["message"]}".' in str(caught.value)
    assert (forge.count("POST"), clock.slept, forge.bodies()) == (1, [], [])


def test_a_missing_permission_is_no_rate_limit_whatever_the_headers_say(
    forge: Forge, clock: Clock
) -> None:
    last = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(clock.at) + 100)}
    forge.faults.append(Fault("POST", "comments", status=403, body=READ_ONLY, headers=last))
    with pytest.raises(PostingError, match="pull-requests: write"):
        post(forge, clock)
    assert clock.slept == []


def test_a_read_only_token(forge: Forge, clock: Clock) -> None:
    forge.say(BOT, body("old", 1))
    forge.read_only = True
    with pytest.raises(PostingError, match="updating the comment was refused with 403"):
        post(forge, clock)
    assert forge.bodies() == [body("old", 1)]


def test_words_of_a_server_are_quoted_in_one_harmless_short_line(
    forge: Forge, clock: Clock
) -> None:
    said = f"no\n::error::x\x1b[31m {TOKEN} {'y' * 500}"
    forge.faults.append(Fault("POST", "comments", status=422, body={"message": said}))
    with pytest.raises(PostingError) as caught:
        post(forge, clock)
    text = str(caught.value)
    assert TOKEN not in text
    assert "no ::error::x [31m *** yyy" in text
    assert "\n" not in text
    assert text.endswith('y…".')
    assert len(text) < 600


@pytest.mark.parametrize("said", ["<html>", {"error": "insufficient_scope"}, [1], {"message": {}}])
def test_an_error_without_words_still_has_its_sentence(
    forge: Forge, clock: Clock, said: object
) -> None:
    forge.faults.append(Fault("POST", "comments", status=403, body=said))
    with pytest.raises(PostingError, match="the token may not do that"):
        post(forge, clock)


# Which pull request


def test_the_pull_request_of_a_fork_is_found_by_its_head(forge: Forge, clock: Clock) -> None:
    forge.pull(6, "a" * 40)
    forge.pull(7, SHA)
    forge.pull(8, SHA, "someone/else")
    forge.pull(9, SHA, None)
    github = GitHub(client_of(forge, clock), "o/r")
    found = Occasion(sha=SHA, head="me:change", head_repository="me/fork")
    assert number_for(github, found) == 7
    assert forge.journal[-1].path == "/repos/o/r/pulls"
    assert number_for(github, replace(found, number=3)) == 3
    assert number_for(github, replace(found, sha="b" * 40)) is None
    assert number_for(github, replace(found, sha="")) is None
    with pytest.raises(PostingError, match=r"3 open pull requests .*\(7, 8, 9\).*--pull-request"):
        number_for(github, Occasion(sha=SHA))


def test_a_pull_request_on_a_late_page_is_found(forge: Forge, clock: Clock) -> None:
    for number in range(1, 251):
        forge.pull(number, f"{number:040x}")
    forge.pull(251, SHA)
    assert number_for(GitHub(client_of(forge, clock), "o/r"), Occasion(sha=SHA)) == 251


def test_the_head_of_a_pull_request(forge: Forge, clock: Clock) -> None:
    forge.pull(7, SHA)
    github = GitHub(client_of(forge, clock), "o/r")
    assert github.sha_of(7) == SHA
    with pytest.raises(PostingError, match="reading the pull request was refused with 404"):
        github.sha_of(8)
    forge.pulls[0]["head"] = None
    with pytest.raises(PostingError, match="pull request 7 has no head commit"):
        github.sha_of(7)


# Enterprise, GitLab, check runs


@pytest.mark.parametrize("prefix", ["", "/api/v3", "/proxy/ghe/api/v3"])
def test_an_enterprise_server_behind_a_path(clock: Clock, prefix: str) -> None:
    with serving(prefix=prefix) as forge:
        for number in range(101):
            forge.say("someone", str(number))
        forge.faults.append(Fault("POST", "graphql", status=502, body=UNICORN))
        client = client_of(forge, clock)
        github = GitHub(client, "o/r")
        if prefix != "/proxy/ghe/api/v3":
            assert github.author() == BOT
        assert post_comment(github, 7, wanted(), waiting(client)).done == "created"
        assert len(forge.comments) == 102


@pytest.mark.parametrize(
    ("api", "path"),
    [
        ("http://127.0.0.1:1", "/graphql"),
        ("http://127.0.0.1:1/api/v3", "/api/graphql"),
        ("http://127.0.0.1:1/ghe/api/v3/", "/ghe/api/graphql"),
    ],
)
def test_where_the_graphql_is(
    api: str, path: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def query(_: Client, path: str, *__: object) -> object:
        asked.append(path)
        return {"data": {"viewer": {"login": "me"}}}

    monkeypatch.setattr(Client, "query", query)
    client = replace_api(api, clock)
    assert GitHub(client, "o/r").author() == "me"
    assert asked == [path]


def replace_api(api: str, clock: Clock) -> Client:
    forge = Forge(url=api)
    return client_of(forge, clock)


@pytest.mark.parametrize(
    "answer", [{"data": {"viewer": {"login": ""}}}, {"errors": [{"message": "x"}]}, [], None]
)
def test_an_unknown_author_is_no_author(forge: Forge, clock: Clock, answer: object) -> None:
    forge.faults.append(Fault("POST", "graphql", status=200, body=answer))
    with pytest.raises(PostingError, match="found no login in the answer"):
        GitHub(client_of(forge, clock), "o/r").author()


def gitlab_of(forge: Forge, clock: Clock) -> GitLab:
    client = Client(
        api=forge.api,
        variable="CI_API_V4_URL",
        credential=gitlab_headers.credential(TOKEN),
        secret=TOKEN,
        limits=Limits(total_seconds=300.0),
        timing=Timing(now=clock.now, elapsed=clock.now, sleep=clock.sleep),
    )
    return GitLab(client, "7")


def test_a_note_on_gitlab(clock: Clock) -> None:
    with serving(prefix="/api/v4") as forge:
        gitlab = gitlab_of(forge, clock)
        for number in range(120):
            forge.say("someone", str(number))
        assert gitlab.author() == GITLAB_BOT
        words = wanted(author=GITLAB_BOT)
        forge.faults.append(Fault("POST", "notes", status=502, body=UNICORN, write=True))
        post_comment(gitlab, 7, words, waiting(gitlab.client))
        assert forge.count("POST", "notes") == 1
        forge.say(GITLAB_BOT, body("twice", 4))
        newer = wanted("more", run=6, author=GITLAB_BOT)
        assert post_comment(gitlab, 7, newer, waiting(gitlab.client)).done == "updated"
        assert forge.bodies()[120:] == [body("more", 6)]
        assert all(request.headers["private-token"] == TOKEN for request in forge.journal)
        assert not any("authorization" in request.headers for request in forge.journal)


def test_the_merge_request_of_a_commit(clock: Clock) -> None:
    with serving(prefix="/api/v4") as forge:
        gitlab = gitlab_of(forge, clock)
        forge.pull(3, SHA)
        forge.pulls[0]["state"] = "closed"
        assert number_for(gitlab, Occasion(sha=SHA)) is None
        forge.pull(7, SHA)
        assert number_for(gitlab, Occasion(sha=SHA)) == 7
        forge.pull(8, SHA)
        with pytest.raises(PostingError, match="2 open pull requests"):
            number_for(gitlab, Occasion(sha=SHA))


@pytest.mark.parametrize(
    ("status", "said", "named"),
    [
        (401, {"message": "401 Unauthorized"}, "scope api into the masked variable GITLAB_TOKEN"),
        (403, {"error": "insufficient_scope"}, "scope api and the role Reporter"),
        (404, {"message": "404 Project Not Found"}, "GITLAB_TOKEN belongs to this project"),
        (410, {"message": "410 Gone"}, "deleted"),
        (400, {"message": {"note": ["is too long"]}}, "too long"),
        (422, {"message": "422 Unprocessable"}, "too long"),
        (451, {"message": "451"}, "legal reasons"),
        (409, {"message": "409"}, "GitLab refused"),
    ],
)
def test_a_refusal_of_gitlab(clock: Clock, status: int, said: object, named: str) -> None:
    with serving(prefix="/api/v4") as forge:
        gitlab = gitlab_of(forge, clock)
        forge.faults.append(Fault("POST", "notes", status=status, body=said))
        with pytest.raises(PostingError, match=f"writing the note was refused with {status}") as e:
            post_comment(gitlab, 7, wanted(author=GITLAB_BOT), waiting(gitlab.client))
        assert named in str(e.value)
        forge.faults.append(Fault("GET", "user", status=200, body={"id": 1}))
        with pytest.raises(PostingError, match="GITLAB_TOKEN belongs"):
            gitlab.author()
        forge.faults.append(Fault("GET", "notes", status=200, body=[{"id": 1}]))
        with pytest.raises(PostingError, match="unknown shape; check CI_API_V4_URL"):
            gitlab.comments(7)


CHECK = CheckRun(
    name="perfkit", sha=SHA, conclusion="neutral", title="t", summary="s", external_id="5.1"
)


def test_a_check_run_is_created_once(forge: Forge, clock: Clock) -> None:
    client = client_of(forge, clock)
    github = GitHub(client, "o/r")
    post_check(github, CHECK, waiting(client))
    (found,) = forge.checks
    assert found == {
        "name": "perfkit",
        "head_sha": SHA,
        "status": "completed",
        "conclusion": "neutral",
        "external_id": "5.1",
        "output": {"title": "t", "summary": "s"},
    }
    again = replace(CHECK, external_id="6.1")
    forge.faults.append(Fault("POST", "check-runs", status=502, body=UNICORN, write=True))
    post_check(github, again, waiting(client))
    assert [one["external_id"] for one in forge.checks] == ["5.1", "6.1"]
    forge.faults.append(Fault("POST", "check-runs", status=None))
    post_check(github, replace(CHECK, external_id="7.1"), waiting(client))
    assert [one["external_id"] for one in forge.checks] == ["5.1", "6.1", "7.1"]
    assert forge.count("POST", "check-runs", accepted=True) == 3


def test_a_check_run_that_may_not_be_created(forge: Forge, clock: Clock) -> None:
    client = client_of(forge, clock)
    forge.read_only = True
    with pytest.raises(PostingError, match=r"creating the check run was refused.*`checks: write`"):
        post_check(GitHub(client, "o/r"), CHECK, waiting(client))
    forge.read_only = False
    forge.faults.extend(Fault("POST", status=502, body=UNICORN) for _ in range(5))
    with pytest.raises(PostingError, match="the server answered 502"):
        post_check(GitHub(client, "o/r"), CHECK, waiting(client))
    assert forge.checks == []
