"""A dashboard for the terminal and as a page.

`python tests/reporting/test_dashboard.py` writes the golden files anew; read what changed before
keeping it.
"""

import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from perfkit.model.dashboard import (
    AlertRow,
    CacheRow,
    CallRow,
    ComponentRow,
    Dashboard,
    Durations,
    EventRow,
    GuardRow,
    ObjectiveRow,
    Timeline,
    Traffic,
    ValueRow,
)
from perfkit.reporting import dashboard_words as words
from perfkit.reporting.dashboard_html import dashboard_body, dashboard_html
from perfkit.reporting.dashboard_text import _head_style, dashboard_text
from perfkit.reporting.time_plot import Line, TimeAxis, time_plot

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = '<img src=x onerror=alert(1)> "quoted"\n\x1b[31m\u202e'

TIMELINE = Timeline(
    step=5,
    starts=(100, 105, 110, 115),
    rate=(0.0, 10.0, 40.0, 20.0),
    bad_ratio=(None, 0.0, 0.02, 0.1),
    p50=(None, 0.001, 0.001, 0.002),
    p95=(None, 0.002, 0.003, 0.004),
    p99=(None, 0.003, None, 0.0123),
    hit_ratio=(None, 0.5, 0.75, 0.9),
    in_use=(None, None, 0.4, 1.0),
    memory=(None, 20.0 * 2**20, 21.0 * 2**20, 21.5 * 2**20),
)
NOTHING = Traffic(
    calls=0, errors=0, degraded=0, rate=0.0, error_ratio=None, degraded_ratio=None, durations=None
)
TRAFFIC = Traffic(
    calls=1234,
    errors=12,
    degraded=3,
    rate=61.7,
    error_ratio=12 / 1234,
    degraded_ratio=3 / 1234,
    durations=Durations(0.00123, 0.0456, 0.789, 12.3),
)
SHOP = ComponentRow(
    name="shop",
    why="sums of orders",
    state="firing",
    traffic=TRAFFIC,
    last_seen=119.0,
    in_use=1.0,
    memory=21.5 * 2**20,
    memory_peak=22.0 * 2**20,
    hit_ratio=0.876,
    calls=(CallRow("price", TRAFFIC), CallRow(HOSTILE, replace(TRAFFIC, rate=0.0123))),
    guards=(
        GuardRow(
            name="warehouse",
            breaker="open",
            in_use=1.0,
            in_use_peak=1.0,
            decisions={"breaker_open": 1, "shed": 1200, "retry": 0},
        ),
    ),
    caches=(
        CacheRow(name="catalogue", hits=3163, misses=264, stale=12, evictions=0, hit_ratio=0.92),
    ),
    values=(
        ValueRow(
            name="recognised",
            labels={"language": "hi"},
            count=20,
            mean=0.91,
            least=0.9,
            largest=0.97,
            last=0.93,
            minimum=0.95,
            means=(None, 0.9, 0.97, 0.93),
        ),
    ),
    events=(EventRow("order", 3557),),
    timeline=TIMELINE,
    left_out=7,
)
EMPTY = ComponentRow(
    name="mcp",
    why="",
    state="no data",
    traffic=NOTHING,
    last_seen=None,
    in_use=None,
    memory=None,
    memory_peak=None,
    hit_ratio=None,
    calls=(),
    guards=(),
    caches=(),
    values=(),
    events=(),
    timeline=replace(
        TIMELINE,
        rate=(0.0,) * 4,
        **dict.fromkeys(
            ("bad_ratio", "p50", "p95", "p99", "hit_ratio", "in_use", "memory"), (None,) * 4
        ),
    ),
    left_out=0,
)
SHOWN = Dashboard(
    at=120.5,
    since=60.0,
    resolution=1,
    store=".perfkit/telemetry.sqlite",
    components=(
        SHOP,
        EMPTY,
        replace(EMPTY, name="text", state="ok", traffic=TRAFFIC, last_seen=70.0),
    ),
    objectives=(
        ObjectiveRow(
            name="sums answered",
            component="shop",
            call=None,
            target=0.999,
            within=None,
            window=2592000.0,
            state="exceeded",
            total=1234,
            bad=15,
            budget_left=-11.16,
            burn=12.16,
            burn_hour=3.0,
            note="calls of the last 20 minutes only",
            why="a page without its sum is of no use",
        ),
    ),
    alerts=(
        AlertRow(
            name="SumsFail",
            state="firing",
            severity="page",
            component="shop",
            call="price",
            summary="shop: more than 0.5% of calls failed over 5min, which somebody should see",
            why="look at the last change",
            since=50.0,
            muted=None,
        ),
        AlertRow(
            name="MemoryGrows",
            state="firing",
            severity="ticket",
            component="shop",
            call=None,
            summary="shop: memory grows",
            why="",
            since=119.0,
            muted="silenced by you: known",
        ),
        AlertRow(
            name="Slow",
            state="pending",
            severity="ticket",
            component="shop",
            call=None,
            summary="shop: p95 is above 40ms",
            why="",
            since=100.0,
            muted=None,
        ),
    ),
    notes=("runtime.lost, 3 times: recorded calls were lost",),
)
HEALTHY = replace(
    SHOWN,
    components=(replace(SHOP, state="ok"),),
    objectives=(),
    alerts=(),
    notes=(),
)


