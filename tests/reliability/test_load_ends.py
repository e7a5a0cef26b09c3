"""A load that is ended early leaves no process that it has started."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from perfkit.errors import ExitCode, InterruptedMeasurementError, MeasurementError
from perfkit.reliability.drive import Sender
from perfkit.reliability.load import fast_loop, stopped_by_signals
from perfkit.reliability.opening import connected
from perfkit.reliability.senders.call import CallSender
from tests.reliability.serving import served

SERVER = """
import os, sys
from pathlib import Path
from mcp.server.mcpserver import MCPServer

server = MCPServer("shop", log_level="ERROR")

@server.tool()
async def price() -> int:
    Path(sys.argv[1]).write_text(str(os.getpid()), "utf-8")
    return 3

server.run("stdio")
"""


@pytest.mark.parametrize(
    ("how", "code"),
    [
        (signal.SIGINT, ExitCode.INTERRUPTED),
        (signal.SIGTERM, ExitCode.INTERRUPTED),
        (signal.SIGKILL, -signal.SIGKILL),
    ],
)
def test_a_load_that_is_ended_leaves_no_server(
    how: signal.Signals, code: int, tmp_path: Path
) -> None:
    script, told = tmp_path / "shop.py", tmp_path / "pid"
    script.write_text(SERVER, "utf-8")
    target = f"mcp:stdio:{sys.executable} {script} {told}"
    command = [sys.executable, "-m", "perfkit", "load", target, "--tool", "price"]
    until = time.monotonic() + 60
    with subprocess.Popen(
        [*command, "--for", "60s"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as running:
        while not (told.exists() and told.read_text("utf-8")):
            assert time.monotonic() < until
            time.sleep(0.02)
        running.send_signal(how)
        running.communicate(timeout=60)
    assert running.returncode == code
    server = Path("/proc", told.read_text("utf-8"), "cmdline")
    # What ends on its own account, because nobody writes to it any more, may take a moment.
    while server.exists() and server.read_bytes():
        assert time.monotonic() < until
        time.sleep(0.02)


def holding(mark: str) -> list[str]:
    """Return the commands of processes that have ``mark`` among their words or variables."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile, or is not ours
            words = (process / "cmdline").read_bytes()
            if mark.encode() in words + (process / "environ").read_bytes():
                found.append(words.replace(b"\0", b" ").decode())
    return found


def awaited(condition: Callable[[], object]) -> None:
    """Wait until it holds; fail where it does not within a minute."""
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


ENDS = [
    (signal.SIGINT, ExitCode.INTERRUPTED),
    (signal.SIGTERM, ExitCode.INTERRUPTED),
    (signal.SIGKILL, -signal.SIGKILL),
]


@pytest.mark.parametrize(("how", "code"), ENDS)
def test_a_load_that_cannot_connect_is_ended_with_the_server_it_started(
    how: signal.Signals, code: int, tmp_path: Path
) -> None:
    if how == signal.SIGKILL and shutil.which("setpriv") is None:
        pytest.skip("only the kernel could end the server")
    script, mark = tmp_path / "silent.py", f"--mark={tmp_path}"
    script.write_text(
        f"open({str(tmp_path / 'began')!r}, 'w').close()\nimport time\ntime.sleep(99)"
    )
    target = f"mcp:stdio:{sys.executable} {script} {mark}"
    command = [sys.executable, "-m", "perfkit", "load", target, "--tool", "price"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        awaited((tmp_path / "began").exists)
        running.send_signal(how)
        _, said = running.communicate(timeout=60)
    assert running.returncode == code
    if how != signal.SIGKILL:
        assert said.endswith("interrupted before there was a connection; nothing was sent\n")
    awaited(lambda: not holding(mark))


@pytest.mark.parametrize(("how", "code"), ENDS[1:])
def test_a_load_on_locust_that_is_ended_leaves_no_process(
    how: signal.Signals, code: int, tmp_path: Path
) -> None:
    if how == signal.SIGKILL and shutil.which("setpriv") is None:
        pytest.skip("only the kernel could end them")
    with served() as server:
        command = [sys.executable, "-m", "perfkit", "load", server.url, "--engine", "locust"]
        command += ["--workers", "1", "--for", "60s"]
        with subprocess.Popen(
            command, env={**os.environ, "TMPDIR": str(tmp_path)}, stderr=subprocess.DEVNULL
        ) as running:
            awaited(lambda: server.seen or running.poll() is not None)
            assert len(holding(str(tmp_path))) >= 3  # itself, the master, the worker
            running.send_signal(how)
            running.communicate(timeout=60)
    assert running.returncode == code
    awaited(lambda: not holding(str(tmp_path)))


def test_connecting_is_bounded_in_time() -> None:
    closed = []

    @asynccontextmanager
    async def never() -> AsyncIterator[Sender]:
        try:
            await asyncio.Event().wait()
            yield CallSender(int, 1)
        finally:
            closed.append(True)

    async def connect(*, stopped: bool) -> None:
        stop = asyncio.Event()
        if stopped:
            stop.set()
        async with connected(never, "shop", stop=stop, within=60 if stopped else 0.01):
            raise AssertionError

    with pytest.raises(MeasurementError, match=r"shop: no connection within 0\.01 s"):
        asyncio.run(connect(stopped=False))
    with pytest.raises(InterruptedMeasurementError, match="before there was a connection"):
        asyncio.run(connect(stopped=True))
    assert closed == [True, True]


@pytest.mark.parametrize("loop", [fast_loop(), None], ids=["fast", "asyncio"])
def test_what_signals_did_before_a_load_they_do_after_it(
    loop: Callable[[], asyncio.AbstractEventLoop] | None,
) -> None:
    async def stopped() -> None:
        with stopped_by_signals() as stop:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(stop.wait(), 60)

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(one) for one in signals]
    try:
        # As the command line sets it.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(stopped())
        after = [signal.getsignal(one) for one in signals]
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
    assert after == [before[0], signal.default_int_handler]
