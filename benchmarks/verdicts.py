"""Verdicts on the reference workload: the same commit must pass every time, list_scan must fail.

Runs ``perfkit compare`` in a scratch clone: ``--times`` comparisons of one commit with itself, and
one of the planted list scan. Prints every verdict and exits 1 when one is wrong.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLANTED = "benchmarks/workload/planted/list_scan.patch"
BENCHMARKS = "WarmCorrector|InProcess"


def main() -> int:
    """Run all comparisons; return 0 when each says what it must."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--max-rounds", type=int, default=10)
    options = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="perfkit-verdicts-") as scratch:
        clone = Path(scratch, "project")
        git(ROOT, "clone", "--quiet", str(ROOT), str(clone))
        for attempt in range(options.times):
            arguments = ("HEAD", "HEAD", "--seed", str(attempt))
            wrong += not judged(clone, options.max_rounds, 0, *arguments)
        git(clone, "apply", PLANTED)
        git(clone, "commit", "--quiet", "--all", "--message", "Look words up in a list")
        wrong += not judged(clone, options.max_rounds, 1, "HEAD~1", "HEAD")
    print(f"{options.times + 1 - wrong} of {options.times + 1} verdicts as they must be")
    return 1 if wrong else 0


def judged(clone: Path, max_rounds: int, wanted: int, *arguments: str) -> bool:
    """Run one comparison, print its rows, and return whether it exited as wanted."""
    command = [sys.executable, "-m", "perfkit", "compare", *arguments]
    command += ["--bench", BENCHMARKS, "--max-rounds", str(max_rounds), "--json"]
    done = subprocess.run(command, cwd=clone, stdout=subprocess.PIPE, check=False)
    report = json.loads(done.stdout)
    rows = ", ".join(
        f"{row['benchmark']['name']} {row['verdict']}" for row in report.get("comparisons", [])
    )
    print(f"{' '.join(arguments)}: exit {done.returncode}, wanted {wanted}: {rows}", flush=True)
    return done.returncode == wanted


def git(folder: Path, *arguments: str) -> None:
    """Run one git command, with an author of this script's own."""
    author = ["-c", "user.name=perfkit", "-c", "user.email=verdicts@perfkit.invalid"]
    subprocess.run(["git", *author, *arguments], cwd=folder, check=True)


if __name__ == "__main__":
    sys.exit(main())
