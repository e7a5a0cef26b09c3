"""The page of a history: whole in one file, and its data are the history's."""

import base64
import json
import math
import re
from array import array
from html.parser import HTMLParser

from perfkit.model import Commit, Series, Unit
from perfkit.reporting.history_html import history_html
from perfkit.stats.history import History, history_of

LABELS = tuple(f"{index:040x}" for index in range(60))
VALUES = tuple((1.0 if index < 30 else 1.4) + 0.01 * (index * 7 % 5) for index in range(60))


def history(name: str = "x.time_one") -> History:
    series = Series(
        name=name,
        group="m",
        unit=Unit.SECONDS,
        labels=LABELS,
        values=(math.nan, *VALUES[1:-1], 1e300),
    )
    found = history_of([series], alpha=0.01, min_effect=0.01)
    commits = {label: Commit(date=0, subject="</script><b>&") for label in LABELS}
    return History(trends=found.trends, events=found.events, commits=commits)


class Parts(HTMLParser):
    """Collects what a browser would fetch, and the text of the data."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.data = ""
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.fetched += [str(given[key]) for key in ("src", "href", "srcset") if key in given]
        self._inside = given.get("type") == "application/json"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.data += data


def parsed(page: str) -> Parts:
    parts = Parts()
    parts.feed(page)
    return parts


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    page = history_html(history())
    assert parsed(page).fetched == []
    assert "default-src 'none'" in page
    assert not re.search(r"https?:|@import|url\(|fetch\(|XMLHttpRequest|import\(", page)


def test_the_data_are_those_of_the_history() -> None:
    found = history()
    data = json.loads(parsed(history_html(found)).data)
    (series,) = data["series"]
    numbers = array("f", base64.b64decode(series["values"]))
    assert len(numbers) == 60
    assert math.isnan(numbers[0])
    assert math.isnan(numbers[-1])  # beyond what 32 bits hold
    assert all(
        math.isclose(one, other, rel_tol=1e-6)
        for one, other in zip(numbers[1:-1], VALUES[1:-1], strict=True)
    )
    (change,) = series["changes"]
    assert change["index"] == 30
    assert [event["first"] for event in data["events"]] == [30]
    assert data["points"][3] == [LABELS[3], "1970-01-01", "</script><b>&"]


def test_no_text_of_a_commit_becomes_markup() -> None:
    page = history_html(history("</script><script>alert(1)</script>"))
    plain = history_html(history())
    assert parsed(page).tags == parsed(plain).tags
    assert "b" not in parsed(page).tags
