"""Which floor holds for a benchmark, and where it says that it comes from."""

from dataclasses import replace
from typing import Any

import pytest

from perfkit.config import thresholds as settings
from perfkit.config.thresholds import Thresholds
from perfkit.gate.comparisons import shift_between
from perfkit.gate.floors import MOST_NOISE, Floor, floor_of
from perfkit.model import BenchmarkId, Sample, Unit, Verdict
from perfkit.model import benchmark as model
from perfkit.stats import NoiseFloor

ID = BenchmarkId("suite.time_x", ("1",))


def sample(*values: float, identity: BenchmarkId = ID, unit: Unit = Unit.SECONDS) -> Sample:
    return Sample(
        benchmark=identity,
        unit=unit,
        processes=tuple((value,) for value in values),
        rounds=tuple(range(len(values))),
    )


def rules(*entries: dict[str, Any], **regression: Any) -> Thresholds:  # noqa: ANN401  # keys of Regression
    return Thresholds.model_validate({"benchmarks": entries, "regression": regression})


def test_the_default_a_rule_and_its_reason() -> None:
    assert floor_of(sample(1.0), rules()) == Floor(value=0.05, source="threshold of the default")
    own = {"match": "suite.*", "threshold": "8%", "why": "starts a process"}
    assert floor_of(sample(1.0), rules(own)) == Floor(
        value=0.08, source="threshold of suite.*", why="starts a process"
    )
    assert floor_of(sample(1.0), rules({**own, "metric": "memory"})).value == 0.05


def test_an_absolute_floor_counts_relative_to_the_base() -> None:
    own = {"match": "suite.*", "metric": "time", "threshold": "8%", "absolute_floor": "10ms"}
    found = floor_of(sample(0.05, 0.04, 0.06), rules(own))
    assert (found.value, found.source) == (pytest.approx(0.2), "absolute floor of suite.*")
    assert floor_of(sample(1.0), rules(own)).source == "threshold of suite.*"
    assert floor_of(sample(0.0, 0.0), rules(own)).value == 0.08
    assert floor_of(sample(-0.05), rules(own)).value == pytest.approx(0.2)


def test_noise_raises_a_floor_and_says_so_but_never_lowers_it() -> None:
    loud = {ID: NoiseFloor(value=0.12, provenance="9 A/A rounds in 2 stored runs", n=9)}
    found = floor_of(sample(1.0), rules({"match": "*x(1)", "threshold": "6%", "why": "w"}), loud)
    assert found == Floor(
        value=0.12,
        source="noise of 9 A/A rounds in 2 stored runs, above the threshold of *x(1)",
        why="w",
    )
    quiet = {ID: NoiseFloor(value=0.05, provenance="p", n=9)}
    assert floor_of(sample(1.0), rules(), quiet).source == "threshold of the default"
    assert floor_of(sample(1.0, identity=BenchmarkId("other")), rules(), loud).value == 0.05


def test_noise_raises_a_floor_up_to_a_bound_and_says_where_it_bites() -> None:
    assert MOST_NOISE == 0.25
    for value in (0.26, 40.0):
        wild = {ID: NoiseFloor(value=value, provenance="p", n=9)}
        assert floor_of(sample(1.0), rules(), wild) == Floor(
            value=0.25,
            source=f"noise of p ({value:.0%}, of which 25% count), above the threshold of the"
            " default",
        )
        # What was configured may be higher than any noise that counts.
        own = {"match": "*x*", "threshold": "30%"}
        assert floor_of(sample(1.0), rules(own), wild).source == "threshold of *x*"
    just = {ID: NoiseFloor(value=0.25, provenance="p", n=9)}
    assert floor_of(sample(1.0), rules(), just).source == (
        "noise of p, above the threshold of the default"
    )
    # So a noisy history does not let a plain regression pass.
    base, head = sample(*([1.0, 1.01, 0.99] * 2)), sample(*([1.4, 1.41, 1.39] * 2))
    shift = shift_between(base, head, rules(), noise=wild)
    assert (shift.verdict, shift.floor) == (Verdict.REGRESSED, 0.25)


