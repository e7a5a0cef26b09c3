import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from production_settings import example
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_prometheus

from perfkit.monitoring import metric_names as names
from perfkit.monitoring import store_metrics
from perfkit.monitoring.export.files import files_for
from perfkit.monitoring.exposition import (
    OPENMETRICS,
    PROMETHEUS,
    Family,
    Sample,
    openmetrics_text,
    prometheus_text,
    wanted_format,
)
from perfkit.monitoring.store_metrics import families, read_totals
from perfkit.monitoring.store_telemetry import StoreTelemetry
from perfkit.monitoring.telemetry import Selector
from perfkit.runtime.batch import Batch
from perfkit.runtime.bins import Bins
from perfkit.runtime.storable import labels_text
from perfkit.runtime.store import Store
from perfkit.runtime.windows import Calls, Key, Values

NOW = 1_700_049_600
DAY = 86_400
BOUNDS = (0.01, 0.25, 1.0)
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def calls(*durations: int, errors: int = 0, degraded: int = 0) -> Calls:
    ok = len(durations) - errors - degraded
    return Calls(ok, errors, degraded, sum(durations), max(durations), Bins(durations))


def parsed(text: str, *, openmetrics: bool = False) -> Samples:
    """What prometheus_client reads back: (name, labels) -> value; each has to be there once."""
    read = parse_openmetrics if openmetrics else parse_prometheus
    found = [one for family in read(text) for one in family.samples]
    values = {(one.name, frozenset(one.labels.items())): one.value for one in found}
    assert len(values) == len(found)
    return values


def exposed(store: Store, at: float = NOW + 30, bounds: Sequence[float] = BOUNDS) -> Samples:
    made = families(read_totals(store, at), bounds)
    values = parsed(prometheus_text(made))
    assert parsed(openmetrics_text(made), openmetrics=True) == values
    return values


def one(found: Samples, name: str, /, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBER = st.floats(min_value=0, allow_nan=False) | st.integers(0, 2**63)


@bounded(max_examples=60)
@given(
    st.dictionaries(st.tuples(TEXT, TEXT), st.tuples(NUMBER, NUMBER), max_size=5),
    TEXT,
)
def test_every_text_reads_back_as_it_was(
    values: dict[tuple[str, str], tuple[float, float]], help_: str
) -> None:
    def samples(index: int) -> list[Sample]:
        return [
            Sample((("component", a), ("name", b)), both[index]) for (a, b), both in values.items()
        ]

    made = (
        Family("perfkit_calls_total", "counter", help_, samples(0)),
        Family("perfkit_memory_bytes", "gauge", help_, samples(1), unit="bytes"),
    )
    wanted = {
        (family.name, frozenset(sample.labels)): sample.value
        for family in made
        for sample in family.samples
    }
    assert parsed(prometheus_text(made)) == wanted
    assert parsed(openmetrics_text(made), openmetrics=True) == wanted


def test_numbers_that_are_none_are_spelled_as_the_formats_do() -> None:
    samples = [Sample((("a", str(v)),), v) for v in (math.inf, -math.inf, math.nan, 0.1, 3)]
    text = prometheus_text([Family("perfkit_x", "gauge", "x", samples)])
    assert re.findall(r"\} (.*)", text) == ["+Inf", "-Inf", "NaN", "0.1", "3"]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", PROMETHEUS),
        ("*/*", PROMETHEUS),
        ("text/html,*/*;q=0.8", PROMETHEUS),
        ("application/openmetrics-text", OPENMETRICS),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", OPENMETRICS),
        ("application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1", OPENMETRICS),
        ("application/openmetrics-text;version=1.0.0;q=0.2,text/plain;q=0.3", PROMETHEUS),
        ("application/openmetrics-text;version=0.0.1", PROMETHEUS),
        ("application/openmetrics-text;q=0", PROMETHEUS),
        ("application/openmetrics-text;q=much", PROMETHEUS),
    ],
)
def test_the_format_is_the_one_that_is_preferred(accept: str, kind: str) -> None:
    assert wanted_format(accept) == kind


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.sqlite"