def printed(shown: Dashboard, columns: int, *, live: bool = False) -> str:
    console = Console(width=columns, file=io.StringIO(), highlight=False, emoji=False, record=True)
    console.print(dashboard_text(shown, columns=columns, live=live))
    lines = console.export_text().splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)


def goldens() -> dict[str, str]:
    return {
        "dashboard_80.txt": printed(SHOWN, 80),
        "dashboard_120.txt": printed(SHOWN, 120),
        "dashboard_live.txt": printed(SHOWN, 80, live=True),
        "dashboard_body.html": f"{dashboard_body(SHOWN)}\n",
    }


@pytest.mark.parametrize("name", goldens())
def test_what_people_see_is_as_recorded(name: str) -> None:
    assert goldens()[name] == (GOLDEN / name).read_text(encoding="utf-8")


def test_80_columns_are_enough_for_every_figure() -> None:
    figures = next(line for line in printed(SHOWN, 80).splitlines() if line.startswith("✗ shop"))
    cells = (
        "61.7/s",
        "1.0 %",
        "0.2 %",
        "1.23 ms",
        "45.6 ms",
        "789 ms",
        "100 %",
        "88 %",
        "21.5 MiB",
    )
    assert re.split(r" +(?=[\d.]+[ /])", figures.removeprefix("✗ shop").lstrip()) == list(cells)
    assert all(len(line) <= 80 for line in printed(SHOWN, 80).splitlines())


@pytest.mark.parametrize(
    ("shown", "head"),
    [
        (SHOWN, "Failing: 1 firing, 1 muted, 1 pending, 1 no data, 1 of 1 objectives exceeded"),
        (HEALTHY, "No alert fires"),
        (replace(HEALTHY, components=(EMPTY,)), "Nothing was measured: 1 no data"),
        (replace(HEALTHY, components=()), "Nothing was measured"),
        (
            replace(HEALTHY, components=(replace(SHOP, state="unwatched"),)),
            "Nothing watches these components",
        ),
        (
            replace(HEALTHY, components=(replace(SHOP, state="breaker open"),)),
            "No alert fires: 1 breaker open",
        ),
        (
            replace(HEALTHY, objectives=(replace(SHOWN.objectives[0], state="inconclusive"),)),
            "No alert fires: 1 of 1 objectives inconclusive",
        ),
    ],
)
def test_the_headline_says_the_worst_first(shown: Dashboard, head: str) -> None:
    assert words.headline(shown) == head


@pytest.mark.parametrize(
    ("shown", "standing", "style"),
    [
        (SHOWN, "failing", "bold red"),
        (HEALTHY, "fine", "bold green"),
        (replace(HEALTHY, components=()), "nothing", "bold magenta"),
        (
            replace(HEALTHY, components=(replace(SHOP, state="unwatched"),)),
            "nothing",
            "bold magenta",
        ),
    ],
)
def test_only_what_is_watched_looks_well(shown: Dashboard, standing: str, style: str) -> None:
    assert f'<header class="{standing}">' in dashboard_body(shown)
    assert _head_style(shown) == style


