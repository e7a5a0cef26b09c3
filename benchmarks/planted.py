"""How much slower each planted regression makes a lecture: `python benchmarks/planted.py`.

Healthy and patched tree take turns, one process each per round; a process's value is its fastest
of twenty warm lectures. Printed: the median over rounds, and the ratio patched / healthy.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

WORKLOAD = Path(__file__).resolve().parent / "workload"
ROUNDS = 5

FASTEST = """
import time
from workload.pipeline import run_lecture
run_lecture()
def seconds():
    start = time.perf_counter()
    run_lecture()
    return time.perf_counter() - start
print(min(seconds() for _ in range(20)), run_lecture().digest)
"""


def tree(root: Path, patch: Path | None) -> Path:
    """Copy the workload below ``root``, apply ``patch`` to it, and return the import path."""
    copied = root / "benchmarks" / "workload"
    shutil.copytree(WORKLOAD, copied, ignore=shutil.ignore_patterns("__pycache__", "planted"))
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    if patch is not None:
        subprocess.run(["git", "apply", str(patch)], cwd=root, check=True)
    return copied


def fastest(path: Path) -> tuple[float, str]:
    """Return the seconds of the fastest lecture in a new process, and the output's digest."""
    environment = {**os.environ, "PYTHONPATH": str(path)}
    printed = subprocess.check_output([sys.executable, "-c", FASTEST], env=environment, text=True)
    seconds, digest = printed.split()
    return float(seconds), digest


def main() -> None:
    """Print one line per patch."""
    print(f"{'patch':<16}{'healthy':>10}{'patched':>10}{'ratio':>8}  output")
    for patch in sorted((WORKLOAD / "planted").glob("*.patch")):
        with tempfile.TemporaryDirectory() as scratch:
            healthy = tree(Path(scratch, "healthy"), None)
            patched = tree(Path(scratch, "patched"), patch)
            rounds = [(fastest(healthy), fastest(patched)) for _ in range(ROUNDS)]
        base = statistics.median(before[0] for before, _ in rounds)
        head = statistics.median(after[0] for _, after in rounds)
        same = len({digest for pair in rounds for _, digest in pair}) == 1
        print(
            f"{patch.stem:<16}{base * 1e3:>7.2f} ms{head * 1e3:>7.2f} ms{head / base:>8.2f}"
            f"  {'the same' if same else 'DIFFERENT'}"
        )


if __name__ == "__main__":
    main()
