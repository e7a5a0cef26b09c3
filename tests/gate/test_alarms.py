"""The whole gate on simulated suites: quiet where nothing changed, and not blind."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture(scope="module")
def alarms() -> ModuleType:
    """The script under benchmarks/, which runs the same at full size."""
    path = Path(__file__).parents[2] / "benchmarks" / "gate_alarms.py"
    spec = importlib.util.spec_from_file_location("gate_alarms", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_suites_without_a_change_do_not_alarm(alarms: ModuleType) -> None:
    found = [alarms.simulated(20, np.random.default_rng([7, suite])) for suite in range(8)]
    assert [regressed for regressed, _ in found] == [0] * 8


def test_a_planted_change_does(alarms: ModuleType) -> None:
    for suite in range(2):
        regressed, suspects = alarms.simulated(10, np.random.default_rng([7, suite]), slower=3.0)
        assert (regressed, suspects) == (1, 1)
