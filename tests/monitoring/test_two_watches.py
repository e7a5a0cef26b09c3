"""Two `alerts watch` on one journal, as two real processes: one delivers, the other is refused."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from production_settings import settings

from perfkit.__main__ import run
from perfkit.monitoring.journal import Journal
from perfkit.runtime.bins import Bins
from perfkit.runtime.store import Batch, Store
from perfkit.runtime.windows import Calls, Key


class Hook:
    """A webhook that refuses or accepts."""

    def __init__(self) -> None:
        self.status = 503
        self.tries = 0
        self.bodies: list[dict[str, Any]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.tries += 1
                if hook.status == 200:
                    hook.bodies.append(json.loads(body))
                self.send_response(hook.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@contextmanager
def hooked() -> Iterator[Hook]:
    hook = Hook()
    thread = Thread(target=hook.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hook
    finally:
        hook.server.shutdown()
        thread.join()
        hook.server.server_close()


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
    with hooked() as hook:
        url = f"http://127.0.0.1:{hook.server.server_port}/"
        receiver = {"name": "hook", "kind": "webhook", "url": url}
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
