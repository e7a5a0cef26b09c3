"""What `perfkit profile` costs and how exact it is: `python benchmarks/profile_figures.py`.

perfkit and bare pyinstrument take turns on the same programs at the same interval. Printed, for
three programs: the length of the recording, perfkit / pyinstrument (median of the rounds, which
run both in pairs), and by how much the self times of all functions miss that length. Then the
share error on a program whose functions take known shares of the time, how much of the processor
time of threads and processes each of the two attributes, and the processor time of both commands
on a program that does nothing.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perfkit.profiling.capture import MAIN_THREAD, Scope, capture
from perfkit.profiling.reading import read
from perfkit.profiling.recording import Recording
from perfkit.targets import parse_target

ROUNDS = 5

PROGRAMS = {
    "calls": """
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
fib(30)
""",
    "loops": """
words = [f"word{number}" for number in range(9000)]
for word in words[::2]:
    for known in words:
        if known == word:
            break
""",
    "library": """
import json
for _ in range(90_000):
    json.loads(json.dumps({"cues": [{"start": number, "text": "om"} for number in range(6)]}))
""",
}

SHARES = {"half": 0.5, "third": 0.3, "fifth": 0.15, "twentieth": 0.05}

# Every function works for its share of each 100 ms, whatever the profiler costs.
KNOWN = "import time\n" + "".join(
    f"""
def {name}():
    end = time.perf_counter() + {share} / 10
    while time.perf_counter() < end:
        pass
"""
    for name, share in SHARES.items()
)
KNOWN += f"for _ in range(20):\n    {'; '.join(f'{name}()' for name in SHARES)}\n"


# Every worker spins for one second of processor time, which is what there is to attribute.
SPIN = """
import time

def spin():
    end = time.thread_time() + 1
    while time.thread_time() < end:
        sum(range(100))
"""
PROCESSES = """
import multiprocessing

if __name__ == "__main__":
    context = multiprocessing.get_context("{}")
    workers = [context.Process(target=spin) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
"""
PARALLEL = {
    "3 threads": (
        3,
        Scope(threads=True),
        SPIN
        + """
import threading

workers = [threading.Thread(target=spin) for _ in range(3)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
""",
    ),
    "4 processes, fork": (4, Scope(children=True), SPIN + PROCESSES.format("fork")),
    "4 processes, spawn": (4, Scope(children=True), SPIN + PROCESSES.format("spawn")),
    "4 processes, subprocess": (
        4,
        Scope(children=True),
        """
import subprocess, sys

workers = [subprocess.Popen([sys.executable, "spinner.py"]) for _ in range(4)]
for worker in workers:
    worker.wait()
""",
    ),
}


def recorded(folder: Path, scope: Scope = MAIN_THREAD) -> Recording:
    """Return perfkit's recording of the program in ``folder``."""
    return capture(parse_target("program.py", cwd=folder), cwd=folder, scope=scope)


def bare(folder: Path) -> dict[str, Any]:
    """Return the recording that pyinstrument's own command makes, as it writes it."""
    session = folder / "bare.pyisession"
    command = ["-m", "pyinstrument", "-r", "session", "-o", str(session), "program.py"]
    subprocess.run([sys.executable, *command], cwd=folder, check=True)
    return dict(json.loads(session.read_text()))


def seconds_in_spin(session: Mapping[str, Any]) -> float:
    """Return the time of the samples that were taken inside of the work."""
    return sum(
        seconds
        for stack, seconds in session["frame_records"]
        if any(frame.startswith("spin\x00") for frame in stack)
    )


def parallel(folder: Path) -> None:
    """Print what both attribute of the work of threads and processes."""
    (folder / "spinner.py").write_text(SPIN + "spin()\n")
    print(f"{'processor time attributed':<26}{'perfkit':>10}{'bare':>10}")
    for name, (workers, scope, source) in PARALLEL.items():
        (folder / "program.py").write_text(source)
        ours = seconds_in_spin(recorded(folder, scope).session) / workers
        theirs = seconds_in_spin(bare(folder)) / workers
        print(f"{name:<26}{ours:>10.1%}{theirs:>10.1%}")


def processor_seconds(folder: Path, *command: str) -> float:
    """Return what one command and its children used."""
    before = os.times()
    subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    after = os.times()
    return (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        program = folder / "program.py"
        print(f"{'program':<10}{'perfkit':>10}{'bare':>10}{'ratio':>8}{'self times miss':>18}")
        for name, source in PROGRAMS.items():
            program.write_text(source)
            rounds = [(recorded(folder), float(bare(folder)["duration"])) for _ in range(ROUNDS)]
            ratio = statistics.median(ours.seconds / other for ours, other in rounds)
            missed = [
                1 - sum(hot.self_seconds for hot in read(ours).hotspots) / ours.seconds
                for ours, _ in rounds
            ]
            print(
                f"{name:<10}{statistics.median(ours.seconds for ours, _ in rounds):>8.3f} s"
                f"{statistics.median(other for _, other in rounds):>8.3f} s{ratio:>8.3f}"
                f"{max(missed, key=abs):>17.2%}"
            )
        program.write_text(KNOWN)
        known = read(recorded(folder))
        found = {hot.function.name: hot.self_share for hot in known.hotspots}
        worst = max(abs(found[name] - share) for name, share in SHARES.items())
        print(f"known shares: largest error {worst:.2%} at {known.samples} samples")
        parallel(folder)
        program.write_text("")
        pairs = [
            (
                processor_seconds(folder, "perfkit", "profile", "program.py"),
                processor_seconds(folder, "pyinstrument", "program.py"),
            )
            for _ in range(ROUNDS)
        ]
        ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(f"nothing to do: perfkit {ours:.2f} s, pyinstrument {theirs:.2f} s of processor time")


if __name__ == "__main__":
    main()
