"""Metrics arrive at a real receiver on loopback, which decodes what OTLP says."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from otlp_receiver import Receiver, receiving

from perfkit.config.components import Component
from perfkit.errors import MeasurementError, UsageError
from perfkit.monitoring import metric_names
from perfkit.monitoring.otlp.conventions import DURATIONS, OTHERS
from perfkit.monitoring.otlp.push import Push
from perfkit.monitoring.store_metrics import Totals
from perfkit.runtime.bins import Bins
from perfkit.runtime.windows import ALL_TIME, EventWindow, ValueWindow, Window

NOW = 1_700_049_600
COMPONENTS = (
    Component(name="shop"),
    Component(name="mcp", convention="mcp-server"),
    Component(name="client", convention="mcp-client"),
    Component(name="agent", convention="gen-ai-tool"),
)
BOUNDS = (0.01, 0.25)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture(autouse=True)
def _level_of_their_log() -> Iterator[None]:
    theirs = logging.getLogger("opentelemetry.exporter.otlp.proto.http")
    before = theirs.level
    yield
    theirs.setLevel(before)


def calls(component: str, name: str, *durations: int, errors: int = 0) -> Window:
    bins = Bins(durations).to_bytes()
    ok = len(durations) - errors
    return Window(ALL_TIME, 0, component, name, "{}", ok, errors, 0, sum(durations), 0, bins)


def totals() -> Totals:
    return Totals(
        calls=(
            calls("shop", "sum", 5_000_000, 100_000_000, 2 * 10**9, errors=1),
            *(calls(component, "add", 15_000_000) for component in ("mcp", "client", "agent")),
        ),
        values=(ValueWindow(0, 0, "shop", "words", "{}", 1, 0.5, 0.5, 0.5, 0.5),),
        events=(
            EventWindow(0, 0, "shop", "order", "{}", 3),
            EventWindow(0, 0, "shop", "cache.hit", '{"cache": "prices"}', 2),
        ),
        recent=(
            ValueWindow(NOW, 1, "shop", "words", "{}", 1, 0.5, 0.5, 0.5, 0.5),
            ValueWindow(NOW, 1, "shop", "process.rss_bytes", "{}", 1, 9e6, 9e6, 9e6, 9e6),
        ),
    )


def push(url: str, told: list[str]) -> Push:
    return Push(url, totals, COMPONENTS, BOUNDS, told.append, clock=lambda: NOW)


def attributes(point: object) -> dict[str, str]:
    return {one.key: one.value.string_value for one in point.attributes}  # type: ignore[attr-defined]


def test_a_receiver_gets_every_metric_under_its_conventional_name(receiver: Receiver) -> None:
    told: list[str] = []
    assert push(receiver.url, told).step()
    assert told == []
    (request,) = receiver.requests
    (resource,) = request.resource_metrics
    (scope,) = resource.scope_metrics
    assert scope.scope.name == "perfkit"
    metrics = {metric.name: metric for metric in scope.metrics}
    assert set(metrics) == {
        *("perfkit.call.duration", "mcp.server.operation.duration"),
        *("mcp.client.operation.duration", "gen_ai.execute_tool.duration"),
        *("perfkit.calls", "perfkit.events", "perfkit.cache.events"),
        *("perfkit.value", "perfkit.memory.rss"),
    }
    own = metrics["perfkit.call.duration"]
    (point,) = own.histogram.data_points
    assert (own.unit, point.count, point.sum) == ("s", 3, pytest.approx(2.105))
    assert (list(point.explicit_bounds), list(point.bucket_counts)) == ([0.01, 0.25], [1, 1, 1])
    assert attributes(point) == {"perfkit.component": "shop", "perfkit.call": "sum"}
    assert point.time_unix_nano == NOW * 10**9
    assert (point.HasField("min"), point.HasField("max")) == (False, False)
    assert own.histogram.aggregation_temporality == 2, "cumulative"
    for name in ("mcp.server.operation.duration", "mcp.client.operation.duration"):
        (point,) = metrics[name].histogram.data_points
        found = attributes(point)
        del found["perfkit.component"]
        assert found == {
            "mcp.method.name": "tools/call",
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "add",
        }
        assert list(point.explicit_bounds)[:3] == [0.01, 0.02, 0.05]
        assert list(point.bucket_counts) == [0, 1] + [0] * 13
    (point,) = metrics["gen_ai.execute_tool.duration"].histogram.data_points
    assert attributes(point) == {"perfkit.component": "agent", "gen_ai.tool.name": "add"}
    assert point.explicit_bounds[-1] == 81.92
    counts = {
        (attributes(one)["perfkit.call"], attributes(one)["perfkit.outcome"]): one.as_int
        for one in metrics["perfkit.calls"].sum.data_points
        if attributes(one)["perfkit.component"] == "shop"
    }
    assert counts == {("sum", "ok"): 2, ("sum", "error"): 1, ("sum", "degraded"): 0}
    assert metrics["perfkit.calls"].sum.is_monotonic
    hits = {
        attributes(one)["perfkit.event"]: one.as_int
        for one in metrics["perfkit.cache.events"].sum.data_points
    }
    assert (hits["hit"], hits["miss"]) == (2, 0)
    assert metrics["perfkit.memory.rss"].gauge.data_points[0].as_double == 9e6


def test_a_receiver_that_refuses_is_told_once_until_it_accepts_again(receiver: Receiver) -> None:
    told: list[str] = []
    pushing = push(f"{receiver.url}/v1/metrics", told)
    receiver.status = 400  # not tried again by the exporter
    assert not pushing.step()
    assert not pushing.step()
    receiver.status = 200
    assert pushing.step()
    url = f"{receiver.url}/v1/metrics"
    assert told == [
        f"{url}: did not accept the metrics, or cannot be reached",
        f"{url}: accepts metrics again",
    ]


def test_it_pushes_until_the_end_and_once_more(receiver: Receiver) -> None:
    ended = Event()
    thread = Thread(target=push(receiver.url, []).run, args=(ended, 0.01))
    thread.start()
    while len(receiver.requests) < 2:
        pass
    ended.set()
    thread.join()
    assert len(receiver.requests) >= 3


def test_a_store_that_cannot_be_read_is_told() -> None:
    told: list[str] = []

    def unreadable() -> Totals:
        raise MeasurementError("t.sqlite: no such telemetry store")

    pushing = Push("http://127.0.0.1:9", unreadable, (), BOUNDS, told.append)
    assert not pushing.step()
    assert told == ["http://127.0.0.1:9: t.sqlite: no such telemetry store"]


@pytest.mark.parametrize("url", ["127.0.0.1:4318", "ftp://a", "http://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match=r"--otlp: found '.*', wanted an address such as"):
        Push(url, totals, (), BOUNDS, [].append)


def test_a_missing_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = "opentelemetry.exporter.otlp.proto.http.metric_exporter"
    monkeypatch.setitem(sys.modules, exporter, None)
    with pytest.raises(UsageError, match=r"--otlp needs opentelemetry.*: install perfkit\[otel\]"):
        Push("http://127.0.0.1:9", totals, (), BOUNDS, [].append)


def test_the_page_names_every_metric_and_attribute() -> None:
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
    for one in (*DURATIONS.values(), *OTHERS.values()):
        for name in (one.name, *one.attributes.values(), *one.fixed, *one.fixed.values()):
            assert f"`{name}`" in page
    for convention in filter(None, DURATIONS):
        assert f"`convention: {convention}`" in page
    ours = [
        value
        for value in vars(metric_names).values()
        if isinstance(value, str) and value.startswith("perfkit_")
    ]
    assert len(ours) == 12
    for name in ours:
        assert f"`{name}`" in page
