"""What asv is asked, where it does not answer."""

import os
from pathlib import Path

import pytest
from plain_sides import suite_of

from perfkit.benchmarking import asv_run
from perfkit.benchmarking.asv_run import matrix_of
from perfkit.errors import MeasurementError


def test_asv_that_hangs_is_ended_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = tmp_path / "group"
    hanging = f"""
import os, pathlib, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path({str(group)!r}).write_text(str(os.getpgid(0)))
time.sleep(600)
"""
    monkeypatch.setattr(asv_run, "FACTS", hanging)
    with pytest.raises(MeasurementError, match=r"asv did not say within 0\.5 s which environments"):
        matrix_of(suite_of(tmp_path), tmp_path / "log", timeout=0.5)
    if group.exists():  # a machine may be too busy for it to get that far
        with pytest.raises(ProcessLookupError):
            os.killpg(int(group.read_text()), 0)
