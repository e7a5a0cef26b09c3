"""The embedded evaluator beside promtool: the same rules, the same series, the same verdicts?

`python benchmarks/monitoring/promtool.py` generates configurations and series (errors that never
existed, gaps, restarts, bursts), lets perfkit say which alerts fire when, and asks `promtool test
rules` whether the exported rules say the same. Then it moves one threshold at a time, each half of
every burn rate by itself, and wants promtool to disagree about each in some round. Needs promtool
(Debian: prometheus); exits 1 where one verdict differs or a moved threshold goes unnoticed.
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from perfkit.config.load import load_settings
from perfkit.monitoring.export.prometheus import RULES_FILE, prometheus_files
from perfkit.monitoring.metric_names import CALLS, DURATION, MEMORY, QUALITY
from perfkit.monitoring.promql import quoted, span
from perfkit.monitoring.rules import rules_of
from perfkit.monitoring.scenario import Outcome, play, read_scenarios

COMPARED = re.compile(r"(?<= [<>] )[0-9.e+-]+(?= and | or |$)")
"""The levels in an expression; ``absent(... > 0)`` has none."""
RANGE = re.compile(r"(?<=\[)(\d+)(?=[a-z]+\])")

COMPONENT = 'mcp "tools"\nof {{ two }} lines'
"""A label with quotes, a newline and what a template would take for its own."""


FEWEST_SERIES = 200


def configuration(source: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return both files: every kind of rule, with levels, windows and durations by chance."""

    def timing() -> dict[str, str]:
        return {
            "window": source.choice(["1min", "5min", "10min"]),
            "for": source.choice(["0s", "30s", "2min"]),
            "keep_firing_for": source.choice(["0s", "1min", "3min"]),
        }

    def share() -> str:
        return f"{source.choice([0.5, 1, 2, 5, 10])}%"

    rules: list[dict[str, Any]] = [
        {"name": "Errors", "kind": "threshold", "signal": "error-ratio", "above": share()},
        {"name": "Flaps", "kind": "threshold", "signal": "error-ratio", "above": "4%"}
        | {"clear": "0.5%"},
        {"name": "EachFlaps", "kind": "threshold", "signal": "degraded-ratio", "above": "4%"}
        | {"clear": "0.5%", "by_call": True},
        {"name": "EachError", "kind": "threshold", "signal": "error-ratio", "above": share()}
        | {"by_call": True},
        {"name": "Degraded", "kind": "threshold", "signal": "degraded-ratio", "above": share()},
        {"name": "Busy", "kind": "threshold", "signal": "rate"}
        | {source.choice(["above", "below"]): f"{source.choice([0.5, 1, 2])}/s"},
        {"name": "Slow", "kind": "threshold", "signal": source.choice(["p50", "p95", "p99"])}
        | {"above": "1s", "by_call": source.random() < 0.5},
        {"name": "Large", "kind": "threshold", "signal": "memory", "above": "120MiB"},
        {"name": "Silent", "kind": "no-data"},
        {"name": "Worse", "kind": "quality", "quality": "corrections", "below": "90%"},
        {"name": "Leak", "kind": "leak", "above": f"{source.choice([1, 4, 16])}MiB"},
    ]
    burns = [
        {"name": "Burns", "kind": "burn-rate", "objective": "answered"},
        {"name": "BurnsSlowly", "kind": "burn-rate", "objective": "fast", "for": "1min"},
    ]
    objectives = [
        {"name": "answered", "component": COMPONENT, "target": source.choice(["97%", "99.9%"])},
        {"name": "fast", "component": COMPONENT, "target": "95%", "within": "1s"}
        | {"degraded": source.choice(["bad", "good"])},
    ]
    monitoring = {
        "components": [{"name": COMPONENT}],
        "alerts": {
            "interval": source.choice(["15s", "30s", "1min"]),
            "rules": [{**timing(), **rule} for rule in rules] + burns,
        },
    }
    return {"objectives": objectives}, monitoring


