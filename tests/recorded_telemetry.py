"""Telemetry of a test, read back."""

from pathlib import Path

from perfkit.runtime.recorder import RECORDER
from perfkit.runtime.store import Store


class Recorded:
    """What the process's recorder has written to a store of the test's own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def outcomes(self) -> dict[str, tuple[int, int, int]]:
        """Return name -> ok, errors, degraded."""
        RECORDER.tick()
        found: dict[str, tuple[int, int, int]] = {}
        with Store(self.path, read_only=True) as store:
            for w in store.windows(resolution=3600):
                ok, errors, degraded = found.get(w.name, (0, 0, 0))
                found[w.name] = (ok + w.ok, errors + w.errors, degraded + w.degraded)
        return found

    def events(self) -> dict[str, int]:
        """Return name -> how often it happened."""
        RECORDER.tick()
        found: dict[str, int] = {}
        with Store(self.path, read_only=True) as store:
            for w in store.events(resolution=3600):
                found[w.name] = found.get(w.name, 0) + w.count
        return found
