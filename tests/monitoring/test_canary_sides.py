import random
import time
from pathlib import Path

import pytest

from perfkit.__main__ import run
from perfkit.errors import MeasurementError, UsageError
from perfkit.model import Verdict
from perfkit.monitoring import canary_sides
from perfkit.monitoring.canary import compare_canary
from perfkit.monitoring.canary_sides import BLUR, Labelled, Span, parse_side, sides_of
from perfkit.runtime.batch import Batch
from perfkit.runtime.bins import Bins, bin_of, bounds_of
from perfkit.runtime.storable import labels_text
from perfkit.runtime.store import Store
from perfkit.runtime.windows import Calls, Key

NOW = 1_700_049_600


def record(
    store: Store, start: int, minutes: int, factor: float = 1.0, *, tail: float = 1.0, **labels: str
) -> None:
    """Calls of about 50 ms, 100 a minute; one in fifty takes ``tail`` times as long."""
    rng = random.Random(start)
    key = Key("shop", "sum", labels_text(labels))
    for minute in range(minutes):
        drift = rng.lognormvariate(0, 0.02)
        durations = [
            round(5e7 * factor * drift * rng.lognormvariate(0, 0.2) * (tail if k % 50 == 0 else 1))
            for k in range(100)
        ]
        calls = Calls(100, 0, 0, sum(durations), max(durations), Bins(durations))
        store.add(Batch(start + 60 * minute, {key: calls}))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "t.sqlite", clock=lambda: NOW)


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("version=2", Labelled("version", "2")),
        ("url=http://a/b", Labelled("url", "http://a/b")),
        ("1h/now", Span(NOW - 3600, NOW)),
        ("90s/1.5s", Span(NOW - 90, NOW - 1.5)),
        ("2023-11-15T10:00Z/2023-11-15T11:00:00+00:00", Span(1700042400, 1700046000)),
        ("base.csv", None),
        ("runs/base.csv", None),
        ("=2", None),
    ],
)
def test_a_side_is_a_label_a_time_or_a_file(text: str, side: Span | Labelled | None) -> None:
    assert parse_side(text, NOW) == side


@pytest.mark.parametrize("text", ["1h/2h", "now/now", "2023-11-15T10:00/now"])
def test_times_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--canary: found '"):
        parse_side(text, NOW)


def compared(store: Store, base: str, new: str, **options: float) -> tuple[Verdict, Verdict]:
    first, second = parse_side(base, NOW), parse_side(new, NOW)
    assert first is not None
    assert second is not None
    lasting = Span(NOW - 3600, NOW)
    sides = sides_of(store, first, second, component="shop", call=None, lasting=lasting)
    found = compare_canary(
        sides.base,
        sides.new,
        tolerance=options.get("tolerance", 0.1),
        tail_tolerance=options.get("tail_tolerance", 0.25),
        design=sides.design,
        blur=BLUR,
    )
    return found.middle.verdict, found.tail.verdict


def test_two_times_are_compared(store: Store) -> None:
    record(store, NOW - 7200, 30)
    record(store, NOW - 3600, 30, 1.3)
    record(store, NOW - 10800, 30, tail=5)
    record(store, NOW - 14400, 30)
    assert compared(store, "2h/1h", "1h/now") == (Verdict.REGRESSED, Verdict.REGRESSED)
    assert compared(store, "1h/now", "2h/1h") == (Verdict.IMPROVED, Verdict.IMPROVED)
    assert compared(store, "2h/1h", "4h/3h") == (Verdict.UNCHANGED, Verdict.UNCHANGED)
    assert compared(store, "2h/1h", "3h/2h") == (Verdict.UNCHANGED, Verdict.REGRESSED)
    # What the width of a bin leaves open is left open.
    assert compared(store, "2h/1h", "4h/3h", tolerance=0.035)[0] is Verdict.INCONCLUSIVE


