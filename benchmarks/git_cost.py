"""What a commit's results cost in git: perfkit's files beside asv's, with every sample kept.

Stores the same simulated measurements of ``--commits`` commits with perfkit and with the
installed asv (as ``asv run --record-samples`` does), commits each, packs both repositories with
``git gc`` and prints the bytes that each further commit adds to the pack, trees included.
"""

import argparse
import datetime as dt
import math
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

from asv.results import Results

from perfkit.baselines.store import save_run
from perfkit.model import BenchmarkId, Environment, Run, Sample, Unit

REQUIRED = 10 * 1024
"""Bytes per commit that 200 benchmarks with 10 samples may cost."""

ENVIRONMENT = Environment(
    label="runner",
    cpu="AMD EPYC 7763 64-Core Processor",
    cores=4,
    memory_bytes=16 * 2**30,
    system="Linux",
    kernel="6.8.0",
    libc="glibc 2.39",
    python="3.12.4 (CPython)",
    governor=None,
    quota_cores=None,
    packages_digest="0" * 16,
    load=0.5,
)

PACKAGES = tuple(
    (f"package-{number:02d}", f"{number % 5}.{number * 7 % 13}.{number % 3}")
    for number in range(80)
)
"""As many as a project of some size has installed."""

Values = dict[str, list[list[float]]]
"""Benchmark -> processes -> samples in seconds."""

Store = Callable[[Path, str, int, Values], None]


def main() -> int:
    """Measure both; return 0 when perfkit's figure is within the bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=40)
    parser.add_argument("--benchmarks", type=int, default=200)
    parser.add_argument("--processes", type=int, default=10)
    parser.add_argument("--samples", type=int, default=1, help="per process")
    options = parser.parse_args()
    stream = measurements(options.commits, options.benchmarks, options.processes, options.samples)
    measured = list(stream)
    with tempfile.TemporaryDirectory(prefix="perfkit-git-cost-") as scratch:
        ours = cost(Path(scratch, "perfkit"), measured, store_perfkit)
        theirs = cost(Path(scratch, "asv"), measured, store_asv)
    print(
        f"{options.benchmarks} benchmarks x {options.processes} processes x {options.samples}"
        f" samples, {options.commits} commits, packed bytes per further commit:"
    )
    print(f"  perfkit     {ours / 1024:7.1f} KiB")
    print(f"  asv {version('asv'):<7} {theirs / 1024:7.1f} KiB")
    met = "met" if ours <= REQUIRED else "NOT met"
    print(f"Required: perfkit at most {REQUIRED / 1024:.0f} KiB: {met}.")
    return 0 if ours <= REQUIRED else 1


def measurements(commits: int, benchmarks: int, processes: int, samples: int) -> Iterator[Values]:
    """Yield one commit's values after the other: 1 % within, 3 % between processes."""
    rng = random.Random(1)
    levels = {
        f"suite_{n % 20:02d}.Class{n % 7}.time_something_{n}": 10 ** rng.uniform(-7, 0)
        for n in range(benchmarks)
    }
    for _ in range(commits):
        found: Values = {}
        for name, level in levels.items():
            centres = [level * rng.lognormvariate(0, 0.03) for _ in range(processes)]
            found[name] = [
                [centre * rng.lognormvariate(0, 0.01) for _ in range(samples)] for centre in centres
            ]
        yield found


def description(name: str) -> dict[str, object]:
    """Return what asv_runner says about a benchmark."""
    code = f"def {name.rpartition('.')[2]}(self):\n    work({name!r})\n"
    return {"name": name, "params": [], "param_names": [], "type": "time", "unit": "seconds",
            "version": f"{random.Random(name).getrandbits(256):064x}", "code": code}  # fmt: skip


def store_perfkit(folder: Path, commit: str, number: int, values: Values) -> None:
    """Store one commit's values with perfkit."""
    descriptions = {name: description(name) for name in values}
    run = Run(
        identity=f"{1_700_000_000_000 + number * 86_400_000:013d}",
        commit=commit,
        dirty=False,
        date=1_700_000_000_000 + number * 86_000_000,
        started=1_700_000_000_000 + number * 86_400_000,
        environment=ENVIRONMENT,
        samples=tuple(
            Sample(
                benchmark=BenchmarkId(name),
                unit=Unit.SECONDS,
                processes=tuple(map(tuple, processes)),
                rounds=tuple(range(len(processes))),
                source_hash=str(descriptions[name]["version"]),
                loops=(calls(processes[0][0]),) * len(processes),
                warmup=0.1,
            )
            for name, processes in values.items()
        ),
        perfkit="0.1.0",
        asv_runner="0.3.1",
        packages=PACKAGES,
        loads=tuple(0.01 * (number * 7 % 13 + place) for place in range(10)),
    )
    save_run(folder, run, descriptions)


def calls(seconds: float) -> int:
    """Return how often asv_runner calls a function per value: until a value takes 10 ms."""
    return math.ceil(0.0105 / seconds) if seconds < 0.01 else 1


def store_asv(folder: Path, commit: str, number: int, values: Values) -> None:
    """Store the same with asv, each sample as the float that it is."""
    machine = {"machine": "runner", "cpu": ENVIRONMENT.cpu, "num_cpu": "4", "os": "Linux 6.8.0"}
    results = Results(
        machine, {}, commit, 1_700_000_000_000 + number * 86_000_000, "3.12", "venv-py3.12", {}
    )
    started = dt.datetime.fromtimestamp(1_700_000_000 + number * 86_400, dt.UTC)
    for name, processes in values.items():
        flat = [value for process in processes for value in process]
        measured = SimpleNamespace(
            result=[None], samples=[flat], number=[1], stderr="", errcode=0, profile=None
        )
        measured.result = [0.0]  # asv puts the median of the samples here
        results.add_result(
            description(name), measured, started_at=started, duration=1.234, record_samples=True
        )
    results.save(str(folder))


def cost(folder: Path, measured: list[Values], store: Store) -> float:
    """Return the packed bytes per commit after the first."""
    folder.mkdir()
    git(folder, "init", "--quiet")
    sizes = []
    for number, values in enumerate(measured):
        commit = f"{random.Random(number).getrandbits(160):040x}"
        store(folder / "results", commit, number, values)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", f"Measure {commit[:8]}")
        if number in {0, len(measured) - 1}:
            git(folder, "gc", "--quiet")
            packs = (folder / ".git" / "objects" / "pack").glob("*.pack")
            sizes.append(sum(pack.stat().st_size for pack in packs))
    return (sizes[-1] - sizes[0]) / (len(measured) - 1)


def git(folder: Path, *arguments: str) -> None:
    """Run one git command, with an author of this script's own."""
    author = ["-c", "user.name=perfkit", "-c", "user.email=cost@perfkit.invalid"]
    subprocess.run(["git", *author, *arguments], cwd=folder, check=True)


if __name__ == "__main__":
    sys.exit(main())
