"""The page of a report: whole in one file, every number in it, and nothing in it acts."""

import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hostile_reports import HOSTILE, reports, row
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.model import (
    BenchmarkId,
    Comparison,
    Interval,
    Report,
    Series,
    Summary,
    Unit,
    Verdict,
)
from perfkit.reporting import report_html as page_module
from perfkit.reporting.plots import (
    MARGIN,
    WIDTH,
    history_plot,
    interval_plot,
    processes_plot,
    ratio_axis,
)
from perfkit.reporting.report_html import report_html

VOID = {"meta", "input"}
CLOSED = {"rect", "path", "circle"}
"""Elements of SVG that the page closes at once."""


class Page(HTMLParser):
    """The elements of a page, which have to be balanced, and the text of each kind."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.texts: dict[str, list[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [f"{key}={value}" for key, value in attrs if key in {"src", "href"}]
        assert not [key for key, _ in attrs if key.startswith("on") or key == "style"], attrs
        if tag not in VOID:
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in CLOSED
        assert {key for key, _ in attrs} <= {*"dxy", "cx", "cy", "r", "class", "width", "height"}
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts[self.open[-1]][-1] += data


def read(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    assert page.fetched == []
    assert page.tags.count("script") == 1
    assert set(page.tags) <= {
        "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "p", "b", "input",
        "main", "table", "thead", "tbody", "tr", "th", "td", "code", "kbd", "small", "details",
        "summary", "ul", "li", "dl", "dt", "dd", "footer", "script", "svg", "div", "span", *CLOSED,
    }  # fmt: skip
    return page


def measured(name: str, base: list[float], head: list[float], verdict: Verdict) -> Comparison:
    def side(values: list[float]) -> Summary:
        middle = sorted(values)[len(values) // 2]
        return Summary(
            median=middle, low=min(values), high=max(values), n=len(values), values=tuple(values)
        )

    return replace(row(name, verdict), base=side(base), head=side(head))


MOVED = measured("x.time_moved", [1.0, 1.1, 1.2], [2.0, 2.1, 2.2], Verdict.REGRESSED)
STILL = replace(measured("x.time_still", [1.0], [1.0], Verdict.UNCHANGED))
PAST = Series(
    name="x.time_moved", group="m", unit=Unit.SECONDS, labels=("a", "b", "c"),
    values=(1.0, math.nan, 1.1),
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(reports)
def test_whatever_things_are_called_the_page_stays_one(report: Report) -> None:
    page = read(report_html(report))
    assert len(page.texts.get("code", [])) == len(report.comparisons)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text(name: str) -> None:
    named = replace(MOVED, benchmark=BenchmarkId(f"a{name}b"), reason=name, warnings=(name,))
    page = read(report_html(Report(command="compare", comparisons=(named,))))
    if name.isprintable() and "::" not in name:
        assert page.texts["code"] == [f"a{name}b"]


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    text = report_html(Report(command="check", comparisons=(MOVED, STILL)), [PAST])
    assert "default-src 'none'" in text
    assert not re.search(r"https?:|@import|url\(|fetch\(|XMLHttpRequest|import\(|\$[a-z{]", text)
    assert "prefers-color-scheme: dark" in text


def test_a_command_in_the_advice_looks_like_one() -> None:
    page = report_html(Report(command="compare", comparisons=(row("a`b`c"),)), {})
    assert "(<kbd>perfkit profile bench:NAME --compare BASE</kbd>)" in page
    assert "<kbd>b</kbd>" not in page


def test_rows_have_their_plots_and_unchanged_ones_are_folded() -> None:
    page = read(report_html(Report(command="check", comparisons=(STILL, MOVED)), [PAST]))
    assert page.texts["code"] == ["x.time_moved", "x.time_still"]
    assert page.texts["summary"] == ["1 unchanged"]
    titles = page.texts["title"][1:]
    assert titles == [
        "x2 [x2, x2], floor 5 %",
        "processes: 3 of base, 3 of head, from 1.000 s to 2.200 s",
        "history: 2 commits, from 1.000 s to 1.100 s, newest 1.100 s (m)",
        "x2 [x2, x2], floor 5 %",
        "processes: 1 of base, 1 of head, from 1.000 s to 1.000 s",
    ]
    assert "history" not in report_html(Report(command="check", comparisons=(MOVED,)), [])
    without = replace(MOVED, base=replace(STILL.base, values=()), head=None)  # type: ignore[type-var]
    assert processes_plot(without) == ""


def test_too_many_rows_lose_their_plots_then_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "PLOTTED_ROWS", 3)
    monkeypatch.setattr(page_module, "LISTED_ROWS", 5)
    rows = tuple(replace(MOVED, benchmark=BenchmarkId(f"x.time_{index}")) for index in range(9))
    page = read(report_html(Report(command="check", comparisons=rows)))
    assert page.tags.count("svg") == 6
    assert page.texts["code"] == [f"x.time_{index}" for index in range(5)]
    assert "and 4 more, which the JSON and the CSV have." in page.texts["p"]


def well_formed(plot: str) -> bool:
    svg = plot[plot.index("<svg") : plot.index("</svg>") + len("</svg>")]
    return ET.fromstring(svg).tag == "svg"  # noqa: S314  # perfkit wrote it


def dots(plot: str, name: str) -> list[float]:
    found = re.search(rf'class="dots {name}" d="([^"]*)"', plot)
    assert found is not None
    return [float(x) for x in re.findall(r"M([\d.]+) ", found[1])]


values = st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=20)


@given(values, values)
def test_dots_lie_in_the_order_of_their_values(base: list[float], head: list[float]) -> None:
    plot = processes_plot(measured("x", base, head, Verdict.REGRESSED))
    assert well_formed(plot)
    places = [*dots(plot, "base"), *dots(plot, "head")]
    assert all(MARGIN <= place <= WIDTH - MARGIN for place in places)
    pairs = sorted(zip([*base, *head], places, strict=True))
    assert [place for _, place in pairs] == sorted(places)


ends = st.sampled_from((-math.inf, 0.0, 1e-300, 0.5, 1.0, 2.0, 1e300, math.inf))


@given(st.tuples(ends, st.floats(1e-6, 1e6), ends))
def test_an_interval_is_drawn_inside_whatever_its_ends(ends: tuple[float, float, float]) -> None:
    low, middle, high = sorted(ends)
    moved = row("x")
    assert moved.shift is not None
    moved = replace(moved, shift=replace(moved.shift, ratio=Interval(low, middle, high, 0.95)))
    axis = ratio_axis([moved])
    plot = interval_plot(moved, axis)
    assert well_formed(plot)
    assert all(0 <= float(x) <= WIDTH for x in re.findall(r"[MLH](-?[\d.]+)", plot))
    assert axis.at(1.0) == WIDTH / 2


def test_a_history_of_one_point_is_none() -> None:
    one = replace(PAST, values=(math.nan, 1.0, math.nan))
    assert history_plot(one) == ""
    flat = replace(PAST, values=(1.0, 1.0, 1.0))
    assert well_formed(history_plot(flat))
