import importlib
import random
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_no_stored_row_is_lost_to_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks" / "runtime"))
    kill = importlib.import_module("kill")
    rng = random.Random(0)
    path = tmp_path / "t.sqlite"
    said = []
    for attempt in range(5):
        said = kill.killed(path, str(attempt), rng.uniform(0.02, 0.1))
        assert kill.lost(path, str(attempt), said) == 0
        assert kill.damage(path) == "ok"
    assert kill.lost(path, "4", [*said, 10**6]) == 1, "a lost row would be noticed"
