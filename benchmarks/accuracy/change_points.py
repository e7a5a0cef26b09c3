"""Change-point detectors side by side: perfkit, Apache Otava, asv, Perfherder and PELT.

    python benchmarks/accuracy/change_points.py [--quick] [--jobs N] [--data DIR] [--write-docs]

Runs every tool on the same synthetic and semi-real histories (histories.py), in the same run, and
prints precision, recall, F1, alarms on change-free series, delay, and time ratios. An alarm of
perfkit is a change point of kind ``step``; of the other tools it is whatever they report. Needs
the extra ``accuracy``. ``--write-docs`` puts the figures into docs/accuracy.md.
"""

import argparse
import datetime as dt
import math
import os
import platform
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from detectors import DETECTORS, LABELS
from histories import (
    DRIFTS,
    LENGTH,
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

from perfkit.stats import analyze_many

ROOT = Path(__file__).parents[2]
SEED = 2
"""Seed 1 and the numpy histories were used for tuning; the figures are of seed 2 and of scipy."""
POOLED_DRIFTS = DRIFTS[:3]
"""The slow drifts; the random walk is shown apart, and left out of the pooled figures."""
BEGIN = "<!-- change points: begin, written by benchmarks/accuracy/change_points.py -->"
END = "<!-- change points: end -->"


@dataclass(frozen=True, slots=True)
class Counts:
    """Outcomes of one tool on one history, times ``weight``."""

    hits: int
    false: int
    missed: int
    points: int
    weight: float = 1.0


def compare(history: History, found: Sequence[int]) -> tuple[int, int, int]:
    """Return hits, false alarms and misses; each place and each alarm is matched at most once."""
    pairs = sorted(
        (abs(true - alarm), true, alarm)
        for true in history.truth
        for alarm in found
        if abs(true - alarm) <= MARGIN
    )
    places: set[int] = set()
    alarms: set[int] = set()
    for _, true, alarm in pairs:
        if true not in places and alarm not in alarms:
            places.add(true)
            alarms.add(alarm)
    return len(places), len(found) - len(alarms), len(history.truth) - len(places)


def judge(history: History) -> dict[str, Counts]:
    """Return the counts of every tool on one history."""
    return {
        tool: Counts(*compare(history, detect(history.values)), history.values.size)
        for tool, detect in DETECTORS.items()
    }


def f_score(counts: Iterable[Counts]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of weighted counts."""
    rows = np.array([(c.weight * c.hits, c.weight * c.false, c.weight * c.missed) for c in counts])
    hits, false, missed = rows.sum(axis=0)
    return (
        hits / max(hits + false, 1e-9),
        hits / (hits + missed),
        2 * hits / (2 * hits + false + missed),
    )


def bootstrap(counts: dict[str, list[Counts]], draws: int = 1000) -> dict[str, Vector]:
    """Return F1 per tool over ``draws`` resamplings of the histories, the same for every tool."""
    rng = np.random.default_rng(SEED)
    size = len(next(iter(counts.values())))
    chosen = rng.multinomial(size, np.full(size, 1 / size), size=draws)
    scores = {}
    for tool, rows in counts.items():
        table = np.array([(c.weight * c.hits, c.weight * (c.false + c.missed)) for c in rows])
        hits, wrong = (chosen @ table).T
        scores[tool] = 2 * hits / (2 * hits + wrong)
    return scores


def interval(values: Vector) -> str:
    """Return the 95 % interval of bootstrap values as text."""
    low, high = np.quantile(values, [0.025, 0.975])
    return f"{low:.3f} to {high:.3f}"


@dataclass
class Outcome:
    """All counts of one kind of history, by key (family or collection, step) and tool."""

    counts: dict[tuple[str, float], dict[str, list[Counts]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def add(self, key: tuple[str, float], judged: dict[str, Counts], weight: float) -> None:
        """Keep the counts of one history."""
        for tool, c in judged.items():
            self.counts[key][tool].append(Counts(c.hits, c.false, c.missed, c.points, weight))

    def pooled(self, wanted: Callable[[str, float], bool]) -> dict[str, list[Counts]]:
        """Return the counts of all keys for which ``wanted(family, step)`` holds."""
        found: dict[str, list[Counts]] = {tool: [] for tool in DETECTORS}
        for (family, step), by_tool in self.counts.items():
            if wanted(family, step):
                for tool, rows in by_tool.items():
                    found[tool] += rows
        return found


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


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table; the first column is text, the others are numbers."""
    lines = ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def synthetic_section(outcome: Outcome) -> list[str]:
    """Return the tables of the synthetic families."""
    pool = (*STILL, *POOLED_DRIFTS)
    labels = [LABELS[tool] for tool in DETECTORS]
    lines = [
        f"### Synthetic histories: {LENGTH} points, {NOISE:.0%} noise, one to three steps",
        "",
        "Change-free series with any alarm:",
        "",
    ]
    rows = []
    for family in (*STILL, *DRIFTS):
        by_tool = outcome.pooled(lambda f, s, wanted=family: f == wanted and s == 0)
        shares = [np.mean([c.false > 0 for c in rows_]) for rows_ in by_tool.values()]
        rows.append(
            [f"{family} ({len(by_tool['perfkit'])})", *(f"{share:.1%}" for share in shares)]
        )
    slow = outcome.pooled(lambda f, s: f in POOLED_DRIFTS and s == 0)
    rows.append(
        [
            "slow drifts together",
            *(f"{np.mean([c.false > 0 for c in r]):.1%}" for r in slow.values()),
        ]
    )
    lines += table(["family (series)", *labels], rows)
    lines += [
        (
            f"F1 within {MARGIN} points. The pool has the seven still families and, with the "
            "weight of one, the three slow drifts; change-free series have the weight of one size:"
        ),
        "",
    ]
    pooled = outcome.pooled(lambda f, _: f in pool)
    rows = []
    for tool, values in bootstrap(pooled).items():
        precision, recall, f1 = f_score(pooled[tool])
        rows.append(
            [LABELS[tool], f"{precision:.3f}", f"{recall:.3f}", f"{f1:.3f}", interval(values)]
        )
    lines += table(["tool", "precision", "recall", "F1", "95 % interval"], rows)
    rows = []
    for family in (*STILL, *DRIFTS):
        by_tool = outcome.pooled(lambda f, _, wanted=family: f == wanted)
        rows.append([family, *(f"{f_score(r)[2]:.3f}" for r in by_tool.values())])
    lines += ["F1 by family:", "", *table(["family", *labels], rows)]
    rows = []
    for step in STEPS:
        by_tool = outcome.pooled(lambda f, s, wanted=step: f in STILL and s == wanted)
        rows.append([f"{step:.0%}", *(f"{f_score(r)[1]:.3f}" for r in by_tool.values())])
    lines += ["Recall by size of step, still families:", "", *table(["step", *labels], rows)]
    plain = outcome.pooled(lambda f, s: f == "lognormal" and s == 0.05)
    lines += [
        "Recall of a 5 % step, lognormal: "
        + ", ".join(f"{LABELS[tool]} {f_score(r)[1]:.3f}" for tool, r in plain.items())
        + ".",
        "",
    ]
    return lines


def semi_real_section(outcome: Outcome) -> list[str]:
    """Return the tables of the resampled real histories."""
    lines = ["### Semi-real histories", ""]
    for collection, role in (("scipy", "held out"), ("numpy", "used for tuning")):
        pooled = outcome.pooled(lambda f, _, wanted=collection: f == wanted)
        if not pooled["perfkit"]:
            continue
        still = outcome.pooled(lambda f, s, wanted=collection: f == wanted and s == 0)
        scores = bootstrap(pooled)
        lines += [
            f"{collection} ({role}), {len(pooled['perfkit'])} histories of {LENGTH} points:",
            "",
        ]
        rows = []
        for tool, values in scores.items():
            precision, recall, f1 = f_score(pooled[tool])
            alarms = 1000 * sum(c.false for c in still[tool]) / sum(c.points for c in still[tool])
            rows.append(
                [
                    LABELS[tool],
                    f"{precision:.3f}",
                    f"{recall:.3f}",
                    f"{f1:.3f}",
                    interval(values),
                    "" if tool == "perfkit" else interval(scores["perfkit"] - values),
                    f"{alarms:.2f}",
                ]
            )
        header = ["tool", "precision", "recall", "F1", "95 % interval", "perfkit minus tool"]
        lines += table([*header, "alarms per 1000 change-free points"], rows)
    return lines


def delay_section(delays: list[dict[str, float]], lost: list[dict[str, Counts]]) -> list[str]:
    """Return delay to a 3-sigma step, and the recall of excursions."""
    rows = []
    for tool in DETECTORS:
        values = np.array([d[tool] for d in delays])
        found = values[np.isfinite(values)]
        middle = np.median(values)
        share = f_score([row[tool] for row in lost])[1]
        rows.append(
            [
                LABELS[tool],
                f"{middle:.0f}" if math.isfinite(middle) else "more than 40",
                f"{found.mean():.1f}" if found.size else "",
                f"{found.size / values.size:.1%}",
                f"{share:.1%}",
            ]
        )
    header = ["tool", "median delay", "mean of those found", "found within 40", "excursions found"]
    return [
        "### Delay, and what goes away",
        "",
        (
            "Points of the new level needed before a step of 3 sigma alarms, analysed after each "
            f"point ({len(delays)} series); and the share of the changes of a 10 % excursion of 10 "
            "points that is reported, which perfkit leaves out on purpose (`min_stay`):"
        ),
        "",
        *table(header, rows),
    ]


def time_section(times: dict[int, dict[str, float]], batch: float) -> list[str]:
    """Return the time ratios."""
    rows = [
        [
            f"{n}",
            *(f"{1000 * row[tool]:.2f}" for tool in ("perfkit", "otava", "asv")),
            *(f"1/{row[tool] / row['perfkit']:.1f}" for tool in ("otava", "asv")),
        ]
        for n, row in times.items()
    ]
    header = ["n", "perfkit, ms", "Otava, ms", "asv, ms", "of Otava", "of asv"]
    return [
        "### Time",
        "",
        "One series with a step every 250 points, processor time, least of some repeats:",
        "",
        *table(header, rows),
        f"1000 series of 1000 points, batched on one core: {batch:.1f} s of processor time.",
        "",
    ]


def machine() -> str:
    """Return the class of this machine, without its name."""
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, numpy {np.__version__}"
    )


def write_docs(lines: list[str]) -> None:
    """Replace the section between the markers of docs/accuracy.md, or append it."""
    page = ROOT / "docs" / "accuracy.md"
    text = page.read_text(encoding="utf-8") if page.exists() else "# Accuracy\n"
    section = "\n".join([BEGIN, *lines, END])
    if BEGIN in text:
        head, rest = text.split(BEGIN, 1)
        text = head + section + rest.split(END, 1)[1]
    else:
        text = f"{text.rstrip()}\n\n{section}\n"
    page.parent.mkdir(exist_ok=True)
    page.write_text(text, encoding="utf-8")


def evaluate(arguments: argparse.Namespace) -> list[str]:
    """Run everything and return the section as Markdown lines."""
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
    lines = synthetic_section(outcome)
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
        lines += semi_real_section(outcome)
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
    lines += delay_section(delays, lost)
    times = timings([100, 1000] if few else [100, 1000, 10_000, 100_000])
    say("batch")
    matrix = np.stack([long_history(1000, i) for i in range(50 if few else 1000)])
    batch = seconds_of(lambda: analyze_many(matrix), 1) * (1000 / len(matrix))
    lines += time_section(times, batch)
    return lines


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
    today = dt.datetime.now(tz=dt.UTC).date()
    lines = [
        "## Change points",
        "",
        (
            f"{today}, {machine()}; {minutes:.0f} minutes. Seed {SEED}; tuned on seed 1 and on the "
            "numpy histories."
        ),
        "",
        *figures,
    ]
    print("\n".join(lines))
    if arguments.write_docs:
        write_docs(lines)


if __name__ == "__main__":
    main()
