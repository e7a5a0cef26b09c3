"""CPU time of ``perfkit --help`` beside what its libraries alone cost, in paired runs.

Prints the median of the pairwise ratios and exits 1 when it is above the limit. CPU time of the
finished process (user and system) is asked from the operating system, so that a busy machine
disturbs it less than wall time.
"""

import argparse
import os
import statistics
import subprocess
import sys

LIMIT = 1.6
"""Largest allowed ratio of ``perfkit --help`` to importing typer and rich's console."""

BASELINE = [sys.executable, "-c", "import typer, rich.console"]
HELP = [sys.executable, "-m", "perfkit", "--help"]


def cpu_seconds(command: list[str]) -> float:
    """Return user plus system time of one run."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command} exited with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    """Measure and print; return 1 when the limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=41)
    pairs = parser.parse_args().pairs
    for command in (BASELINE, HELP):
        cpu_seconds(command)  # compiles and reads the files once
    measured = []
    for pair in range(pairs):
        first, second = (BASELINE, HELP) if pair % 2 else (HELP, BASELINE)
        found = {tuple(first): cpu_seconds(first)}
        found[tuple(second)] = cpu_seconds(second)
        measured.append((found[tuple(HELP)], found[tuple(BASELINE)]))
    ratios = sorted(ours / theirs for ours, theirs in measured)
    ratio = statistics.median(ratios)
    print(f"pairs                      {pairs}")
    print(
        f"perfkit --help             {statistics.median(m[0] for m in measured) * 1e3:.0f} ms CPU"
    )
    print(
        f"import typer, rich.console {statistics.median(m[1] for m in measured) * 1e3:.0f} ms CPU"
    )
    print(
        f"ratio                      {ratio:.2f} (quartiles {ratios[pairs // 4]:.2f} to"
        f" {ratios[3 * pairs // 4]:.2f}), limit {LIMIT}"
    )
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
