"""The decision about the comment: marks, policies, plans; a pure function of what is listed."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.forge.check_run import CONCLUSION, SUMMARY_CHARACTERS, UNPROVEN, check_run_of
from perfkit.forge.sticky import (
    BODY_BYTES,
    REMEMBERED,
    Mark,
    Plan,
    Policy,
    Posted,
    Resolved,
    Run,
    Wanted,
    body,
    mark_of,
    may_create,
    plan,
    rows_of,
)
from perfkit.model import (
    BenchmarkId,
    BudgetResult,
    Comparison,
    LeakResult,
    LeakState,
    Report,
    Status,
    Unit,
    Verdict,
)

DIGEST = st.text("0123456789abcdef", min_size=16, max_size=16)
SHA = st.text("0123456789abcdef", max_size=10)
NUMBER = st.integers(0, 10**19)
MARKS = st.builds(
    Mark,
    key=st.from_regex(r"[A-Za-z0-9._-]{1,40}", fullmatch=True),
    run=st.builds(Run, NUMBER, NUMBER),
    open=st.lists(DIGEST, max_size=4).map(tuple),
    resolved=st.lists(st.tuples(DIGEST, SHA), max_size=4).map(tuple),
)


@given(MARKS, st.sampled_from(["", "\n", "\ntext", "\r\ntext"]))
def test_a_mark_reads_as_it_was_written(mark: Mark, rest: str) -> None:
    assert mark_of(f"{mark}{rest}") == mark
    assert "-->" not in str(mark)[:-3]
    for changed in (f"> {mark}{rest}", f" {mark}{rest}", f"\n{mark}{rest}", f"{mark}x{rest}"):
        assert mark_of(changed) is None


def test_a_mark_is_one_line_that_is_not_shown() -> None:
    one, two, three = (letter * 16 for letter in "abc")
    mark = Mark(key="linux-3.13", run=Run(12, 3), open=(one, two), resolved=((three, "12ab"),))
    line = f"<!-- perfkit comment linux-3.13 run=12.3 open={one},{two} resolved={three}:12ab -->"
    assert str(mark) == line
    assert str(Mark(key="p", run=Run(1, 1))) == "<!-- perfkit comment p run=1.1 -->"


@pytest.mark.parametrize(
    "text", ["", "hello", "<!-- perfkit comment p run=1 -->", "<!-- perfkit comment p run=x.1 -->"]
)
def test_what_is_no_mark(text: str) -> None:
    assert mark_of(text) is None


def test_a_damaged_list_of_resolved_rows_is_left_out() -> None:
    one = "e" * 16
    damaged = f"{one}:bb:cc,{one},ee:ff,{one}:ff"
    found = mark_of(f"<!-- perfkit comment p run=1.1 open=aa,{one} resolved={damaged} -->")
    assert found is not None
    assert (found.open, found.resolved) == ((one,), ((one, "ff"),))


def row(name: str, verdict: Verdict, waived: str = "") -> Comparison:
    return Comparison(
        benchmark=BenchmarkId(name, ()), unit=Unit.SECONDS, verdict=verdict, waived=waived
    )


def report(*verdicts: Verdict, **more: object) -> Report:
    rows = tuple(row(f"b{number}", verdict) for number, verdict in enumerate(verdicts))
    return Report(command="check", comparisons=rows, **more)  # type: ignore[arg-type]


ALL = set(Verdict)
BLOCKING = {Verdict.REGRESSED, Verdict.DIFFERENT_WORK, Verdict.FAILED, Verdict.MISSING}


@pytest.mark.parametrize(
    ("policy", "created"),
    [
        ("always", ALL),
        ("on-change", ALL - {Verdict.UNCHANGED, Verdict.INCONCLUSIVE}),
        ("on-regression", BLOCKING),
        ("never", set()),
    ],
)
def test_when_a_first_comment_is_created(policy: Policy, created: set[Verdict]) -> None:
    calm = Verdict.UNCHANGED
    assert {one for one in Verdict if may_create(policy, report(calm, one, calm))} == created


def test_nothing_measured_is_worth_a_comment_and_so_is_a_budget_that_failed() -> None:
    failed = BudgetResult(
        name="b", statistic="p95", limit=1.0, unit=Unit.SECONDS, status=Status.FAILED
    )
    for one in (report(), report(Verdict.UNCHANGED, budgets=(failed,))):
        assert may_create("on-change", one)
        assert may_create("on-regression", one)
        assert not may_create("never", one)


def test_rows_of_every_kind_have_names_of_their_own() -> None:
    budget = BudgetResult(
        name="same", statistic="p95", limit=1.0, unit=Unit.SECONDS, status=Status.FAILED
    )
    leak = LeakResult(target="same", state=LeakState.LEAK, ceiling=1.0, iterations=1)
    slow = row("slow", Verdict.REGRESSED)
    rows = (
        row("same", Verdict.UNCHANGED),
        replace(slow, waived="until May"),
        replace(slow, benchmark=BenchmarkId("flaky"), quarantined="until May"),
    )
    found = Report(command="check", comparisons=rows, budgets=(budget,), leaks=(leak,))
    assert rows_of(found) == {
        "benchmark same": Status.PASSED,
        "budget same": Status.FAILED,
        "leak check same": Status.FAILED,
    }


def wanted(**more: object) -> Wanted:
    values: dict[str, object] = {
        "key": "perfkit", "author": "me", "run": Run(5, 1), "sha": "5" * 40, "rows": {},
        "first": True,
        "render": lambda found, _: " ".join(f"{one.name}@{one.sha}" for one in found),
    }  # fmt: skip
    return Wanted(**(values | more))  # type: ignore[arg-type]


def test_the_plan_for_no_comment_and_for_the_right_one() -> None:
    empty = "<!-- perfkit comment perfkit run=5.1 -->\n"
    assert plan([], wanted()) == Plan(write=empty)
    assert plan([], wanted(first=False)) == Plan(
        why="the policy asks for no comment on this report"
    )
    assert plan([Posted(3, "me", empty)], wanted()) == Plan(keep=3, why="it says the same already")


@pytest.mark.parametrize("kept", ["{}text", "{}text\n", "{}text  \r\n"])
def test_what_a_forge_does_to_line_ends_is_no_change(kept: str) -> None:
    line = "<!-- perfkit comment perfkit run=5.1 -->\r\n"
    text = wanted(render=lambda *_: "text\n")
    assert plan([Posted(3, "me", kept.format(line))], text).write is None
    assert plan([Posted(3, "me", kept.format(f"{line} "))], text).write is not None


def test_of_equal_runs_the_oldest_comment_is_believed() -> None:
    first, second = (
        f"<!-- perfkit comment perfkit run=7.1 -->\n{word}" for word in ("first", "second")
    )
    found = plan([Posted(4, "me", second), Posted(3, "me", first)], wanted())
    assert found == Plan(keep=3, delete=(4,), why="a newer run has written it")


TWINS = ("benchmark 16850", "benchmark 54434")
"""Their SHA-256 digests have the first 32 bits in common."""


def failing(names: list[str]) -> Wanted:
    return wanted(rows=dict.fromkeys(names, Status.FAILED))


def test_what_is_not_measured_any_more_is_remembered_until_it_passes() -> None:
    before = mark_of(body(failing(["a", "b", "c"]), None))
    assert before is not None
    rows = {"a": Status.ERROR, "b": Status.PASSED, "d": Status.FAILED, "e": Status.PASSED}
    text = body(wanted(rows=rows, sha="6" * 40), before)
    assert text.endswith("\nb@6666666666")
    after = mark_of(text)
    assert after is not None
    assert len(after.open) == 3  # a, c and d
    last = body(wanted(rows=dict.fromkeys("abcd", Status.PASSED), sha="7" * 40), after)
    words = last.partition("\n")[2].split()
    assert words[0] == "b@6666666666"
    assert set(words[1:]) == {"a@7777777777", "c@7777777777", "d@7777777777"}


def test_the_first_line_stays_short_whatever_fails() -> None:
    names = [f"benchmark {number}" for number in range(REMEMBERED * 20)]
    before = mark_of(body(failing(names), None))
    assert before is not None
    assert len(before.open) == REMEMBERED
    passed = wanted(rows=dict.fromkeys(names, Status.PASSED))
    text = body(passed, before)
    after = mark_of(text)
    assert after is not None
    assert len(after.resolved) == REMEMBERED
    many = Mark(
        key="p",
        run=Run(1, 1),
        resolved=tuple((digest, "0" * 10) for digest, _ in after.resolved),
        open=before.open,
    )
    again = mark_of(body(passed, many))
    assert again is not None
    assert len(again.resolved) == REMEMBERED
    assert max(len(str(one)) for one in (before, after, many)) < 5000


def test_two_rows_whose_digests_begin_alike_are_two_rows() -> None:
    gone, passing = TWINS
    assert len({sha256(name.encode()).hexdigest()[:8] for name in TWINS}) == 1
    before = mark_of(body(failing([gone]), None))
    text = body(wanted(rows={passing: Status.PASSED}), before)
    after = mark_of(text)
    assert before is not None
    assert after is not None
    assert (after.open, after.resolved) == (before.open, ())
    assert text.endswith("-->\n")


def test_the_text_is_told_what_room_the_first_line_leaves() -> None:
    rooms: list[int] = []

    def rendered(_: Sequence[Resolved], room: int) -> str:
        rooms.append(room)
        return "x" * room

    for count in (0, REMEMBERED):
        rows = dict.fromkeys(map(str, range(count)), Status.FAILED)
        text = body(wanted(rows=rows, render=rendered), None)
        assert len(text.encode()) == BODY_BYTES
    assert BODY_BYTES - 100 < rooms[0] < BODY_BYTES
    assert BODY_BYTES - 5000 < rooms[1] < rooms[0] - REMEMBERED * 16


@given(st.dictionaries(st.text(max_size=5), st.sampled_from(Status), max_size=6), MARKS)
def test_a_body_written_again_is_the_same(rows: dict[str, Status], before: Mark) -> None:
    text = wanted(rows=rows)
    once = body(text, before)
    assert body(text, mark_of(once)) == once


@pytest.mark.parametrize(
    ("verdict", "conclusion"),
    [
        (Verdict.UNCHANGED, "success"),
        (Verdict.REGRESSED, "failure"),
        (Verdict.INCONCLUSIVE, "neutral"),
        (Verdict.MISSING, "failure"),
    ],
)
def test_the_conclusion_of_a_check_run(verdict: Verdict, conclusion: str) -> None:
    found = report(verdict)
    check = check_run_of(
        found, name="p", sha="a" * 40, run=Run(5, 2), title="t", summary="x" * SUMMARY_CHARACTERS
    )
    assert check.conclusion == conclusion
    assert (check.external_id, check.name, check.sha, check.title) == ("5.2", "p", "a" * 40, "t")
    assert check.summary == "x" * SUMMARY_CHARACTERS
    assert check.values()["conclusion"] == conclusion
    stopped = replace(found, interrupted=True)
    long = "x" * (SUMMARY_CHARACTERS + 1)
    check = check_run_of(stopped, name="p", sha="", run=None, title="t", summary=long)
    assert (check.conclusion, check.summary, check.external_id) == ("cancelled", "t", "0.0")


@pytest.mark.parametrize("verdict", [Verdict.UNCHANGED, Verdict.REGRESSED, Verdict.MISSING])
def test_a_report_that_a_fork_could_have_written_is_never_a_success(verdict: Verdict) -> None:
    facts = {"name": "p", "sha": "", "run": None, "title": "t", "summary": "s"}
    told = check_run_of(report(verdict), **facts, proven=False)  # type: ignore[arg-type]
    if verdict is Verdict.UNCHANGED:
        assert (told.conclusion, told.title) == ("neutral", "Not proven: t")
        assert told.summary == f"{UNPROVEN}\n\ns"
    else:
        assert (told.conclusion, told.title, told.summary) == ("failure", "t", "s")


def test_a_name_that_is_no_text_has_a_digest_as_well() -> None:
    text = body(failing(["a\udce9"]), None)
    assert mark_of(text) is not None


def test_the_policy_never_asks_for_no_comment_even_on_a_regression() -> None:
    assert may_create("never", report(Verdict.REGRESSED)) is False


def test_every_status_has_a_conclusion() -> None:
    assert set(CONCLUSION) == set(Status)


def test_the_plan_reads_what_the_comment_remembers() -> None:
    before = Posted(3, "me", body(failing(["a"]), None))
    found = plan([before], wanted(rows={"a": Status.PASSED}))
    assert found.keep == 3
    assert (found.write or "").endswith("\na@5555555555")


def test_line_ends_of_the_text_itself_are_no_change_either() -> None:
    line = "<!-- perfkit comment perfkit run=5.1 -->"
    text = wanted(render=lambda *_: "a\r\nb\r\n")
    assert plan([Posted(3, "me", f"{line}\na\nb")], text).write is None
