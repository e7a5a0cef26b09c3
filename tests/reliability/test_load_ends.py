"""A load that is ended early leaves no server that it has started."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perfkit.errors import ExitCode

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
