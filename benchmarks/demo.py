"""The main job of perfkit on the reference workload: once green, once with a planted regression.

Works in a scratch clone, so that nothing of this checkout is touched but the page that it leaves in
``.perfkit``: the dashboard of the workload's server. ``--short`` runs fewer rounds. Exits 0 only
when the healthy change passed, the planted one failed, and the dashboard shows what was recorded.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLANTED = "benchmarks/workload/planted/list_scan.patch"
FAST = "WarmCorrector|InProcess|Corrections"
"""Benchmarks of the demo: the ones that start no server."""
DASHBOARD = ROOT / ".perfkit" / "dashboard.html"
"""What stays when the demo is over; `make clean` removes it."""


def main() -> int:
    """Run the demo and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer rounds")
    short = parser.parse_args().short
    rounds = ["--max-rounds", "7" if short else "10"]
    with tempfile.TemporaryDirectory(prefix="perfkit-demo-") as scratch:
        clone = Path(scratch, "project")
        git(ROOT, "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone))
        git(clone, "checkout", "--quiet", "-B", "main")

        title("Where does the time of one lecture go?")
        profiled = perfkit(
            clone, "profile", "workload.pipeline:run_lecture", "--repeat", "auto", "--top", "6"
        )

        title("A change that changes nothing: budgets, leaks and benchmarks are checked")
        green = perfkit(clone, "check", "--bench", FAST, *rounds)

        title("A change that replaces a dictionary by a list: the same check")
        git(clone, "checkout", "--quiet", "-b", "planted")
        git(clone, "apply", PLANTED)
        git(clone, "commit", "--quiet", "--all", "--message", "Look words up in a list")
        red = perfkit(clone, "check", "--bench", FAST, "--no-leaks", *rounds)

        title("What a reviewer would read")
        perfkit(clone, "comment")

        title("In production: the same server records what it does")
        git(clone, "checkout", "--quiet", "main")
        DASHBOARD.unlink(missing_ok=True)
        work(clone)
        watched = perfkit(clone, "monitor", "--window", "1min", "--html", str(DASHBOARD))
    print()
    print(f"profile exited {profiled}, the harmless change {green}, the planted one {red}")
    decided = (profiled, green, red) == (0, 0, 1)
    if decided:
        print("as it should be: 0 lets a merge through, 1 blocks it")
    else:
        print("wanted 0, 0 and 1: on a very loaded machine a comparison can stay inconclusive")
    if watched not in {0, 1}:
        print(
            f"monitor exited {watched}, wanted 0, or 1 where an alert fires: nothing was recorded"
        )
        return 1
    print(f"The dashboard of the server: {DASHBOARD}")
    return 0 if decided else 1


def title(text: str) -> None:
    """Print a heading, in order with what the processes print."""
    print(f"\n{'=' * 100}\n{text}\n{'=' * 100}", flush=True)


def perfkit(folder: Path, *arguments: str) -> int:
    """Show and run one perfkit command; return its exit code."""
    print(f"$ perfkit {' '.join(quoted(arguments))}\n", flush=True)
    command = [sys.executable, "-m", "perfkit", *arguments]
    code = subprocess.run(command, cwd=folder, env=environment(folder), check=False).returncode
    print(f"\n(exit code {code})", flush=True)
    return code


def work(folder: Path) -> None:
    """Let the server of the clone record some seconds of work into the store of its settings."""
    script = ["benchmarks/monitoring/busy.py", ".perfkit/telemetry.sqlite"]
    print(f"$ python {' '.join(script)}", flush=True)
    subprocess.run([sys.executable, *script], cwd=folder, env=environment(folder), check=True)


def environment(folder: Path) -> dict[str, str]:
    """The lecture's own package is taken as the clone has it, not as it may be installed."""
    return {**os.environ, "PYTHONPATH": str(folder / "benchmarks" / "workload")}


def quoted(arguments: Sequence[str]) -> list[str]:
    """Return arguments as a shell would want them."""
    return [shlex.quote(argument) for argument in arguments]


def git(folder: Path, *arguments: str) -> None:
    """Run one git command, with an author of the demo's own."""
    author = ["-c", "user.name=perfkit demo", "-c", "user.email=demo@perfkit.invalid"]
    subprocess.run(["git", *author, *arguments], cwd=folder, check=True)


if __name__ == "__main__":
    sys.exit(main())
