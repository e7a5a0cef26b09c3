"""Floors from stored runs: which runs count, and what they are worth."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stored_results import ENVIRONMENT

from perfkit.baselines.noise import NEWEST, stored_noise
from perfkit.baselines.store import is_stored, save_run
from perfkit.model import BenchmarkId, Environment, Run, Sample, Unit

ID = BenchmarkId("suite.time_x")
VERSIONS = {ID: "v1"}


def store(
    folder: Path,
    count: int,
    *,
    sigma: float,
    level: float = 1.0,
    environment: Environment = ENVIRONMENT,
    version: str = "v1",
) -> None:
    random = np.random.default_rng(count)
    values = level * np.exp(random.normal(0, sigma, 10))
    sample = Sample(
        benchmark=ID,
        unit=Unit.SECONDS,
        processes=tuple((float(value),) for value in values),
        rounds=tuple(range(10)),
        source_hash=version,
    )
    run = Run(
        identity=f"{count:013d}",
        commit=f"{count:040x}",
        dirty=False,
        date=count,
        started=count,
        environment=environment,
        samples=(sample,),
    )
    save_run(folder, run, {ID.name: {"name": ID.name, "params": [], "version": version}})


def test_the_noise_within_runs_counts_and_not_that_between_them(tmp_path: Path) -> None:
    for count, level in enumerate((1.0, 3.0, 0.5, 2.0)):
        store(tmp_path, count + 1, sigma=0.03, level=level)
    found = stored_noise(tmp_path, ENVIRONMENT, VERSIONS, rounds=6)
    assert found[ID].provenance == "20 A/A rounds in 4 stored runs"
    assert 0.02 < found[ID].value < 0.12
    more = stored_noise(tmp_path, ENVIRONMENT, VERSIONS, rounds=20)
    assert more[ID].value < found[ID].value


@pytest.mark.parametrize("other", ["machine", "python", "source", "few"])
def test_other_places_and_sources_do_not_count(tmp_path: Path, other: str) -> None:
    place = {
        "machine": replace(ENVIRONMENT, cpu="another"),
        "python": replace(ENVIRONMENT, python="3.99"),
    }.get(other, ENVIRONMENT)
    for count in range(1 if other == "few" else 4):
        version = "v0" if other == "source" else "v1"
        store(tmp_path, count + 1, sigma=0.03, environment=place, version=version)
    assert stored_noise(tmp_path, ENVIRONMENT, VERSIONS, rounds=6) == {}


def test_only_the_newest_runs_are_read(tmp_path: Path) -> None:
    assert stored_noise(tmp_path / "absent", ENVIRONMENT, VERSIONS, rounds=6) == {}
    for count in range(NEWEST + 2):
        store(tmp_path, count + 1, sigma=0.01)
    found = stored_noise(tmp_path, ENVIRONMENT, VERSIONS, rounds=6)
    assert found[ID].n == 5 * NEWEST
    assert is_stored(tmp_path, f"{1:040x}")
    assert not is_stored(tmp_path, f"{99:040x}")
    # The same first eight characters are another commit all the same.
    assert not is_stored(tmp_path, "0" * 40)
