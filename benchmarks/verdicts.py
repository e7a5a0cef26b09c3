"""Verdicts on the reference workload: a commit passes against itself, what is planted fails.

Runs perfkit in a scratch clone: ``--times`` comparisons of one commit with itself, and one of each
planted regression, whose comment must name the file of its culprit. Prints every verdict and exits
1 when one is wrong.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLANTED = {
    "cache_removed": ("compare", "workload/corrector.py"),
    "lipi_replaced": ("compare", "workload/romanise.py"),
    "list_scan": ("compare", "workload/lexicon.py"),
    "cue_kept": ("check", "workload/pipeline.py"),
}
"""Patch -> the verb that has to fail (leaks are a matter of ``check``), and the culprit's file."""

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
            arguments = ("compare", "HEAD", "HEAD", "--seed", str(attempt))
            wrong += not judged(clone, options.max_rounds, 0, *arguments)
        for patch, (verb, culprit) in PLANTED.items():
            git(clone, "reset", "--quiet", "--hard", "origin/HEAD")
            git(clone, "apply", f"benchmarks/workload/planted/{patch}.patch")
            git(clone, "commit", "--quiet", "--all", "--message", f"Plant {patch}")
            head = ("--head", "HEAD") if verb == "check" else ("HEAD",)
            failed = judged(clone, options.max_rounds, 1, verb, "HEAD~1", *head)
            wrong += not (failed and named(clone, culprit))
    asked = options.times + len(PLANTED)
    print(f"{asked - wrong} of {asked} verdicts as they must be")
    return 1 if wrong else 0


def judged(clone: Path, max_rounds: int, wanted: int, *arguments: str) -> bool:
    """Run one verb, print its rows, and return whether it exited as wanted."""
    command = [sys.executable, "-m", "perfkit", *arguments]
    command += ["--bench", BENCHMARKS, "--max-rounds", str(max_rounds), "--json"]
    done = subprocess.run(command, cwd=clone, stdout=subprocess.PIPE, check=False)
    report = json.loads(done.stdout)
    rows = [f"{row['benchmark']['name']} {row['verdict']}" for row in report.get("comparisons", [])]
    rows += [f"{leak['target']} {leak['state']}" for leak in report.get("leaks", [])]
    said = f"{' '.join(arguments)}: exit {done.returncode}, wanted {wanted}: {', '.join(rows)}"
    print(said, flush=True)
    return done.returncode == wanted


def named(clone: Path, culprit: str) -> bool:
    """Return, and print, whether the comment on the last report names the culprit's file."""
    command = [sys.executable, "-m", "perfkit", "comment"]
    comment = subprocess.run(command, cwd=clone, stdout=subprocess.PIPE, check=False, text=True)
    lines = [line for line in comment.stdout.splitlines() if culprit in line]
    print(f"  {culprit} in the comment: {lines[0].strip() if lines else 'NOT THERE'}", flush=True)
    return bool(lines)


def git(folder: Path, *arguments: str) -> None:
    """Run one git command, with an author of this script's own."""
    author = ["-c", "user.name=perfkit", "-c", "user.email=verdicts@perfkit.invalid"]
    subprocess.run(["git", *author, *arguments], cwd=folder, check=True)


if __name__ == "__main__":
    sys.exit(main())