def test_the_noise_is_what_a_change_is_held_against() -> None:
    base = sample(1.00, 1.01, 0.99, 1.02, 1.00, 1.01)
    head = sample(1.08, 1.09, 1.07, 1.10, 1.08, 1.09)
    assert shift_between(base, head, rules()).verdict is Verdict.REGRESSED
    noise = {ID: NoiseFloor(value=0.12, provenance="p", n=9)}
    shift = shift_between(base, head, rules(), noise=noise)
    assert (shift.verdict, shift.floor) == (Verdict.INCONCLUSIVE, 0.12)


def test_peak_memory_has_a_threshold_of_its_own() -> None:
    identity = ID.peak_memory
    assert str(identity) == "suite.time_x.peak_memory(1)"
    assert set(settings.BESIDE) == {model.PEAK_MEMORY, model.ALLOCATIONS}
    assert (identity.beside, ID.beside) == (ID, None)
    large = sample(100 * 2.0**20, identity=identity, unit=Unit.BYTES)
    small = sample(4 * 2.0**20, identity=identity, unit=Unit.BYTES)
    assert floor_of(large, rules()).value == 0.1
    assert floor_of(small, rules()) == Floor(value=0.25, source="absolute floor of the default")
    assert floor_of(large, rules(memory_threshold="30%")).value == 0.3
    assert floor_of(small, rules(memory_floor="2MiB")).value == 0.5
    # What was written for the time is not meant for the memory.
    assert floor_of(large, rules({"match": "suite.time_x*", "threshold": "7%"})).value == 0.1
    for match in ("suite.time_x(1)", "suite.*.peak_memory(1)"):
        own = {"match": match, "metric": "memory", "threshold": "7%"}
        assert floor_of(large, rules(own)).value == 0.07
    with pytest.raises(ValueError, match="wanted a size such as 1MiB"):
        rules(memory_floor="2s")


def test_allocations_have_a_threshold_of_their_own() -> None:
    identity = ID.allocations
    assert str(identity) == "suite.time_x.allocations(1)"
    assert identity.beside == ID
    many = sample(5000, identity=identity, unit=Unit.COUNT)
    few = sample(200, identity=identity, unit=Unit.COUNT)
    assert floor_of(many, rules()).value == 0.1
    assert floor_of(few, rules()) == Floor(value=0.5, source="absolute floor of the default")
    assert floor_of(many, rules(allocations_threshold="30%")).value == 0.3
    assert floor_of(few, rules(allocations_floor="50count")).value == 0.25
    for metric in ("time", "memory"):
        other = {"match": "*", "metric": metric, "threshold": "7%"}
        assert floor_of(many, rules(other)).value == 0.1
    own = {"match": "suite.time_x(1)", "metric": "count", "threshold": "7%"}
    assert floor_of(many, rules(own)).value == 0.07
    # A module of that name is no ending.
    track = sample(5000, identity=BenchmarkId("suite.allocations.track_x"), unit=Unit.COUNT)
    assert floor_of(track, rules({"match": "suite.*", "threshold": "7%"})).value == 0.07
    with pytest.raises(ValueError, match="wanted a count such as 100count"):
        rules(allocations_floor="2s")


def test_an_absolute_floor_keeps_its_reason_and_counts_from_the_end_that_stands() -> None:
    own = {"match": "*", "metric": "time", "absolute_floor": "10ms", "why": "a tick"}
    processes = ((0.01, 0.05),) * 3
    spread = Sample(benchmark=ID, unit=Unit.SECONDS, processes=processes, rounds=(0, 1, 2))
    found = floor_of(spread, rules({**own, "threshold": "8%"}))
    assert (found.value, found.why) == (pytest.approx(0.01 / 0.014), "a tick")
    higher = replace(spread, better="higher")
    assert floor_of(higher, rules({**own, "threshold": "8%"})).value == pytest.approx(0.01 / 0.046)
