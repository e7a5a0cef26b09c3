"""Two `alerts watch` on one journal, as two real processes: one delivers, the other is refused."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from production_settings import settings
from webhook import listening

from perfkit.__main__ import run
from perfkit.monitoring.journal import Journal
from perfkit.runtime.batch import Batch
from perfkit.runtime.bins import Bins
from perfkit.runtime.store import Store
from perfkit.runtime.windows import Calls, Key


def test_one_delivers_the_other_is_refused_and_a_kill_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    now = int(time.time())
    with Store("t.sqlite") as store:
        for second in range(now - 60, now + 60):
            calls = Calls(1, 9, 0, 10**9, 10**8, Bins([10**8] * 10))
            store.add(Batch(second, {Key("shop", "sum"): calls}))
    rule = {"name": "Fails", "kind": "threshold", "signal": "error-ratio", "above": "5%"}
    words = ["--config", "c", "alerts", "watch", "--store", "t.sqlite", "--interval", "100ms"]
    with listening() as hook:
        hook.status = 503
        receiver = {"name": "hook", "kind": "webhook", "url": hook.url}
        settings(tmp_path / "c", rule, notification={"receivers": [receiver], "journal": "j"})
        both = [
            subprocess.Popen(
                [sys.executable, "-m", "perfkit", *words],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            for _ in range(2)
        ]
        try:
            while hook.tries == 0 or all(one.poll() is None for one in both):
                time.sleep(0.02)
            (refused,) = (one for one in both if one.poll() is not None)
            (delivering,) = (one for one in both if one is not refused)
            assert refused.returncode == 2
            assert b"j: another process delivers from it; end that one" in read(refused)
            os.kill(delivering.pid, signal.SIGKILL)
            delivering.wait()
        finally:
            for one in both:
                one.kill()
                read(one)
        assert hook.bodies == []
        hook.status = 200
        assert run([*words, "--for", "10ms"]) == 1
    assert [alert["labels"]["alertname"] for body in hook.bodies for alert in body["alerts"]] == [
        "Fails"
    ]
    capsys.readouterr()
    journal = Journal(Path("j"))
    journal.close()
    assert (journal.notes, journal.pending) == ([], {})


def read(process: "subprocess.Popen[bytes]") -> bytes:
    """What is left on stderr; closes it."""
    assert process.stderr is not None
    if process.stderr.closed:
        return b""
    with process.stderr:
        text = process.stderr.read()
    process.wait()
    return text