def test_calls_are_counted_over_their_labels_and_failures_begin_at_zero(path: Path) -> None:
    with Store(path) as store:
        for country, more in (("in", 0), ("de", 1)):
            key = Key("shop", 'say "hi"\\\n', labels_text({"country": country}))
            store.add(Batch(NOW, {key: calls(5_000_000, 200_000_000, 3 * 10**9, degraded=more)}))
        found = exposed(store)
    about = {"component": "shop", "name": 'say "hi"\\\n'}
    outcomes = {o: one(found, names.CALLS, **about, outcome=o) for o in ("ok", "error", "degraded")}
    assert outcomes == {"ok": 5, "error": 0, "degraded": 1}
    buckets = {
        le: one(found, f"{names.DURATION}_bucket", **about, le=le)
        for le in ("0.01", "0.25", "1.0", "+Inf")
    }
    assert buckets == {"0.01": 2, "0.25": 4, "1.0": 4, "+Inf": 6}
    assert one(found, f"{names.DURATION}_count", **about) == 6
    assert one(found, f"{names.DURATION}_sum", **about) == pytest.approx(6.41)


def test_counters_fall_neither_with_retention_nor_with_a_full_store_nor_with_a_restart(
    path: Path,
) -> None:
    key = Key("shop", "sum")
    now = [float(NOW)]
    before: Samples = {}
    for days in range(0, 900, 100):
        now[0] = NOW + days * DAY
        bound = 2**29 if days % 200 else 1  # where it is full, everything old is dropped at once
        with Store(path, clock=lambda: now[0], max_bytes=bound) as store:
            batch = Batch(int(now[0]), {key: calls(10**6, errors=1)}, {key: Values(1, 2, 2, 2, 2)})
            batch.events[key] = 1
            store.add(batch)
            store.prune()
        with Store(path, read_only=True) as store:
            found = exposed(store, now[0])
            assert len(list(store.windows(resolution=3600))) < 6, "old hours are gone"
        assert all(found[series] >= value for series, value in before.items())
        before = {
            k: v for k, v in found.items() if k[0].endswith(("_total", "_sum", "_count", "_bucket"))
        }
    assert one(found, names.CALLS, component="shop", name="sum", outcome="error") == 9
    assert one(found, f"{names.QUALITY}_sum", component="shop", name="sum") == 18
    assert one(found, names.EVENTS, component="shop", name="sum") == 9


def test_what_a_bucket_counts_is_what_the_embedded_rules_count(path: Path) -> None:
    durations = [k * 7_919_000 for k in range(1, 60)]
    with Store(path) as store:
        store.add(Batch(NOW, {Key("shop", "sum"): calls(*durations)}))
        found = exposed(store)
        within = StoreTelemetry(store).within(Selector("shop"), 0.25, 60, NOW + 30)
    bucket = one(found, f"{names.DURATION}_bucket", component="shop", name="sum", le="0.25")
    assert bucket == pytest.approx(within["sum"] * 60)
    assert 20 < bucket < 40


def test_caches_guards_and_breakers_have_series_of_their_own(path: Path) -> None:
    def labelled(name: str, **labels: str) -> Key:
        return Key("shop", name, labels_text(labels))

    breaker = {"guard": "warehouse"}
    with Store(path) as store:
        store.add(
            Batch(
                NOW,
                values={
                    labelled("guard.breaker", **breaker): Values(2, 1.5, 0.5, 1, 1),
                    labelled("guard.in_use", **breaker): Values(1, 0.3, 0.3, 0.3, 0.3),
                    labelled("process.rss_bytes"): Values(1, 5e6, 5e6, 5e6, 5e6),
                    labelled("process.rss_bytes", process="1"): Values(1, 4e6, 4e6, 4e6, 4e6),
                    labelled("queue"): Values(2, 9, 2, 7, 7),
                },
                events={
                    labelled("cache.hit", cache="prices"): 3,
                    labelled("guard.retry", **breaker): 2,
                    labelled("order"): 5,
                },
            )
        )
        found = exposed(store, NOW + 30)
        later = exposed(store, NOW + 100)
    cache = {"component": "shop", "cache": "prices"}
    assert one(found, names.CACHE_EVENTS, **cache, event="hit") == 3
    assert one(found, names.CACHE_EVENTS, **cache, event="miss") == 0
    guard = {"component": "shop", "guard": "warehouse"}
    assert one(found, names.GUARD_EVENTS, **guard, event="retry") == 2
    assert one(found, names.GUARD_EVENTS, **guard, event="shed") == 0
    assert one(found, names.BREAKER, **guard) == 1
    assert one(found, names.BULKHEAD, **guard) == 0.3
    assert one(found, names.MEMORY, component="shop") == 5e6
    assert one(found, names.MEMORY, component="shop", process="1") == 4e6
    assert one(found, names.EVENTS, component="shop", name="order") == 5
    assert one(found, names.LAST_VALUE, component="shop", name="queue") == 7
    assert one(found, f"{names.QUALITY}_count", component="shop", name="queue") == 2
    assert {key[0] for key in found} - {key[0] for key in later} == {
        *(names.BREAKER, names.BULKHEAD, names.MEMORY, names.LAST_VALUE)
    }, "a gauge that is no longer recorded is gone, counters stay"


