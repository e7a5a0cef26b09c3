import importlib
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT / "benchmarks" / "reliability")])
    monkeypatch.delitem(sys.modules, "pages", raising=False)
    return importlib.import_module("service")


def test_a_requirement_is_met_missed_or_cannot_be_told(figures: ModuleType) -> None:
    fault = {"recovered_after": 1.5}
    good = figures.Measured(
        name="load",
        due=6300,
        ok=6300,
        degraded=0,
        failed=0,
        p50=0.01,
        p99=0.02,
        lag_p99=0.001,
        faults=(fault,) * 6,
    )
    failing = replace(good, ok=6000, failed=300, p99=None)

    def answers(*loads: object) -> list[str]:
        return [answer for _, answer in figures.judged(list(loads))]

    assert answers(good, good, good, good, failing) == ["met"] * 5
    late = replace(good, lag_p99=0.02)
    told = "cannot be told: the generator was late"
    assert answers(late, good, good, good, failing) == [told, *["met"] * 4]
    few = replace(good, due=2000)
    assert answers(few, few, failing, failing, good) == ["NOT met"] * 5
    assert answers(replace(good, p99=1.0), good, good, good, failing)[0] == "NOT met"


def test_availability_is_printed_with_its_interval(figures: ModuleType) -> None:
    one = figures.Measured(
        name="load", due=3000, ok=2990, degraded=10, failed=0, p50=0.01, p99=None, lag_p99=0.001
    )
    row = one.row()
    assert "99.6667 % [99.4432 %, 99.8006 %]" in row[6]
    assert row[1:6] == ["3000", "0", "10", "10.00 ms", "failed"]
