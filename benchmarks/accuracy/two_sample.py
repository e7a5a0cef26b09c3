"""Two-sample rules side by side: false alarms, power, rounds to decide, whole suites, tails.

Run from anywhere with perfkit, asv and scipy installed:

    python benchmarks/accuracy/two_sample.py [--quick] [--data DIR] [--record-aa SECONDS]
        [--write-docs]

Everything is drawn from ``--seed``; seeds 0 to 2026 were used up while choosing rules.
``--write-docs`` replaces this script's section of docs/accuracy.md.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import noise
import numpy as np
import stopping
from noise import FAMILIES, Array, Source, lognormal
from pages import (
    ROOT,
    Facts,
    Requirement,
    environment,
    percent,
    summary,
    table,
    upper,
    write_section,
)
from rules import RULES, SIGN, perfkit

from perfkit.model import Shift, Verdict
from perfkit.stats import (
    SequentialComparison,
    SuiteVerdict,
    compare_quantiles,
    compare_samples,
    judge_suite,
    needs_confirmation,
)
from perfkit.stats.first_sight import FEWEST
from perfkit.stats.sequential import spending

ROUNDS = 20

REQUIRED: list[Requirement] = [
    ("A/A called changed, worst synthetic noise", "A/A, synthetic", "<=", 0.01),
    ("A/A called changed, worst real noise (overlapping windows)", "A/A, real", "<=", 0.01),
    (
        "A/A ever called changed, looking every round, synthetic",
        "watched, synthetic",
        "<=",
        0.01,
    ),
    ("the same, worst real noise (overlapping windows)", "watched, real", "<=", 0.01),
    ("A/A suites of 200 with any false regression, worst", "suites", "<=", 0.05),
    ("power at +5 % with 1 % noise, 20 rounds, floor 3 %", "power, floor 3 %", ">=", 0.95),
    ("the same with the effect on the floor, 5 %", "power, floor 5 %", ">=", 0.95),
    ("mean rounds to decide +10 % at 2 % noise, of fixed 20", "rounds", "<=", 0.4),
]


def batch(source: Source, random: np.random.Generator, n: int, rounds: int = ROUNDS) -> Array:
    """``n`` A/A comparisons, shape (2, n, rounds)."""
    return np.stack([source(random, rounds) for _ in range(n)], axis=1)


def watch(
    rule: SequentialComparison, base: Array, head: Array, *, suspecting: bool = False
) -> tuple[Shift, int]:
    """Look after every round, as the runner does, until decided; log times, shape (rounds,).

    ``suspecting`` ends it as soon as the benchmark is worth measuring again.
    """
    before, after = np.exp(base), np.exp(head)
    shares = spending(rule.alpha, rule.max_rounds)
    start = next(look for look, share in enumerate(shares, 1) if share > 0)
    # Looks without a share cannot decide; starting after them changes nothing but the time taken.
    for rounds in range(FEWEST if suspecting else start, rule.max_rounds + 1):
        shift = rule.look(before[:rounds], after[:rounds])
        if (
            shift.verdict is not Verdict.INCONCLUSIVE
            or (suspecting and shift.suspected is not None)
            or rounds == rule.max_rounds
        ):
            return shift, rounds
    raise AssertionError("the last look always returns")


def false_alarms(sources: Mapping[str, Source], seed: int, n: int, facts: Facts) -> Iterator[str]:
    """Share of A/A comparisons called changed, in either direction, per rule and noise."""
    yield f"### A/A, {ROUNDS} rounds, {n} comparisons a row: % called changed"
    yield ""
    rows = []
    for index, (name, source) in enumerate(sources.items()):
        base, head = batch(source, np.random.default_rng([seed, 1, index]), n)
        rates = [np.count_nonzero(rule(base, head)) / n for rule in RULES.values()]
        rows.append([name, *(percent(rate, 2) for rate in rates)])
        kind = "synthetic" if name in FAMILIES else "real"
        key = f"A/A, {kind}"
        facts[key] = max(facts.get(key, 0.0), rates[0])
    yield from table(["noise", *RULES], rows)


def power(sources: Mapping[str, Source], seed: int, n: int, facts: Facts) -> Iterator[str]:
    """Share of slowed comparisons called regressed."""
    yield f"### Power, {ROUNDS} rounds, {n} comparisons a row: % called regressed"
    yield ""
    rules = {"perfkit, floor 3 %": perfkit(0.03), **RULES}
    synthetic = [
        (f"+{effect} %, noise {sd} %", lognormal(sd / 100), effect / 100)
        for effect, sd in ((5, 1), (10, 1), (3, 2), (5, 2), (7, 2), (10, 2), (10, 5), (20, 5))
    ]
    families = [(f"+10 %, {name}", FAMILIES[name], 0.1) for name in list(FAMILIES)[3:]]
    real = [(f"+10 %, {name}", source, 0.1) for name, source in sources.items()]
    rows, lost = [], []
    for index, (label, source, effect) in enumerate([*synthetic, *families, *real]):
        base, head = batch(source, np.random.default_rng([seed, 2, index]), n)
        head = head + np.log1p(effect)
        # asv's exact test takes 30 ms a comparison.
        sizes = [min(n, 200) if name == "asv compare" else n for name in rules]
        found = [
            np.mean(rule(base[:size], head[:size]) == 1)
            for rule, size in zip(rules.values(), sizes, strict=True)
        ]
        rows.append([label, *(percent(rate) for rate in found)])
        by_rule = dict(zip(rules, found, strict=True))
        if label == "+5 %, noise 1 %":
            facts["power, floor 3 %"] = by_rule["perfkit, floor 3 %"]
            facts["power, floor 5 %"] = by_rule["perfkit"]
        best = max(("MW .01, floor 5 %", "Welch .01, floor 5 %"), key=lambda name: by_rule[name])
        if by_rule[best] > by_rule["perfkit"] + 0.02:
            lost.append(
                f"{label}: {percent(by_rule['perfkit'])} against {percent(by_rule[best])} ({best})"
            )
    yield from table(["effect and noise", *rules], rows)
    yield ""
    yield "Where perfkit is more than two points below a rule with the same alpha and floor: "
    yield f"{'; '.join(lost) or 'nowhere'}."


def watched(
    sources: Mapping[str, Source], seed: int, n: int, n_real: int, facts: Facts
) -> Iterator[str]:
    """False alarms when every round is looked at."""
    yield "### Looking after every round, A/A: % ever called changed (nominal: 1 %)"
    yield ""
    cases = [
        ("lognormal 2 %", lognormal(0.02), n),
        ("heavy tails (t2, 2 %)", FAMILIES["heavy tails (t2, 2 %)"], n),
        *((name, source, n_real) for name, source in sources.items()),
    ]
    others = ("benchstat", "Welch", "MW .01, floor 5 %", "Welch .01, floor 5 %")
    rows = []
    for index, (name, source, size) in enumerate(cases):
        base, head = batch(source, np.random.default_rng([seed, 3, index]), size)
        counts = []
        for floor in (0.0, 0.05):
            rule = SequentialComparison(floor=floor)
            counts.append(
                sum(watch(rule, *pair)[0].verdict in SIGN for pair in zip(base, head, strict=True))
            )
        kind = "real" if name in sources else "synthetic"
        key = f"watched, {kind}"
        facts[key] = max(facts.get(key, 0.0), *(count / size for count in counts))
        naive = [
            np.mean(
                np.any([RULES[k](base[:, :r], head[:, :r]) for r in range(5, ROUNDS + 1)], axis=0)
            )
            for k in others
        ]
        rows.append(
            [
                name,
                str(size),
                *(f"{percent(c / size, 2)} (<= {percent(upper(c, size), 2)})" for c in counts),
                *(percent(rate) for rate in naive),
            ]
        )
    yield from table(
        ["noise", "comparisons", "perfkit, floor 0 (95 % bound)", "perfkit (95 % bound)", *others],
        rows,
    )
    yield ""
    yield "The other rules are applied after every round from the fifth."


def rounds_to_decide(seed: int, n: int, facts: Facts) -> Iterator[str]:
    """Rounds and verdicts of the adaptive comparison against the fixed design."""
    yield f"### Rounds to decide, up to {ROUNDS}, {n} comparisons a row, floor 5 %"
    yield ""
    rows = []
    cases = [(10, 2), (10, 1), (10, 5), (5, 1), (7, 2), (20, 5), (0, 1), (0, 2), (0, 5)]
    for index, (effect, sd) in enumerate(cases):
        base, head = batch(lognormal(sd / 100), np.random.default_rng([seed, 4, index]), n)
        head = head + np.log1p(effect / 100)
        pairs = list(zip(base, head, strict=True))
        found = [watch(SequentialComparison(), *pair) for pair in pairs]
        fixed = [compare_samples(np.exp(b), np.exp(h)).verdict for b, h in pairs]
        mean = np.mean([rounds for _, rounds in found])
        if (effect, sd) == (10, 2):
            facts["rounds"] = float(mean / ROUNDS)
        wanted = Verdict.REGRESSED if effect else Verdict.UNCHANGED
        rows.append(
            [
                f"+{effect} %, noise {sd} %",
                wanted.value,
                f"{mean:.2f}",
                f"{mean / ROUNDS:.2f}x",
                percent(np.mean([shift.verdict is wanted for shift, _ in found])),
                percent(np.mean([verdict is wanted for verdict in fixed])),
            ]
        )
    yield from table(
        [
            "effect and noise",
            "true answer",
            "mean rounds",
            f"of {ROUNDS}",
            "% true answer, adaptive",
            f"% true answer, fixed {ROUNDS}",
        ],
        rows,
    )


def suites(
    sources: Mapping[str, Source], seed: int, n: int, facts: Facts, size: int = 200
) -> Iterator[str]:
    """Whole suites without any change, and some with ten changes, judged as the runner does."""
    slowed_suites, compared = max(2, n // 50), min(n, 100)
    yield f"### Suites of {size} benchmarks: {n} A/A suites a row, {slowed_suites} with regressions"
    yield ""
    cases = {
        "noise 0.5 to 5 %": [lognormal(sd) for sd in (0.005, 0.01, 0.02, 0.03, 0.05)],
        "noise 10 %": [lognormal(0.1)],
    }
    if sources:
        cases["real processes"] = list(sources.values())
    others = [name for name in RULES if not name.startswith("perfkit")]
    rows = []
    for index, (name, noises) in enumerate(cases.items()):
        random = np.random.default_rng([seed, 5, index])
        false, asked, spent, hits = 0, 0, [], []
        alarms = dict.fromkeys(others, 0)
        for suite in range(n + slowed_suites):
            draws = [noises[i % len(noises)](random, ROUNDS) for i in range(size)]
            base, head = np.stack(draws, axis=1)
            if suite < n:
                # Only these can become suspects; watching the rest would change nothing.
                suspicious = stopping.may_be_suspected(base, head)
                watched_ones = np.flatnonzero(suspicious | stopping.may_alarm(base, head))
                judged, _ = _judge(base, head, watched_ones, noises=noises, random=random)
                asked += sum(row.confirmed for row in judged.values())
                false += any(row.verdict is Verdict.REGRESSED for row in judged.values())
            else:
                head[:10] += np.log1p(0.2)
                everyone = np.arange(size)
                judged, rounds = _judge(
                    base, head, everyone, noises=noises, random=random, slowed=10
                )
                hits.extend(judged[i].verdict is Verdict.REGRESSED for i in range(10))
                spent.extend(rounds[10:])
            if suite < compared:
                for rule in others:
                    alarms[rule] += bool(np.any(RULES[rule](base, head) == 1))
        facts["suites"] = max(facts.get("suites", 0.0), false / n)
        rows.append(
            [
                name,
                f"{percent(false / n)} (<= {percent(upper(false, n))})",
                *(percent(count / compared) for count in alarms.values()),
                percent(np.mean(hits)),
                f"{asked / n:.2f}",
                f"{np.mean(spent):.1f}",
            ]
        )
    yield from table(
        [
            "noise",
            "perfkit: % suites with a false regression (95 % bound)",
            *(f"{name}, the same" for name in others),
            "perfkit: % of +20 % regressions confirmed",
            "suspects in an A/A suite",
            "rounds a benchmark",
        ],
        rows,
    )
    yield ""
    yield (
        "perfkit as the runner uses it: adaptive rounds, suspects measured again on new rounds, "
        f"`judge_suite`. The other rules see {ROUNDS} fixed rounds of the first {compared} A/A "
        "suites. In the suites with regressions "
        "ten benchmarks are 20 % slower; one counts as found only when it is confirmed."
    )


def _judge(
    base: Array,
    head: Array,
    chosen: Array,
    *,
    noises: list[Source],
    random: np.random.Generator,
    slowed: int = 0,
) -> tuple[dict[int, SuiteVerdict], list[int]]:
    """Verdicts of the ``chosen`` benchmarks, and the rounds each took; first ones ``slowed``."""
    rule = SequentialComparison()
    looked = {int(i): watch(rule, base[i], head[i], suspecting=True) for i in chosen}
    first = {i: shift for i, (shift, _) in looked.items()}
    again = {}
    for i in needs_confirmation(first):
        before, after = noises[i % len(noises)](random, ROUNDS)
        effect = np.log1p(0.2) if i < slowed else 0.0
        again[i], _ = watch(rule, before, after + effect)
    judged = judge_suite(first, confirmations=again)
    return judged, [rounds for _, rounds in looked.values()]


def tails(seed: int, n: int) -> Iterator[str]:
    """Slow calls in the tail, seen by the quantile ratio and by location rules."""
    yield f"### Tails: a share of the calls 5 times slower, {n} comparisons a row"
    yield ""
    rows = []
    cases = [(0.95, 10, 100, 0.10), (0.95, 20, 100, 0.08), (0.99, 20, 100, 0.02)]
    cases += [(0.99, 20, 250, 0.02)]
    for index, (quantile, processes, calls, slow) in enumerate(cases):
        random = np.random.default_rng([seed, 6, index])
        found = np.zeros(3)
        for _ in range(n):
            base, same, head = _calls(random, processes, calls)
            head[random.random(head.shape) < slow] *= 5
            found += [
                compare_quantiles(base, same, quantile=quantile).verdict in SIGN,
                compare_quantiles(base, head, quantile=quantile).verdict is Verdict.REGRESSED,
                compare_samples(base, head).verdict is Verdict.REGRESSED,
            ]
        rows.append(
            [f"{percent(slow, 0)} %", f"p{percent(quantile, 0)}", f"{processes} x {calls}"]
            + [percent(rate) for rate in found / n]
        )
    yield from table(
        [
            "slow calls",
            "quantile",
            "processes x calls",
            "% false, A/A",
            "% seen by the quantile ratio",
            "% seen by the location rule",
        ],
        rows,
    )


def _calls(random: np.random.Generator, processes: int, calls: int) -> Array:
    """Three sides of equal code: processes 2 % apart, skewed calls; shape (3, processes, calls)."""
    level = random.normal(0, 0.02, (3, processes, 1))
    return np.exp(level + random.gamma(1.5, 0.03, (3, processes, calls)))


def sections(options: argparse.Namespace) -> Iterator[str]:
    """The whole report, line by line."""
    quick, seed = options.quick, options.seed
    real = noise.recorded(options.data)
    here = noise.record(options.record_aa) if options.record_aa > 0 else {}
    measured = {**real, **here}
    yield f"Measured {environment()}; seed {seed}{', quick' if quick else ''}."
    yield ""
    yield f"`python benchmarks/accuracy/two_sample.py{' --quick' if quick else ''}`"
    facts: Facts = {}
    parts = [
        false_alarms({**FAMILIES, **measured}, seed, 200 if quick else 2000, facts),
        power(measured, seed, 100 if quick else 1000, facts),
        watched(measured, seed, 500 if quick else 10_000, 200 if quick else 2000, facts),
        rounds_to_decide(seed, 100 if quick else 1000, facts),
        stopping.costs(seed, 200 if quick else 2000),
        suites(measured, seed, 100 if quick else 1000, facts),
        tails(seed, 20 if quick else 100),
    ]
    for part in parts:
        yield ""
        yield from part
    yield ""
    yield from summary(facts, REQUIRED)


def main() -> int:
    """Print the report; write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the comparisons")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--record-aa", type=float, default=60, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=4711)
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args()
    started = time.monotonic()
    lines = []
    for line in sections(options):
        print(line, flush=True)
        lines.append(line)
    print(f"\n{time.monotonic() - started:.0f} s", file=sys.stderr)
    if options.write_docs:
        write_section("two-sample", "\n".join(["## Two samples", "", *lines]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
