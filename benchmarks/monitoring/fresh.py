"""How long an event takes from the application into the live dashboard of another process.

One process records with perfkit.runtime. Another is `perfkit monitor` on a terminal of its own
(a pty). Each event has a name of its own; the time counts from before the event is recorded, on
the machine's monotonic clock, until its name has been read from the terminal. Events come at
random times within a second, since both processes keep to whole seconds.
"""

import argparse
import os
import pty
import random
import re
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

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "runtime"))

from pages import DOCS, reported

LIMIT_SECONDS = 2.0
GIVEN_UP_SECONDS = 30.0
LINES, COLUMNS = 200, 120
"""Of the terminal; every event that was recorded has to fit."""

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
    parser.add_argument("--events", type=int, default=40)
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args()
    if options.events > LINES // 2:
        parser.error(f"at most {LINES // 2} events have room on the terminal")
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder, "telemetry.sqlite")
        with application(store) as recorder, terminal(store, Path(folder)) as screen:
            taken = sorted(one_event(recorder, screen, rng) for _ in range(options.events))
    middle, longest = taken[len(taken) // 2], taken[-1]
    text = (
        f"{len(taken)} events, from the call of `runtime.event` to the live view of another"
        f" process: median {middle:.2f} s, shortest {taken[0]:.2f} s, longest {longest:.2f} s.\n"
    )
    required = {f"seen within {LIMIT_SECONDS:g} s: {longest:.2f} s": longest <= LIMIT_SECONDS}
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
    seen = b""
    while time.monotonic() - began < GIVEN_UP_SECONDS:
        if select([screen], [], [], 0.5)[0]:
            seen = seen[-len(name) :] + os.read(screen, 65536)
            if name.encode() in seen:
                return time.monotonic() - began
    raise SystemExit(f"{name} was not seen within {GIVEN_UP_SECONDS:g} s: {seen[-2000:]!r}")


def drain(screen: int, seconds: float) -> bytes:
    """Read what the terminal gets meanwhile."""
    until, seen = time.monotonic() + seconds, b""
    while (left := until - time.monotonic()) > 0:
        if select([screen], [], [], left)[0]:
            try:
                seen += os.read(screen, 65536)
            except OSError:  # the program behind the terminal has ended
                break
    return seen


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
        first = drain(ours, 3.0)
        if not re.search(rb"shop", first):
            raise SystemExit(f"the first frame does not show the component: {first[-500:]!r}")
        yield ours
    finally:
        os.write(ours, b"q")
        drain(ours, 1.0)
        process.terminate()
        process.wait()
        os.close(ours)


if __name__ == "__main__":
    sys.exit(main())