def counter(source: random.Random, steps: int, mean: float) -> list[float | None]:
    """Return a counter with bursts, gaps and restarts, which may begin late or end early."""
    first = source.choice([0, 0, 0, source.randrange(steps)])
    last = source.choice([steps, steps, source.randrange(steps)])
    burst = source.randrange(steps)
    value, values = 0.0, list[float | None]()
    for step in range(steps):
        speed = mean * (20 if burst <= step < burst + steps // 6 else 1)
        value += max(0, round(source.gauss(speed, speed**0.5)))
        if source.random() < 0.01:
            value = 0.0
        hidden = step < first or step > last or source.random() < 0.03
        values.append(None if hidden else value)
    return values


def notation(values: list[float | None]) -> str:
    """Return the values as promtool reads them."""
    return " ".join("_" if value is None else f"{value:g}" for value in values)


def series(source: random.Random, steps: int) -> Iterator[dict[str, str]]:
    """Yield the series of a component; some never existed."""

    def labelled(metric: str, values: list[float | None], **labels: str) -> dict[str, str]:
        text = ",".join(f"{key}={quoted(value)}" for key, value in labels.items())
        return {"series": f"{metric}{{{text}}}", "values": notation(values)}

    for name in ("correct", 'say "hi"'):
        # Seldom nearly everything fails, so that the fastest burn of a loose objective is reached.
        failing = source.choice([0.2, 0.4, 0.4, 200.0])
        for outcome, mean in (("ok", 30.0), ("error", failing), ("degraded", 0.4)):
            if source.random() < 0.8:
                values = counter(source, steps, mean)
                yield labelled(CALLS, values, component=COMPONENT, name=name, outcome=outcome)
        slow = source.choice([0.0, 0.02, 0.2, 5.0])
        fast = counter(source, steps, 30.0)
        timed = [None if one is None else round(one * (1 + slow)) + 0.0 for one in fast]
        labels = {"component": COMPONENT, "name": name}
        yield labelled(f"{DURATION}_bucket", fast, **labels, le="1.0")
        yield labelled(f"{DURATION}_count", timed, **labels)
    counts = counter(source, steps, 10.0)
    mean = source.choice([0.85, 0.9, 0.95])
    sums = [None if one is None else one * mean for one in counts]
    labels = {"component": COMPONENT, "name": "corrections"}
    yield labelled(f"{QUALITY}_sum", sums, **labels)
    yield labelled(f"{QUALITY}_count", counts, **labels)
    grows = source.choice([0, 2**16, 2**20])
    memory = [100 * 2**20 + grows * step + source.randrange(2**20) + 0.0 for step in range(steps)]
    yield labelled(MEMORY, list(memory), component=COMPONENT)


def expected(outcome: Outcome) -> dict[str, Any]:
    """Return what perfkit found as an expectation for promtool."""
    return {
        "eval_time": span(outcome.expectation.at),
        "alertname": outcome.expectation.name,
        "exp_alerts": [
            {
                "exp_labels": dict(alert.labels),
                "exp_annotations": {"summary": alert.summary},
            }
            for alert in outcome.fired
        ],
    }


def promtool(rules: str, test: Mapping[str, Any]) -> tuple[bool, str]:
    """Return whether promtool comes to the verdicts that ``test`` expects, and what it says."""
    with TemporaryDirectory() as folder:
        Path(folder, RULES_FILE).write_text(rules, encoding="utf-8")
        Path(folder, "test.json").write_text(json.dumps(test), encoding="utf-8")
        done = subprocess.run(
            ["promtool", "test", "rules", "test.json"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    return done.returncode == 0, done.stdout + done.stderr


def closed_left() -> bool:
    """Whether this promtool counts a sample at the start of a window: up to version 2."""
    said = subprocess.run(["promtool", "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"version (\d+)", said.stdout + said.stderr)
    return found is None or int(found[1]) < 3


def moved(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield what was moved, the alert, and its rules with one threshold doubled or halved.

    An alert with two levels, for the windows of a burn rate or for its beginning and its end, gets
    each raised by itself. Both are lowered at once, as a burn rate needs both. A rule without a
    level, no-data, gets its window moved.
    """
    for number, alert in enumerate(yaml.safe_load(text)["groups"][0]["rules"]):
        if "alert" not in alert:
            continue
        name, query = alert["alert"], alert["expr"]
        if "window" in alert["labels"]:
            name += f" of {alert['labels']['window']}"
        levels = list(COMPARED.finditer(query))
        burns = "window" in alert["labels"]
        parts = (", short window", ", long window") if burns else (", beginning", ", end")
        changes = {f"{name}, lowered": COMPARED.sub(lambda one: repr(float(one[0]) / 2), query)}
        for index, level in enumerate(levels):
            which = parts[index] if len(levels) == len(parts) else ""
            raised = repr(float(level[0]) * 2)
            changes[f"{name}{which}, raised"] = (
                query[: level.start()] + raised + query[level.end() :]
            )
        if not levels:
            changes = {f"{name}, longer": RANGE.sub(lambda one: str(int(one[0]) * 4), query)}
        for what, changed in changes.items():
            if changed == query:
                raise SystemExit(f"{what}: nothing to move in {query}")
            document = yaml.safe_load(text)
            rules = document["groups"][0]["rules"]
            rules[number]["expr"] = changed
            kept = [rule for rule in rules if rule.get("alert", alert["alert"]) == alert["alert"]]
            document["groups"][0]["rules"] = kept
            yield what, alert["alert"], yaml.safe_dump(document)


@dataclass(frozen=True)
class Round:
    """What one configuration and its series gave."""

    series: int
    verdicts: int
    firing: int
    same: bool
    said: str
    """By promtool, of what differs."""
    moves: int
    unnoticed: tuple[str, ...]
    """Which moved thresholds promtool agreed with, of those that no round before noticed."""


def one_round(number: int, folder: Path, steps: int, left: Collection[str] | None) -> Round:
    """Compare one configuration; ``left`` are the moves to try, None is all."""
    source = random.Random(number)
    for name, values in zip(
        ("performance_thresholds.yaml", "monitoring_config.yaml"),
        configuration(source),
        strict=True,
    ):
        (folder / name).write_text(json.dumps(values), encoding="utf-8")
    settings = load_settings(folder, environ={})
    rules = rules_of(settings)
    interval = settings.monitoring.alerts.interval
    names = sorted({rule.name for rule in rules})
    times = sorted(source.sample(range(1, steps), min(12, steps - 1)))
    given = list(series(source, steps))
    test = {
        "rule_files": [RULES_FILE],
        "evaluation_interval": span(interval),
        "tests": [
            {
                "interval": span(interval),
                "input_series": given,
                "alert_rule_test": [
                    {"eval_time": span(step * interval), "alertname": name, "exp_alerts": []}
                    for step in times
                    for name in names
                ],
            }
        ],
    }
    path = folder / "test.json"
    path.write_text(json.dumps(test), encoding="utf-8")
    (scenario,) = read_scenarios(path)
    outcomes = play(scenario, rules, left_closed=closed_left())
    told: Any = test["tests"]
    told[0]["alert_rule_test"] = [expected(outcome) for outcome in outcomes]
    path.write_text(json.dumps(test), encoding="utf-8")
    text = prometheus_files(settings)[RULES_FILE]
    same, said = promtool(text, test)
    moves = list(moved(text))

    def agrees(alert: str, changed: str) -> bool:
        # Without the other alerts, which it does not touch and which take time.
        wanted = [one for one in told[0]["alert_rule_test"] if one["alertname"] == alert]
        return promtool(changed, {**test, "tests": [{**told[0], "alert_rule_test": wanted}]})[0]

    tried = [one for one in moves if left is None or one[0] in left]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # each waits for a promtool of its own
        agreed = list(pool.map(lambda one: agrees(*one[1:]), tried))
    return Round(
        series=len(given),
        verdicts=len(outcomes),
        firing=sum(bool(outcome.fired) for outcome in outcomes),
        same=same,
        said=said,
        moves=len(moves),
        unnoticed=tuple(one[0] for one, still in zip(tried, agreed, strict=True) if still),
    )


@dataclass(frozen=True)
class Comparison:
    """The sums of all rounds."""

    rounds: tuple[Round, ...]

    @property
    def series(self) -> int:
        """Generated series."""
        return sum(one.series for one in self.rounds)

    @property
    def verdicts(self) -> int:
        """Alerts asked for at a time."""
        return sum(one.verdicts for one in self.rounds)

    @property
    def firing(self) -> int:
        """Verdicts that fire."""
        return sum(one.firing for one in self.rounds)

    @property
    def differing(self) -> int:
        """Rounds in which promtool says otherwise."""
        return sum(not one.same for one in self.rounds)

    @property
    def unnoticed(self) -> tuple[str, ...]:
        """Moved thresholds that no round noticed."""
        return self.rounds[-1].unnoticed

    @property
    def moves(self) -> int:
        """Thresholds that are moved one at a time."""
        return self.rounds[0].moves

    @property
    def noticed(self) -> int:
        """Moved thresholds that promtool disagreed about."""
        return self.moves - len(self.unnoticed)

    @property
    def met(self) -> bool:
        """Whether enough was compared, and with what has to come out."""
        compared = self.series >= FEWEST_SERIES and 0 < self.firing < self.verdicts
        return compared and not self.unnoticed and not self.differing

    def lines(self) -> list[str]:
        """What to say of it."""
        return [
            f"{self.series} series, {self.verdicts} verdicts, {self.firing} of them firing",
            f"rounds in which promtool says otherwise: {self.differing} of {len(self.rounds)}",
            f"thresholds moved one at a time: {self.moves}, noticed: {self.noticed}",
            *(f"not noticed: {what}" for what in self.unnoticed),
        ]


def compare(rounds: int, steps: int) -> Comparison:
    """Run the rounds; print what promtool says of one that differs.

    Where they leave a moved threshold unnoticed, at most twice as many more follow.
    """
    found: list[Round] = []
    for number in range(3 * rounds):
        if number >= rounds and not found[-1].unnoticed:
            break
        left = found[-1].unnoticed if found else None
        with TemporaryDirectory() as folder:
            found.append(one_round(number, Path(folder), steps, left))
        if not found[-1].same:
            print(f"round {number} differs:\n{found[-1].said[:2000]}")
    return Comparison(tuple(found))


def main() -> int:
    """Run the rounds, print the sums, and return 1 where a verdict differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=120)
    given = parser.parse_args()
    if shutil.which("promtool") is None:
        print(
            "promtool is not installed (Debian: apt-get install prometheus); nothing was compared"
        )
        return 4
    found = compare(given.rounds, given.steps)
    print(*found.lines(), "met" if found.met else "NOT met", sep="\n")
    return 0 if found.met else 1


if __name__ == "__main__":
    sys.exit(main())
