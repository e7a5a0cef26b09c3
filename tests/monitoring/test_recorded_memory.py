"""What an application records is what the alerts about memory read."""

import sys
import time
from pathlib import Path

import pytest

from perfkit.monitoring.metric_names import MEMORY_GAUGE
from perfkit.runtime.recorder import Recorder
from perfkit.runtime.store import Store


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_the_memory_of_a_process_is_found_under_its_component(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.start(tmp_path / "t.sqlite", component="shop")
    recorder.stop()
    with Store(tmp_path / "t.sqlite", read_only=True) as store:
        found = list(store.values("shop", MEMORY_GAUGE, since=time.time() - 60))
    assert found
    assert all(one.max > 2**20 for one in found)