def test_two_values_of_a_label_are_compared_minute_by_minute(store: Store) -> None:
    record(store, NOW - 3600, 40, version="1")
    record(store, NOW - 3600, 40, 1.3, version="2")
    record(store, NOW - 3600, 40, version="3")
    record(store, NOW - 7200, 40, 9, version="3")
    found = sides_of(
        store,
        Labelled("version", "1"),
        Labelled("version", "2"),
        component=None,
        call="sum",
        lasting=Span(NOW - 3600, NOW),
    )
    assert found.design == "interleaved"
    assert (len(found.base), len(found.new)) == (40, 40)
    assert found.notes == ("groups of 60 s", "4,000+4,000 calls")
    assert compared(store, "version=1", "version=2")[0] is Verdict.REGRESSED
    assert compared(store, "version=1", "version=3") == (Verdict.UNCHANGED, Verdict.UNCHANGED)


def test_groups_whose_medians_fall_into_one_bin_are_judged_all_the_same(store: Store) -> None:
    for minute in range(30):
        for version, duration in (("1", 50_000_000), ("2", 70_000_000)):
            calls = Calls(9, 0, 0, 9 * duration, duration, Bins([duration] * 9))
            key = Key("shop", "sum", labels_text({"version": version}))
            store.add(Batch(NOW - 1800 + 60 * minute, {key: calls}))
    assert compared(store, "version=1", "version=1") == (Verdict.UNCHANGED, Verdict.INCONCLUSIVE)
    assert compared(store, "version=1", "version=2")[0] is Verdict.REGRESSED


def test_no_bin_is_wider_than_the_blur_says() -> None:
    for nanoseconds in [*range(64, 5000, 7), *(10**k + 1 for k in range(4, 12))]:
        bounds = bounds_of(bin_of(nanoseconds))
        worst = (bounds.high_ns / bounds.middle_ns) / (bounds.low_ns / bounds.middle_ns)
        assert worst <= 1 + BLUR


def test_more_calls_than_are_looked_at_keep_their_distribution(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canary_sides, "MOST_DRAWN", 300)
    record(store, NOW - 600, 10)
    side = Span(NOW - 600, NOW)
    sides = sides_of(store, side, side, component=None, call=None, lasting=side)
    assert [len(group) for group in sides.base] == [30] * 10
    ((window,),) = [list(store.windows(since=NOW - 600, until=NOW - 540, resolution=60))]
    medians = window.bins.quantile(0.5)
    assert medians is not None
    assert sorted(sides.base[0])[15] == pytest.approx(medians.middle_ns / 1e9, rel=0.04)


def test_a_side_without_calls_is_told(store: Store) -> None:
    record(store, NOW - 600, 10, version="1")
    lasting = Span(NOW - 3600, NOW)
    for new, words in (
        (Labelled("version", "2"), "no call of version=2"),
        (Span(NOW - 90_000, NOW - 80_000), "no call of the 10000 s from 1699959600 on"),
    ):
        with pytest.raises(MeasurementError, match=f"{words} was found; name another"):
            sides_of(
                store,
                Labelled("version", "1"),
                new,
                component=None,
                call=None,
                lasting=lasting,
            )


def test_a_tolerance_below_the_width_of_a_bin_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    now = int(time.time())
    with Store("t.sqlite") as store:
        record(store, now - 1800 + 60, 25, version="1")
        record(store, now - 1800 + 60, 25, version="2")
    words = ["slo", "--store", "t.sqlite", "--canary", "version=1", "version=2"]
    assert run([*words, "--tolerance", "3%"]) == 2
    assert "wanted more than 3.2%: durations of a telemetry" in capsys.readouterr().err
    assert run([*words, "--component", "shop", "--call", "sum"]) == 0
    out = capsys.readouterr().out
    assert "Canary unchanged." in out
    assert "wider by 3.2%" in out
    assert run([*words, "--component", "cart"]) == 4
    assert run(["slo", "--canary", "version=1", "base.csv"]) == 2
    assert "two files, or two sides of the store" in capsys.readouterr().err
    assert run(["slo", "--canary", "a.csv", "b.csv", "--call", "sum"]) == 2
    assert "--call" in capsys.readouterr().err
