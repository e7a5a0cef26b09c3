"""Noise and names on real profiles: `python benchmarks/culprits/real.py`.

A program of twelve functions is profiled for real. First A/A: both sides are the same, and the
relabelled sessions show how often anybody is named. Then a tenth of the whole time is added to one
function, another one each time. Printed as well: the noises that `simulated.py` draws.
"""

import argparse
import itertools
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np

from perfkit.profiling.capture import Where
from perfkit.profiling.charging import charge
from perfkit.profiling.difference import Profiled, Sides, difference
from perfkit.profiling.interleaved import interleaved, recorder
from perfkit.profiling.recording import Recording
from perfkit.profiling.sources import Sources
from perfkit.stats.size_factors import size_factors
from perfkit.targets.spec import parse_target

SHARES = [1 / rank for rank in range(1, 13)]


def program(slowed: int | None) -> str:
    """Return twelve functions of known work, one of them slower by a tenth of the whole."""
    unit = 6000 / sum(SHARES)
    work = [unit * share for share in SHARES]
    if slowed is not None:
        work[slowed] += sum(work) / 10
    parts = [
        f"def step{index}():\n    total = 0\n    for number in range({round(loops)}):\n"
        f"        total += number % 7\n    return total\n"
        for index, loops in enumerate(work)
    ]
    calls = "".join(f"    step{index}()\n" for index in range(len(work)))
    return "\n".join([*parts, f"def main():\n{calls}"])


def taken(
    before: int | None, after: int | None, sessions: int, seed: int
) -> tuple[list[Recording], list[Recording], Sources]:
    """Return interleaved sessions of both sides, each in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="perfkit-") as scratch:
        folders = []
        for name, slowed in (("base", before), ("head", after)):
            folder = Path(scratch, name)
            folder.mkdir()
            (folder / "program.py").write_text(program(slowed))
            folders.append(folder.resolve())
        target = parse_target("program:main", cwd=folders[0])
        record = recorder(target, *(Where(cwd=folder) for folder in folders), per_call=4e-4)
        both = interleaved(record, sessions=sessions, seed=seed, name="main", clock=lambda: 0.0)
        return list(both.base), list(both.head), Sources(tuple(map(str, folders)))


def first_name(base: list[Recording], head: list[Recording], sources: Sources) -> str:
    """Return the first function that is named significant, or nobody."""
    found = difference(
        Sides(
            base=Profiled(label="base", recordings=base, sources=sources),
            head=Profiled(label="head", recordings=head, sources=sources),
        )
    )
    return found.slower[0].function if found.slower else "nobody"


def noises(recordings: list[Recording], sources: Sources) -> tuple[float, float]:
    """Return the standard deviations of log speed, and of a function's log factor beyond counting.

    The second is over functions of 50 samples and more: their variance less that of counting.
    """
    costs = charge(recordings, sources)
    matrix = np.array([entry.costs for entry in costs.functions.values()]).T
    quantum = np.array(costs.quantum)
    samples = (matrix / quantum[:, None]).mean(axis=0)
    factors, _ = size_factors(matrix, quantum)
    logs = np.log((matrix / factors[:, None])[:, samples >= 50])
    beyond = logs.var(axis=0, ddof=1) - 1 / samples[samples >= 50]
    return float(np.log(factors).std(ddof=1)), float(np.sqrt(max(0.0, np.median(beyond))))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=5)
    parser.add_argument("--planted", type=int, default=6)
    options = parser.parse_args()
    base, head, sources = taken(None, None, 2 * options.sessions, seed=0)
    speed, layout = noises(base + head, sources)
    print(f"noise of {len(base + head)} sessions: speed {speed:.3f}, a function {layout:.3f} (log)")
    everything = base + head
    generator = np.random.default_rng(0)
    names = []
    for _ in range(200):
        order = generator.permutation(len(everything))[: 2 * options.sessions]
        one = [everything[index] for index in order[: options.sessions]]
        other = [everything[index] for index in order[options.sessions :]]
        names.append(first_name(one, other, sources))
    named = statistics.fmean(name != "nobody" for name in names)
    print(f"A/A, 200 splits into {options.sessions}+{options.sessions}: {named:.1%} name anybody")
    right = 0
    chosen = list(itertools.islice(itertools.cycle(range(len(SHARES))), options.planted))
    for slowed in chosen:
        found = first_name(*taken(None, slowed, options.sessions, seed=slowed))
        right += found == f"step{slowed}"
        print(f"a tenth of the time added to step{slowed}: {found} is named", flush=True)
    print(f"the right function first in {right} of {len(chosen)}")
    sys.exit(not (named <= 0.05 and right == len(chosen)))


if __name__ == "__main__":
    main()
