"""Is the guilty function the first name in the comment? `python benchmarks/culprits/planted.py`.

For each planted regression of the reference workload: a clone of this repository gets the patch as
uncommitted work, `perfkit check HEAD` judges it, and `perfkit comment` is read as a reviewer would.
Takes some minutes per patch. Exits with 1 where another name comes first, or none.
"""

import argparse
import html
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLANTED = ROOT / "benchmarks" / "workload" / "planted"

GUILTY = {
    "cache_removed": "_search",
    "cue_kept": "process_transcript",
    "lipi_replaced": "romanise",
    "list_scan": "_scan",
}
"""Patch -> the function whose cost or memory it changed."""

NAMED = re.compile(r"(?:↳ (?:maybe )?|^  - )<code>(.*?)</code>", re.MULTILINE)
BENCHMARKS = r"spelling\..*time|InProcess\.time"


def perfkit(folder: Path, *words: str) -> str:
    """Return the stdout of one command, whatever its exit code: a regression is what is wanted."""
    done = subprocess.run(
        [sys.executable, "-m", "perfkit", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.stdout


def names_in_comment(patch: str, scratch: Path, rounds: int) -> list[str]:
    """Return the functions that the comment names, in its order."""
    clone = scratch / "perfkit"
    subprocess.run(["git", "clone", "--quiet", "--shared", str(ROOT), str(clone)], check=True)
    subprocess.run(["git", "apply", str(PLANTED / f"{patch}.patch")], cwd=clone, check=True)
    limits = ("--min-rounds", str(rounds), "--max-rounds", str(rounds))
    perfkit(clone, "check", "HEAD", "--bench", BENCHMARKS, *limits)
    document = json.loads(perfkit(clone, "comment", "--json"))
    found = [html.unescape(name) for name in NAMED.findall(document["markdown"])]
    (scratch / "comment.md").write_text(document["markdown"], "utf-8")
    return found


def main() -> None:
    """Print one line per patch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patches", nargs="*", default=[*GUILTY])
    parser.add_argument("--rounds", type=int, default=6)
    options = parser.parse_args()
    print(f"{'patch':<16}{'guilty':<20}{'first in the comment':<60}met")
    missed = 0
    for patch in options.patches:
        with tempfile.TemporaryDirectory(prefix="perfkit-") as folder:
            found = names_in_comment(patch, Path(folder), options.rounds)
        first = found[0] if found else "nobody"
        met = GUILTY[patch] in re.split(r"[ .]", first)
        missed += not met
        print(f"{patch:<16}{GUILTY[patch]:<20}{first:<60}{'yes' if met else 'NO'}", flush=True)
    sys.exit(missed > 0)


if __name__ == "__main__":
    main()
