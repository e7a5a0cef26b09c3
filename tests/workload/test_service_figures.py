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
    kill = {"recovered_after": 1.5, "hits": 1}
    good = figures.Measured(
        name="load",
        due=6300,
        ok=6300,
        degraded=0,
        failed=0,
        p50=0.01,
        p99=0.02,
        lag_p99=0.001,
        status="passed",
    )
    once, often = replace(good, faults=(kill,)), replace(good, faults=(kill,) * 6)
    slow = replace(good, p50=0.21, p99=0.3)
    failing = replace(often, ok=6000, failed=300, p99=None)

    def answers(*loads: object) -> list[str]:
        return [answer for _, answer in figures.judged(list(loads))]

    met = ["met"] * 5
    assert answers(good, once, slow, often, failing) == met
    late = replace(good, lag_p99=0.02)
    told = "cannot be told: the generator was late"
    assert answers(late, once, slow, often, failing) == [told, *met[1:]]
    few = replace(good, due=2000)
    assert answers(few, few, failing, failing, often) == ["NOT met"] * 5
    assert answers(replace(good, p99=1.0), once, slow, often, failing)[0] == "NOT met"
    # Good figures of a load without its fault, or of one that was not finished, show nothing.
    unhit = answers(good, good, good, good, replace(failing, faults=()))
    assert unhit == ["met", "NOT met", "NOT met", "NOT met", "NOT met"]
    failed = [replace(one, status="failed") for one in (good, once, slow, often)]
    assert answers(*failed, failing) == [*["NOT met"] * 4, "met"]


def test_availability_is_printed_with_its_interval(figures: ModuleType) -> None:
    one = figures.Measured(
        name="load",
        due=3000,
        ok=2990,
        degraded=10,
        failed=0,
        p50=0.01,
        p99=None,
        lag_p99=0.001,
        status="passed",
    )
    row = one.row()
    assert "99.6667 % [99.4432 %, 99.8006 %]" in row[6]
    assert row[1:6] == ["3000", "0", "10", "10.00 ms", "failed"]
