"""Verdicts on the reference workload: a commit passes against itself, what is planted fails.

Runs perfkit in a scratch clone: ``--times`` comparisons of one commit with itself, and one of each
planted regression, whose comment must name the file of its culprit. Prints every verdict and exits
1 when one is wrong. ``--write-docs`` puts what was found, right or wrong, into docs/workload.md.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "accuracy"))

from pages import ROOT, environment, table, write_section

PLANTED = {
    "cache_removed": ("compare", "workload/corrector.py"),
    "lipi_replaced": ("compare", "workload/romanise.py"),
    "list_scan": ("compare", "workload/lexicon.py"),
    "cue_kept": ("check", "workload/pipeline.py"),
}
"""Patch -> the verb that has to fail (leaks are a matter of ``check``), and the culprit's file."""

BENCHMARKS = "WarmCorrector|InProcess"


SECTION = "verdicts"
PAGE = "workload.md"


@dataclass(frozen=True)
class Judged:
    """What one run of a verb came to: its exit code, and each row with its verdict."""

    verb: str
    exit_code: int
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What became of one planted regression; ``line`` is the comment's, empty without culprit."""

    patch: str
    judged: Judged
    culprit: str
    line: str

    @property
    def right(self) -> bool:
        """Whether the merge is blocked, and the comment says where to look."""
        return self.judged.exit_code == 1 and bool(self.line)


def main() -> int:
    """Run all comparisons; return 0 when each says what it must."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--max-rounds", type=int, default=10)
    parser.add_argument("--write-docs", action="store_true", help=f"update docs/{PAGE}")
    options = parser.parse_args()
    same: list[Judged] = []
    planted: list[Found] = []
    with tempfile.TemporaryDirectory(prefix="perfkit-verdicts-") as scratch:
        clone = Path(scratch, "project")
        git(ROOT, "clone", "--quiet", str(ROOT), str(clone))
        for attempt in range(options.times):
            arguments = ("compare", "HEAD", "HEAD", "--seed", str(attempt))
            same.append(judged(clone, options.max_rounds, 0, *arguments))
        for patch, (verb, culprit) in PLANTED.items():
            git(clone, "reset", "--quiet", "--hard", "origin/HEAD")
            git(clone, "apply", f"benchmarks/workload/planted/{patch}.patch")
            git(clone, "commit", "--quiet", "--all", "--message", f"Plant {patch}")
            head = ("--head", "HEAD") if verb == "check" else ("HEAD",)
            found = judged(clone, options.max_rounds, 1, verb, "HEAD~1", *head)
            planted.append(Found(patch, found, culprit, named(clone, culprit)))
    asked = len(same) + len(planted)
    right = sum(one.exit_code == 0 for one in same) + sum(one.right for one in planted)
    print(f"{right} of {asked} verdicts as they must be")
    if options.write_docs:
        write_section(SECTION, "\n".join(lines_of(same, planted)), PAGE)
    return 0 if right == asked else 1


def lines_of(same: Sequence[Judged], planted: Sequence[Found]) -> list[str]:
    """Return the section of the page: what was run and when, and a row for each patch."""
    rows = [
        [
            f"`{one.patch}`",
            f"`{one.judged.verb}`",
            str(one.judged.exit_code),
            f"`{one.culprit}`: {'in the comment' if one.line else 'NOT in the comment'}",
        ]
        for one in planted
    ]
    passed = sum(one.exit_code == 0 for one in same)
    right = sum(one.right for one in planted)
    found = f"{right} of {len(planted)} blocked, with the culprit named"
    if same:
        found += f"; {passed} of {len(same)} comparisons of a commit with itself passed"
    return [
        f"`python benchmarks/verdicts.py --times {len(same)} --write-docs`, {environment()}.",
        "",
        *table(["patch", "verb", "exit code", "file of the culprit"], rows),
        "",
        f"{found}.",
    ]


def judged(clone: Path, max_rounds: int, wanted: int, *arguments: str) -> Judged:
    """Run one verb, print its rows beside the exit code that is wanted, and return them."""
    command = [sys.executable, "-m", "perfkit", *arguments]
    command += ["--bench", BENCHMARKS, "--max-rounds", str(max_rounds), "--json"]
    done = subprocess.run(command, cwd=clone, stdout=subprocess.PIPE, check=False)
    report = json.loads(done.stdout)
    rows = [f"{row['benchmark']['name']} {row['verdict']}" for row in report.get("comparisons", [])]
    rows += [f"{leak['target']} {leak['state']}" for leak in report.get("leaks", [])]
    said = f"{' '.join(arguments)}: exit {done.returncode}, wanted {wanted}: {', '.join(rows)}"
    print(said, flush=True)
    return Judged(arguments[0], done.returncode, tuple(rows))


def named(clone: Path, culprit: str) -> str:
    """Return, and print, the comment's first line that names the file; empty where none does."""
    command = [sys.executable, "-m", "perfkit", "comment"]
    comment = subprocess.run(command, cwd=clone, stdout=subprocess.PIPE, check=False, text=True)
    lines = [line.strip() for line in comment.stdout.splitlines() if culprit in line]
    print(f"  {culprit} in the comment: {lines[0] if lines else 'NOT THERE'}", flush=True)
    return lines[0] if lines else ""


def git(folder: Path, *arguments: str) -> None:
    """Run one git command, with an author of this script's own."""
    author = ["-c", "user.name=perfkit", "-c", "user.email=verdicts@perfkit.invalid"]
    subprocess.run(["git", *author, *arguments], cwd=folder, check=True)


if __name__ == "__main__":
    sys.exit(main())
