"""Change-point detectors side by side: perfkit, Apache Otava, asv, Perfherder and PELT.

    python benchmarks/accuracy/change_points.py [--quick] [--jobs N] [--data DIR] [--write-docs]

Runs every tool on the same synthetic and semi-real histories (histories.py), in the same run, and
prints precision, recall, F1, alarms on change-free series, delay, and time ratios. An alarm of
perfkit is a change point of kind ``step``; of the other tools it is whatever they report. Needs
the extra ``accuracy``. ``--write-docs`` puts the figures into docs/accuracy.md.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from detectors import DETECTORS
from histories import (
    DRIFTS,
    MARGIN,
    NOISE,
    STEPS,
    STILL,
    History,
    Vector,
    excursion,
    resampled,
    residuals,
    synthetic,
)
from pages import ROOT, environment, write_section
from scoring import SEED, Counts, Outcome, compare
from sections import (
    POOLED_DRIFTS,
    delay_section,
    losses,
    requirements,
    semi_real_section,
    synthetic_section,
    time_section,
)

from perfkit.stats import analyze_many


def judge(history: History) -> dict[str, Counts]:
    """Return the counts of every tool on one history."""
    return {
        tool: Counts(*compare(history, detect(history.values)), history.values.size)
        for tool, detect in DETECTORS.items()
    }


def _synthetic_job(task: tuple[str, float, int]) -> tuple[str, float, dict[str, Counts]]:
    family, step, index = task
    return family, step, judge(synthetic(family, step, SEED, index))


def _semi_real_job(
    task: tuple[str, Vector, float, tuple[int, ...]],
) -> tuple[str, float, dict[str, Counts]]:
    collection, residual, step, key = task
    return collection, step, judge(resampled(residual, step, key))


def _excursion_job(index: int) -> dict[str, Counts]:
    return judge(excursion(SEED, index))


def _delay_job(index: int) -> dict[str, float]:
    """Return after how many points each tool first alarms at a new 3-sigma step, inf after 40."""
    rng = np.random.default_rng([SEED, 77, index])
    values = np.exp(NOISE * rng.normal(size=240))
    values[200:] *= math.exp(3 * NOISE)
    delays = {}
    for tool, detect in DETECTORS.items():
        delays[tool] = next(
            (
                float(k)
                for k in range(1, 41)
                if any(abs(i - 200) <= MARGIN for i in detect(values[: 200 + k]))
            ),
            math.inf,
        )
    return delays


def long_history(n: int, index: int) -> Vector:
    """Return lognormal values with a step of 2, 5 or 10 % every 250 points (one if n < 500)."""
    rng = np.random.default_rng([SEED, 55, n, index])
    log_values = NOISE * rng.normal(size=n)
    for place in range(250, n - 50, 250) if n >= 500 else [n // 2]:
        log_values[place:] += rng.choice([-1.0, 1.0]) * math.log1p(rng.choice([0.02, 0.05, 0.1]))
    return np.exp(log_values)


def seconds_of(work: Callable[[], object], repeats: int) -> float:
    """Return the least processor time of ``work`` over ``repeats`` runs; all tools use one core."""
    best = math.inf
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def timings(lengths: Sequence[int]) -> dict[int, dict[str, float]]:
    """Return seconds per series, least of some repeats and mean over a few series."""
    found = {}
    for n in lengths:
        say(f"time at n = {n}")
        number, repeats = {100: (20, 5), 1000: (10, 5), 10_000: (4, 3)}.get(n, (1, 2))
        series = [long_history(n, i) for i in range(number)]
        found[n] = {
            tool: float(
                np.mean(
                    [
                        seconds_of(
                            partial(DETECTORS[tool], s),
                            repeats if n < 100_000 or tool != "asv" else 1,
                        )
                        for s in series
                    ]
                )
            )
            for tool in ("perfkit", "otava", "asv")
        }
    return found


def say(message: str) -> None:
    """Report progress on stderr."""
    print(f"{time.strftime('%H:%M:%S')} {message}", file=sys.stderr, flush=True)


def evaluate(arguments: argparse.Namespace) -> list[str]:
    """Run everything and return the section as Markdown lines."""
    facts: dict[str, float] = {}
    few = arguments.quick
    still_count, step_count, semi_count, delay_count = (40, 10, 1, 20) if few else (600, 80, 2, 100)
    run = (
        map
        if arguments.jobs == 1
        else partial(ProcessPoolExecutor(arguments.jobs).map, chunksize=20)
    )
    outcome = Outcome()
    for family in (*STILL, *DRIFTS):
        say(f"synthetic: {family}")
        share = 1 / len(POOLED_DRIFTS) if family in POOLED_DRIFTS else 1.0
        tasks = [(family, 0.0, i) for i in range(still_count)]
        tasks += [(family, step, i) for step in STEPS for i in range(step_count)]
        for name, step, judged in run(_synthetic_job, tasks):
            outcome.add((name, step), judged, share * (1.0 if step else step_count / still_count))
    lines = synthetic_section(outcome, facts)
    data = arguments.data
    if (data / "scipy_i7.jsonl.gz").exists():
        outcome = Outcome()
        for number, collection in enumerate(("numpy", "scipy")):
            say(f"semi-real: {collection}")
            every = 8 if few else (1 if collection == "scipy" else 2)
            chosen = list(enumerate(residuals(data, collection)))[::every]
            semi_tasks = [
                (collection, residual, step, (SEED, number, j, round(step * 1000), k))
                for j, residual in chosen
                for step in (0.0, *STEPS)
                for k in range(semi_count if step == 0 else 1)
            ]
            for name, step, judged in run(_semi_real_job, semi_tasks):
                outcome.add((name, step), judged, 1.0 if step else 1 / semi_count)
        lines += semi_real_section(outcome, facts)
    else:
        say(f"semi-real: skipped, no scipy_i7.jsonl.gz in {data}; name the folder with --data")
        lines += [
            "### Semi-real histories",
            "",
            "Not run: the recorded histories were absent.",
            "",
        ]
    say("delay and excursions")
    delays = list(run(_delay_job, range(delay_count)))
    lost = list(run(_excursion_job, range(delay_count)))
    lines += delay_section(delays, lost, facts)
    times = timings([100, 1000] if few else [100, 1000, 10_000, 100_000])
    say("batch")
    matrix = np.stack([long_history(1000, i) for i in range(50 if few else 1000)])
    batch = seconds_of(lambda: analyze_many(matrix), 1) * (1000 / len(matrix))
    lines += time_section(times, batch, facts)
    return [*requirements(facts), *losses(lines), *lines]


def main() -> None:
    """Run the evaluation and print its section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, rough figures")
    parser.add_argument("--jobs", type=int, default=1, help="processes for accuracy, not for time")
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="recorded asv histories"
    )
    parser.add_argument("--write-docs", action="store_true", help="update docs/accuracy.md")
    arguments = parser.parse_args()
    start = time.monotonic()
    figures = evaluate(arguments)
    minutes = (time.monotonic() - start) / 60
    text = "\n".join(
        [
            "## Change points",
            "",
            (
                f"Measured {environment()}; seed {SEED}, {minutes:.0f} minutes with "
                f"{arguments.jobs} jobs. Tuned on seeds 1 to 3 and the numpy histories. Intervals "
                "resample histories; several semi-real ones come from one recorded series."
            ),
            "",
            "`python benchmarks/accuracy/change_points.py`",
            "",
            *figures,
        ]
    )
    print(text)
    if arguments.write_docs:
        write_section("change-points", text.rstrip())


if __name__ == "__main__":
    main()
