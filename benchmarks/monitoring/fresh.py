"""How long an event takes from the application into the live dashboard of another process.

One process records with perfkit.runtime. Another is `perfkit monitor` on a terminal of its own
(a pty), then `perfkit monitor --serve` with a reader of its server-sent events. Each event has a
name of its own; the time counts from before the event is recorded, on the machine's monotonic
clock, until its name has been read. Events come at random times within a second, since the
processes keep to whole seconds.
"""

import argparse
import os
import pty
import random
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path
from select import select
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "runtime"))

from pages import DOCS, reported

from perfkit.monitoring.component_rows import MOST_ROWS

LIMIT_SECONDS = 2.0
GIVEN_UP_SECONDS = 30.0
LINES, COLUMNS = 200, 120
"""Of the terminal; every event that was recorded has to fit."""
MOST_EVENTS = MOST_ROWS // 2
"""Each has a row in the dashboard, and both readers count."""

APPLICATION = """
import sys, time
from perfkit import runtime
runtime.start(sys.argv[1], component="shop")
for line in sys.stdin:
    at = time.monotonic()
    runtime.event(line.strip())
    print(at, flush=True)
"""


def main() -> int:
    """Measure; 1 when the limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=MOST_EVENTS)
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args()
    if not 0 < options.events <= MOST_EVENTS:
        parser.error(f"1 to {MOST_EVENTS} events have a row in the dashboard")
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder, "telemetry.sqlite")
        with application(store) as recorder:
            with terminal(store, Path(folder)) as screen:
                taken = sorted(one_event(recorder, screen, rng) for _ in range(options.events))
            with page(store, Path(folder)) as stream:
                served = sorted(one_event(recorder, stream, rng) for _ in range(options.events))
    text = (
        f"| {options.events} events each, from the call of `runtime.event` | shortest | median |"
        " longest |\n|---|--:|--:|--:|\n"
    )
    required = {}
    for where, found in (("on the terminal", taken), ("in the served page", served)):
        middle, longest = found[len(found) // 2], found[-1]
        text += f"| {where} | {found[0]:.2f} s | {middle:.2f} s | {longest:.2f} s |\n"
        met = longest <= LIMIT_SECONDS
        required[f"{where} within {LIMIT_SECONDS:g} s: {longest:.2f} s"] = met
    return reported("fresh", text, required, page=DOCS / "monitor.md", write=options.write_docs)


def one_event(recorder: subprocess.Popen[str], screen: int, rng: random.Random) -> float:
    """Record one event; return the seconds until it is seen. SystemExit where it never is."""
    assert recorder.stdin is not None  # noqa: S101  # it was started with pipes
    assert recorder.stdout is not None  # noqa: S101
    name = f"event_{rng.randrange(10**9):09}"
    drain(screen, rng.random())
    recorder.stdin.write(f"{name}\n")
    recorder.stdin.flush()
    began = float(recorder.stdout.readline())
    await_words(screen, name)
    return time.monotonic() - began


def await_words(screen: int, words: str) -> None:
    """Read until the words have come. SystemExit where they never do."""
    seen, until = b"", time.monotonic() + GIVEN_UP_SECONDS
    while time.monotonic() < until:
        if select([screen], [], [], 0.5)[0]:
            seen = seen[-len(words) :] + os.read(screen, 65536)
            if words.encode() in seen:
                return
    raise SystemExit(f"{words!r} was not seen within {GIVEN_UP_SECONDS:g} s: {seen[-500:]!r}")


def drain(screen: int, seconds: float) -> None:
    """Read what the terminal gets meanwhile."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if select([screen], [], [], left)[0]:
            try:
                os.read(screen, 65536)
            except OSError:  # the program behind the terminal has ended
                return


@contextmanager
def application(store: Path) -> Iterator[subprocess.Popen[str]]:
    """Hold a process that records an event for every line that it is given."""
    command = [sys.executable, "-c", APPLICATION, str(store)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        while not store.exists():
            if process.poll() is not None:
                raise SystemExit("the application ended at once")
            time.sleep(0.05)
        yield process  # leaving closes its input, and it ends


@contextmanager
def terminal(store: Path, folder: Path) -> Iterator[int]:
    """Hold `perfkit monitor` on a terminal, and yield what reads it."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    command = [sys.executable, "-m", "perfkit", "monitor", "--store", str(store)]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder)
    os.close(theirs)
    try:
        await_words(ours, "shop")
        yield ours
    finally:
        os.write(ours, b"q")
        drain(ours, 1.0)
        process.terminate()
        process.wait()
        os.close(ours)


@contextmanager
def page(store: Path, folder: Path) -> Iterator[int]:
    """Hold `perfkit monitor --serve`, and yield what reads the events of its page."""
    command = [sys.executable, "-m", "perfkit", "monitor", "--store", str(store)]
    command += ["--serve", "127.0.0.1:0"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None  # noqa: S101  # it was started with a pipe
        try:
            url = urlsplit(process.stderr.readline().split()[0])
            with socket.create_connection((str(url.hostname), url.port or 0)) as reader:
                host = url.netloc.encode()
                reader.sendall(b"GET /events HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
                await_words(reader.fileno(), "shop")
                yield reader.fileno()
        finally:
            process.terminate()


if __name__ == "__main__":
    sys.exit(main())
