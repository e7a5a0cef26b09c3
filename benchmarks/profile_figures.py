"""What `perfkit profile` costs and how exact it is: `python benchmarks/profile_figures.py`.

perfkit and bare pyinstrument take turns on the same programs at the same interval. Printed, for
three programs: the length of the recording, perfkit / pyinstrument (median of the rounds, which
run both in pairs), and by how much the self times of all functions miss that length. Then the
share error on a program whose functions take known shares of the time, and the processor time of
both commands on a program that does nothing.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from perfkit.profiling.capture import capture
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


def recorded(folder: Path) -> Recording:
    """Return perfkit's recording of the program in ``folder``."""
    return capture(parse_target("program.py", cwd=folder), cwd=folder)


def bare_seconds(folder: Path) -> float:
    """Return the length of the recording that pyinstrument's own command makes."""
    session = folder / "bare.pyisession"
    command = ["-m", "pyinstrument", "-r", "session", "-o", str(session), "program.py"]
    subprocess.run([sys.executable, *command], cwd=folder, check=True)
    return float(json.loads(session.read_text())["duration"])


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
            rounds = [(recorded(folder), bare_seconds(folder)) for _ in range(ROUNDS)]
            ratio = statistics.median(ours.seconds / bare for ours, bare in rounds)
            missed = [
                1 - sum(hot.self_seconds for hot in read(ours).hotspots) / ours.seconds
                for ours, _ in rounds
            ]
            print(
                f"{name:<10}{statistics.median(ours.seconds for ours, _ in rounds):>8.3f} s"
                f"{statistics.median(bare for _, bare in rounds):>8.3f} s{ratio:>8.3f}"
                f"{max(missed, key=abs):>17.2%}"
            )
        program.write_text(KNOWN)
        known = read(recorded(folder))
        found = {hot.function.name: hot.self_share for hot in known.hotspots}
        worst = max(abs(found[name] - share) for name, share in SHARES.items())
        print(f"known shares: largest error {worst:.2%} at {known.samples} samples")
        program.write_text("")
        pairs = [
            (
                processor_seconds(folder, "perfkit", "profile", "program.py"),
                processor_seconds(folder, "pyinstrument", "program.py"),
            )
            for _ in range(ROUNDS)
        ]
        ours, bare = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(f"nothing to do: perfkit {ours:.2f} s, pyinstrument {bare:.2f} s of processor time")


if __name__ == "__main__":
    main()
