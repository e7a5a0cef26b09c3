from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded_telemetry import Recorded

from perfkit.runtime.recorder import RECORDER


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    path = tmp_path / "telemetry.sqlite"
    RECORDER.start(path, component="shop")
    try:
        yield Recorded(path)
    finally:
        RECORDER.stop()