class Page(HTMLParser):
    """The tags of a page, and whatever asks somebody for something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.asked: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.asked += [name for name, _ in attrs if name in {"src", "href", "srcset", "action"}]
        self.asked += [name for name, _ in attrs if name.startswith("on")]


def test_a_page_asks_nobody_and_names_are_inert() -> None:
    hostile = replace(
        SHOWN,
        store=HOSTILE,
        notes=(HOSTILE,),
        components=(
            replace(
                SHOP,
                name=HOSTILE,
                why=HOSTILE,
                guards=(replace(SHOP.guards[0], name=HOSTILE, decisions={HOSTILE: 1}),),
                caches=(replace(SHOP.caches[0], name=HOSTILE),),
                values=(replace(SHOP.values[0], name=HOSTILE, labels={HOSTILE: HOSTILE}),),
                events=(EventRow(HOSTILE, 1),),
            ),
        ),
        objectives=(replace(SHOWN.objectives[0], name=HOSTILE, note=HOSTILE, why=HOSTILE),),
        alerts=(replace(SHOWN.alerts[0], name=HOSTILE, severity=HOSTILE, why=HOSTILE),),
    )
    text = dashboard_html(hostile)
    page = Page(text)
    assert not page.asked
    assert not page.tags & {"img", "script", "link", "iframe", "object", "form", "base"}
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt;") >= 15
    drawn = printed(hostile, 100)
    assert "\x1b" not in drawn
    assert "\u202e" not in drawn


def test_a_live_page_may_run_its_own_program_only() -> None:
    page = dashboard_html(SHOWN, script="run()", refresh=5)
    # openssl dgst -sha256 -binary | base64, of run()
    assert "script-src 'sha256-AvyuiL0SD1mVY3NNxR+V2uo+lhk6RMFrytWmRt6CrJQ='" in page
    assert "connect-src 'self'" in page
    assert "<script>run()</script>" in page
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page
    assert dashboard_body(SHOWN) in page


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (words.seconds(None), "-"),
        (words.seconds(0.0), "0 ns"),
        (words.seconds(0.000_000_250), "250 ns"),
        (words.seconds(0.000_012_34), "12.3 us"),
        (words.seconds(0.999_6), "1 s"),
        (words.seconds(63.0), "63.0 s"),
        (words.size(0.0), "0 B"),
        (words.size(1023.9), "1 KiB"),
        (words.size(5.25 * 2**30), "5.25 GiB"),
        (words.percent(None), "-"),
        (words.percent(0.0), "0 %"),
        (words.percent(0.0004), "0.04 %"),
        (words.percent(0.00123), "0.1 %"),
        (words.percent(0.5), "50 %"),
        (words.percent(-11.16), "-1116 %"),
        (words.rate(0.004), "0.004/s"),
        (words.rate(9_999.0), "9999/s"),
        (words.rate(12_340.0), "12.3k/s"),
        (words.rate(2.5e7), "25.0M/s"),
        (words.number(0.95), "0.95"),
        (words.window_words(replace(SHOWN, since=120.5 - 90000, resolution=3600)),
         "1969-12-30 23:02:00 to 1970-01-01 00:02:00 UTC, by hour"),
    ],
)  # fmt: skip
def test_figures_have_three_digits_and_a_unit(shown: str, text: str) -> None:
    assert shown == text


AXIS = TimeAxis((0, 5, 10), 5, words.clock)


def test_a_plot_without_any_value_is_none() -> None:
    assert time_plot("rate", AXIS, [Line("calls", (None, None, None))], words.number) == ""
    assert time_plot("rate", AXIS, [], words.number) == ""


def test_a_gap_is_a_gap_and_a_lone_value_a_dot() -> None:
    drawn = time_plot("rate", AXIS, [Line("calls", (1.0, None, 2.0))], words.number)
    (path,) = re.findall(r'class="line calls" d="([^"]*)"', drawn)
    assert path.count("M") == 2
    assert path.count("h0.1") == 2


def test_axes_end_at_round_numbers() -> None:
    def ends(values: tuple[float, ...], **given: bool) -> list[str]:
        say = words.size if given.get("binary") else words.number
        drawn = time_plot("value", AXIS, [Line("value", values)], say, **given)
        return re.findall(r'class="up"[^>]*>([^<]*)<', drawn)

    assert ends((3.0, 17.0, 8.0)) == ["0", "10", "20"]
    assert ends((21.5 * 2**20,) * 3, binary=True) == ["0", "25.0 MiB", "50.0 MiB"]
    assert ends((0.93, 0.97, 0.95), zero=False) == ["0.9", "0.95", "1"]
    assert ends((-1.0, 1.0, 0.0), zero=False) == ["-2", "0.5", "3"]
    assert ends((0.0, 0.0, 0.0)) == ["0", "5e-10", "1e-09"]


@given(
    st.lists(
        st.none() | st.floats(-1e12, 1e12, allow_nan=False, allow_infinity=False),
        min_size=1,
        max_size=8,
    ),
    st.booleans(),
    st.booleans(),
)
def test_every_point_lies_inside_its_plot(
    values: list[float | None], zero: bool, binary: bool
) -> None:
    axis = TimeAxis(tuple(range(len(values))), 1, words.clock)
    drawn = time_plot("v", axis, [Line("v", values)], words.number, zero=zero, binary=binary)
    points = re.findall(
        r"[ML]([-\d.]+) ([-\d.]+)", "".join(re.findall(r'line v" d="([^"]*)', drawn))
    )
    assert len(points) == sum(value is not None for value in values)
    assert all(0 <= float(x) <= 420 and 0 <= float(y) <= 120 for x, y in points)


if __name__ == "__main__":
    for file, content in goldens().items():
        (GOLDEN / file).write_text(content, encoding="utf-8")