def test_a_quality_that_is_negative_has_no_sum_and_that_is_told(path: Path) -> None:
    with Store(path) as store:
        store.add(Batch(NOW, values={Key("shop", "margin"): Values(2, 1.0, -1.0, 2.0, 2.0)}))
        found = exposed(store)
    about = {"component": "shop", "name": "margin"}
    assert one(found, f"{names.QUALITY}_count", **about) == 2
    assert (f"{names.QUALITY}_sum", frozenset(about.items())) not in found
    assert one(found, names.SUMS_LEFT_OUT) == 1


def test_too_many_names_count_together_and_that_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_metrics, "MOST_NAMES", 3)
    with Store(path) as store:
        for number in range(5):
            batch = Batch(NOW, {Key("shop", f"z{9 - number}"): calls(10, 20, errors=1)})
            batch.values[Key("shop", f"q{number}")] = Values(1, 1, 1, 1, 1)
            store.add(batch)
        found = exposed(store)
    counted = {
        dict(labels)["name"]: value
        for (name, labels), value in found.items()
        if name == names.CALLS and dict(labels)["outcome"] == "ok"
    }
    assert counted == {"z9": 1, "z8": 1, "z7": 1, names.OTHERS: 2}, "the first that appeared stay"
    assert one(found, names.LEFT_TOGETHER) == 4
    last = [labels for name, labels in found if name == names.LAST_VALUE]
    assert len(last) == 3


def test_every_metric_that_exported_rules_and_dashboards_ask_for_is_there(path: Path) -> None:
    settings = example()
    values = {
        Key("shop", "reconciled"): Values(1, 1.0, 1.0, 1.0, 1.0),
        **{
            Key(component, "process.rss_bytes"): Values(1, 5e6, 5e6, 5e6, 5e6)
            for component in ("shop", "mcp")
        },
        **{
            Key("shop", gauge, labels_text({"guard": "stock"})): Values(1, 0.5, 0.5, 0.5, 0.5)
            for gauge in (names.BREAKER_GAUGE, names.BULKHEAD_GAUGE)
        },
    }
    events = {
        Key("shop", "cache.hit", labels_text({"cache": "prices"})): 1,
        Key("shop", "probe.failed"): 1,
    }
    with Store(path) as store:
        store.add(Batch(NOW, {Key("shop", "monthly"): calls(10**7)}, values, events))
        store.add(Batch(NOW, {Key("mcp", "sum"): calls(10**7)}))
        bounds = names.duration_bounds(settings.thresholds.objectives, settings.monitoring.alerts)
        found = exposed(store, bounds=bounds)
    given_names = {name for name, _ in found}
    limits = {dict(labels).get("le") for _, labels in found}
    asked: set[str] = set()
    recorded: set[str] = set()
    for tool in ("prometheus", "grafana"):
        files, _ = files_for(tool, settings, datetime.fromtimestamp(NOW, UTC))
        for text in files.values():
            asked |= set(re.findall(r"\bperfkit_[a-z_]+\b", text))
            recorded |= set(re.findall(r"record: (perfkit:\w+:\w+)", text))
            assert set(re.findall(r"perfkit:\w+:\w+", text)) <= recorded
            assert set(re.findall(r'\ble=\\?"([^"\\]+)', text)) <= limits
            for component, name in re.findall(r'component=\\?"(\w+)\\?",name=\\?"(\w+)', text):
                assert any({("component", component), ("name", name)} <= key for _, key in found)
    assert asked <= given_names, f"not in /metrics: {asked - given_names}"
    assert {names.CALLS, f"{names.DURATION}_bucket", names.MEMORY, f"{names.QUALITY}_sum"} <= asked
    assert recorded
