import io
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from select import select

import pytest
from jsonschema import Draft202012Validator
from rich.console import Console

from perfkit.__main__ import run
from perfkit.cli.monitor_live import keyboard, live
from perfkit.errors import ExitCode, MeasurementError
from perfkit.model.dashboard import Dashboard
from perfkit.reporting import dashboard_schema
from perfkit.runtime.batch import Batch
from perfkit.runtime.bins import Bins
from perfkit.runtime.store import Store
from perfkit.runtime.windows import Calls, Key

ROOT = Path(__file__).parents[2]
PRODUCTION = ROOT / "docs" / "example" / "production"
PUBLISHED = ROOT / "docs" / "schema" / "dashboard.schema.json"

NAME = 'sum "</script><img src=x>\n'
KEYS = (Key("shop", NAME), Key("shop", "monthly"), Key("mcp", "sum"))


def _record(path: Path, *, failing: bool = False) -> None:
    bad = 50 if failing else 0
    found = Calls(100 - bad, bad, 0, 100_000_000, 1_000_000, Bins([1_000_000] * 100))
    now = int(time.time())
    with Store(path) as store:
        for second in range(now - 120, now - 2):
            store.add(Batch(second, calls=dict.fromkeys(KEYS, found)))


def _run(*words: str) -> int:
    return run(["--config", str(PRODUCTION), "monitor", *words])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.sqlite"


def test_one_frame_is_text_a_page_and_a_document(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _record(store)
    page = tmp_path / "page.html"
    assert _run("--once", "--store", str(store), "--html", str(page)) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "✓ shop" in shown.out
    assert 'sum "</script><img src=x>' in shown.out
    assert "<img" not in page.read_text()
    assert _run("--json", "--store", str(store), "--component", "shop") == 0
    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(json.loads(PUBLISHED.read_text())).validate(document)
    assert [one["name"] for one in document["components"]] == ["shop"]
    assert document["components"][0]["calls"][1]["name"] == NAME


def test_the_published_schema_is_current() -> None:
    published = json.loads(PUBLISHED.read_text())
    assert published == dashboard_schema.dashboard_schema(), (
        "run: python -m perfkit.reporting.dashboard_schema"
    )


def test_an_alert_fails_the_frame_and_nothing_at_all_is_an_error(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _record(store, failing=True)
    assert _run("--store", str(store)) == 1  # no terminal: one frame
    assert "firing" in capsys.readouterr().out
    assert _run("--store", str(store.with_name("none"))) == 4
    assert "no such telemetry store" in capsys.readouterr().err
    with Store(store.with_name("empty.sqlite")):
        pass
    assert _run("--store", str(store.with_name("empty.sqlite")), "--json") == 4
    document = json.loads(capsys.readouterr().out)
    assert (document["status"], document["exit_code"]) == ("error", 4)


@pytest.mark.parametrize("words", [("--window", "5"), ("--window", "1s"), ("--window", "90d")])
def test_a_wrong_window_is_a_sentence(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(*words) == 2
    assert "--window: found" in capsys.readouterr().err


def test_the_configuration_names_the_store_for_every_verb(
    tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _record(store)
    for name in ("monitoring_config.yaml", "performance_thresholds.yaml"):
        (tmp_path / name).write_text((PRODUCTION / name).read_text())
    monkeypatch.setenv("PERFKIT_STORE_PATH", str(store))
    for verb in (["monitor"], ["slo"], ["alerts", "check"]):
        assert run(["--config", str(tmp_path), *verb]) == 0, capsys.readouterr().err
    monkeypatch.delenv("PERFKIT_STORE_PATH")
    with (tmp_path / "monitoring_config.yaml").open("a") as file:
        file.write("store: {path: elsewhere.sqlite}\n")
    capsys.readouterr()
    for verb in (["monitor"], ["slo"], ["alerts", "check"]):
        assert run(["--config", str(tmp_path), *verb]) == 4
        assert "elsewhere.sqlite: no such" in capsys.readouterr().err


class Keys:
    """Time that passes while somebody waits for a key, and the keys that are pressed then."""

    def __init__(self, typed: dict[float, str]) -> None:
        self.now = 0.0
        self._typed = typed

    def pressed(self, seconds: float) -> str:
        before, self.now = self.now, self.now + seconds
        return "".join(key for at, key in self._typed.items() if before < at <= self.now)


def _frame(at: float) -> Dashboard:
    return Dashboard(
        at=at,
        since=at - 60,
        resolution=1,
        store="telemetry.sqlite",
        components=(),
        objectives=(),
        alerts=(),
        notes=(f"frame of {at:.0f}",),
    )


def test_the_live_view_is_drawn_every_second_until_q(tmp_path: Path) -> None:
    keys = Keys({0.5: "x", 2.9: "q"})
    looked: list[float] = []

    def look(at: float) -> Dashboard:
        looked.append(at)
        if len(looked) == 3:
            raise MeasurementError("telemetry.sqlite: gone")
        return _frame(at)

    with (tmp_path / "terminal").open("w+") as file:
        console = Console(file=file, force_terminal=True, width=80, height=24)
        code = live(
            console,
            look,
            clock=lambda: 1000 + keys.now,
            monotonic=lambda: keys.now,
            pressed=keys.pressed,
        )
        file.seek(0)
        drawn = file.read()
    assert code is ExitCode.PASSED
    # The first at once, then 0.3 s after every whole second, when the runtime has written.
    assert looked == pytest.approx([1000.0, 1000.3, 1001.3, 1002.3])
    assert drawn.index("telemetry.sqlite: gone") > drawn.index("frame of 1000")
    assert drawn.count("frame of 1002") == 1
    # The alternate screen is left again.
    assert drawn.index("\x1b[?1049h") < drawn.index("\x1b[?1049l")


def test_a_key_is_read_without_enter_and_the_terminal_is_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    with os.fdopen(theirs) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        with keyboard() as pressed:
            assert pressed(0.0) == ""
            os.write(ours, b"q")
            assert pressed(5.0) == "q"
        assert termios.tcgetattr(theirs) == before
    os.close(ours)


def test_without_a_terminal_for_keys_it_only_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("sys.stdin", io.StringIO("q"))
    monkeypatch.setattr("time.sleep", slept.append)
    with keyboard() as pressed:
        assert pressed(0.25) == ""
    assert slept == [0.25]


@pytest.mark.parametrize(("ends", "code"), [("q", 0), ("Ctrl-C", 130)])
def test_a_terminal_shows_the_live_view_until_it_is_ended(
    store: Path, tmp_path: Path, ends: str, code: int
) -> None:
    _record(store)
    ours, theirs = pty.openpty()
    words = ["-m", "perfkit", "--config", str(PRODUCTION), "monitor", "--store", str(store)]
    with subprocess.Popen(
        [sys.executable, *words], stdin=theirs, stdout=theirs, stderr=theirs, cwd=tmp_path
    ) as process:
        try:
            seen = _read_until(ours, b"shop: monthly")
            assert b"\x1b[?1049h" in seen  # the alternate screen
            if ends == "q":
                os.write(ours, b"q")
            else:
                process.send_signal(signal.SIGINT)
            _read_until(ours, b"\x1b[?1049l")
            assert process.wait() == code
        finally:
            process.kill()
            os.close(ours)
            os.close(theirs)


def _read_until(terminal: int, words: bytes) -> bytes:
    """Read what a program writes until the words have come."""
    seen = b""
    while words not in seen:
        assert select([terminal], [], [], 60.0)[0], f"{words!r} did not come: {seen[-500:]!r}"
        seen += os.read(terminal, 65536)
    return seen
