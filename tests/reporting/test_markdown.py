"""The comment, read by a CommonMark parser with tables, as a forge would show it."""

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hostile_reports import HOSTILE, reports, row
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from perfkit.model import (
    BenchmarkId,
    Report,
    Verdict,
)
from perfkit.reporting.alike import folded
from perfkit.reporting.inert import inert, inert_sentence
from perfkit.reporting.markdown import COMMENT_BYTES, MARK, OPEN_ROWS, report_markdown

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

OURS = {
    "p", "strong", "code", "br", "sub", "details", "summary", "ul", "li", "table", "thead", "tbody",
    "tr", "th", "td",
}  # fmt: skip

ACTED_ON = re.compile(
    r"@[\w\"]|#\w|[!~%$^]\w|\bGH-\d|://|\bwww\.\S|:[\w+-]+:|\[\w+:|[\u202a-\u202e\u2066-\u2069\x1b]",
    re.IGNORECASE,
)
"""What GitHub or GitLab would make something of, where it is not inside code."""


class Page(HTMLParser):
    """The tags of rendered Markdown, which have to be balanced, and its text outside of code."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.words = ""
        self.codes: list[str] = []
        self.cells = [0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert all(key == "style" and tag in {"td", "th"} for key, _ in attrs), (tag, attrs)
        self.tags[tag] += 1
        if tag == "tr":
            self.cells.append(0)
        if tag in {"td", "th"}:
            self.cells[-1] += 1
        if tag == "code":
            self.codes.append("")
        if tag != "br":
            self.open.append(tag)
        self.words += "\n"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "code" in self.open:
            self.codes[-1] += data
        else:
            self.words += data

    def handle_comment(self, data: str) -> None:
        pytest.fail(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        pytest.fail(f"a declaration: {decl}")


def read(text: str) -> Page:
    page = Page()
    page.feed(PARSER.render(text))
    page.close()
    assert page.open == []
    assert set(page.tags) <= OURS
    assert set(page.cells[1:]) <= {6}
    assert not (found := ACTED_ON.search(page.words)), found
    return page


@settings(max_examples=60, deadline=None)
@given(reports)
def test_whatever_things_are_called_nothing_of_it_acts(report: Report) -> None:
    text = report_markdown(report)
    assert len(text.encode(errors="strict")) <= COMMENT_BYTES
    page = read(text)
    if page.tags["table"]:
        assert page.tags["tr"] - page.tags["table"] == len(folded(report.comparisons))


@pytest.mark.parametrize("name", [name for name in HOSTILE if not name.isspace()])
def test_a_name_is_shown_as_code_and_a_sentence_keeps_its_letters(name: str) -> None:
    page = read(f"- {inert(f'a{name}b')} {inert_sentence(f'c{name}d')}\n")
    (shown,) = page.codes
    assert shown.startswith("a")
    assert shown.endswith("b")
    if name.isprintable() and "::" not in name:
        assert shown == f"a{name}b"
        assert f"c{name}d" in page.words.replace("\u200b", "")


def test_code_points_that_cannot_be_seen_are_shown() -> None:
    assert inert("a\u202eb") == "<code>a&#92;u202eb</code>"
    assert inert("अ") == "<code>अ</code>"
    assert inert("x" * 1000) == f"<code>{'x' * 199}…{'x' * 100}</code>"


def marks(text: str) -> Counter[str]:
    return Counter(re.findall(r"^\| (\S+) [a-z ]+ \|", text, re.MULTILINE))


WORST = "&" * 150 + "\u202e" * 150


# Without shrinking, which takes minutes here: the numbers themselves say where to look.
@settings(max_examples=12, deadline=None, phases=[Phase.generate])
@given(
    st.lists(st.sampled_from((("a" * 300), WORST, "short")), min_size=3, max_size=3),
    st.tuples(st.integers(0, 400), st.integers(0, 400), st.integers(0, 400)),
    st.integers(6_000, COMMENT_BYTES),
)
def test_too_much_loses_what_matters_least_and_counts_it(
    names: list[str], numbers: tuple[int, int, int], limit: int
) -> None:
    verdicts = (Verdict.REGRESSED, Verdict.IMPROVED, Verdict.UNCHANGED)
    report = Report(
        command="compare",
        comparisons=tuple(
            row(f"{index}{name}", verdict, 1.0 if verdict is Verdict.UNCHANGED else 2 + index)
            for verdict, name, number in zip(verdicts, names, numbers, strict=True)
            for index in range(number)
        ),
    )
    text = report_markdown(report, limit=limit)
    assert len(text.encode()) <= limit
    read(text)
    shown = [marks(text)[MARK[verdict]] for verdict in verdicts]
    for kept, number, after in zip(shown, numbers, (*shown[1:], 0), strict=True):
        assert kept <= number
        assert kept == number or after == 0, "something stays while what matters more is left out"
    if not numbers[0] and not numbers[1]:
        return  # one line or none
    missing = sum(numbers) - sum(shown)
    said = sum(int(n) for n in re.findall(r"^and (\d+) more$", text, re.MULTILINE))
    said += sum(int(n) for n in re.findall(r"^(\d+) .*, not listed here\.$", text, re.MULTILINE))
    assert said == missing
    places = [int(n) for n in re.findall(r"^\| 🔴 regressed \| <code>(\d+)", text, re.MULTILINE)]
    assert places == list(reversed(range(numbers[0])))[: shown[0]], "the largest change comes first"


def test_fifty_thousand_regressions_are_a_comment() -> None:
    one = row("x")
    many = tuple(
        replace(one, benchmark=BenchmarkId(f"{index:05}{'n' * 295}")) for index in range(50_000)
    )
    text = report_markdown(Report(command="compare", comparisons=many))
    assert COMMENT_BYTES - 3_000 < len(text.encode()) <= COMMENT_BYTES
    assert len(text) <= 65_536
    shown = marks(text)["🔴"]
    assert shown > 100
    assert f"\nand {50_000 - shown} more\n" in text
    read(text)


def test_more_rows_than_the_open_table_has_are_folded_and_counted() -> None:
    many = tuple(row(f"suite.time_{index}") for index in range(13))
    text = report_markdown(Report(command="compare", comparisons=(*many, row("u", Verdict.NEW))))
    above, _, below = text.partition("<details><summary>3 more changed</summary>")
    assert (marks(above)["🔴"], marks(below)["🔴"]) == (OPEN_ROWS, 3)
    assert "<details><summary>1 new</summary>" in below
    # Equal changes come in the order of the numbers in their names.
    names = [code for code in read(text).codes if code.startswith("suite.")]
    assert names[1:] == [f"suite.time_{index}" for index in range(13)]


def test_nothing_changed_is_one_line() -> None:
    quiet = Report(command="compare", comparisons=(row("a", Verdict.UNCHANGED, 1.0),) * 2, rounds=6)
    text = report_markdown(quiet)
    assert text.count("\n") == 1
    assert text.startswith("**perfkit** Passed: all 2 benchmarks unchanged. <sub>")
    for said in (
        replace(quiet, warnings=("doubt",)),
        replace(quiet, interrupted=True),
        replace(quiet, comparisons=(*quiet.comparisons, row("b", Verdict.NEW))),
        replace(quiet, comparisons=(*quiet.comparisons, row("b", Verdict.INCONCLUSIVE))),
        replace(quiet, comparisons=(*quiet.comparisons, replace(row("b"), waived="known"))),
    ):
        assert report_markdown(said).count("\n") > 1


def test_many_notes_under_one_row_are_cut_and_counted() -> None:
    noted = replace(row("a"), warnings=tuple(f"note {index}" for index in range(12)))
    text = report_markdown(Report(command="compare", comparisons=(noted,)))
    assert "note 7<br>and 4 more |" in text
