"""Scenarios: series, and which alerts have to fire when.

The format is that of promtool's unit tests, so one file is read by ``promtool test rules`` and by
``perfkit alerts test``. The rules are always those of the configuration; ``rule_files`` is for
promtool. Source: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from perfkit.config.document import Document, Location, described, read_document
from perfkit.errors import ConfigError
from perfkit.monitoring.counters import CounterTelemetry
from perfkit.monitoring.rules import Rule
from perfkit.monitoring.states import Alert, Evaluator

MOST_SERIES: Final = 10_000
MOST_SAMPLES: Final = 5_000_000
"""Of a file; promtool keeps everything in memory as well."""
_DURATION: Final = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?")
_UNITS: Final = (86_400_000, 3_600_000, 60_000, 1000, 1)
_NAME: Final = re.compile(r"\s*([A-Za-z_:][A-Za-z0-9_:]*)\s*")
_LABEL: Final = re.compile(
    r"""\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*(,|(?=\}))"""
)
_NUMBER: Final = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_ITEM: Final = re.compile(
    rf"(?:(?P<gap>_)|(?P<stale>stale)|(?P<start>{_NUMBER}))"
    rf"(?:(?P<step>[+-](?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))?(?:x(?P<times>\d+))?"
)
_ESCAPED: Final = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.DOTALL)
_MEANS: Final = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


@dataclass(frozen=True, slots=True)
class Expectation:
    """Which alerts of a name fire at a time."""

    at: float
    """Seconds after the first sample."""
    name: str
    labels: tuple[Mapping[str, str], ...]
    """Without alertname, one for each alert."""
    place: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """One test of a file."""

    name: str
    interval: float
    """Seconds between samples and between evaluations."""
    series: tuple[tuple[str, Mapping[str, str], tuple[float | None, ...]], ...]
    """Metric, labels, values; None where there is no sample."""
    expectations: tuple[Expectation, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether an expectation came true."""

    scenario: str
    expectation: Expectation
    fired: tuple[Alert, ...]

    @property
    def passed(self) -> bool:
        """Whether exactly the expected alerts fired."""
        return _sorted([alert.labels for alert in self.fired]) == _sorted(self.expectation.labels)


def read_scenarios(path: Path) -> tuple[Scenario, ...]:
    """Read a file.

    Raises:
        ConfigError: the file cannot be read or is no such file; the message starts with the place.
    """
    document = read_document(path, str(path))
    reader = _Reader(document)
    top = reader.mapping(document.values, (), _TOP_KEYS)
    step = reader.duration(top.get("evaluation_interval", "1m"), ("evaluation_interval",))
    found = tuple(
        reader.scenario(test, ("tests", index), step)
        for index, test in enumerate(reader.sequence(top.get("tests", []), ("tests",)))
    )
    if not any(scenario.expectations for scenario in found):
        raise ConfigError(
            f"{path}: found no alert_rule_test, wanted at least one; a file that expects nothing "
            "would pass whatever the rules are"
        )
    return found


def play(
    scenario: Scenario, rules: Sequence[Rule], *, left_closed: bool = False
) -> tuple[Outcome, ...]:
    """Evaluate the rules over a scenario, step by step, and compare with what was expected."""
    telemetry = CounterTelemetry(left_closed=left_closed)
    waiting = sorted(scenario.expectations, key=lambda expected: expected.at)
    evaluator = Evaluator(rules, interval=scenario.interval)
    outcomes = []
    at, number = 0.0, 0
    firing: tuple[Alert, ...] = ()
    for expected in waiting:
        while at <= expected.at:
            for metric, labels, values in scenario.series:
                if number < len(values) and (value := values[number]) is not None:
                    telemetry.add(metric, labels, at, value)
            firing = evaluator.step(telemetry, at).firing
            number += 1
            at = round(number * scenario.interval, 3)
        fired = tuple(alert for alert in firing if alert.name == expected.name)
        outcomes.append(Outcome(scenario.name, expected, fired))
    return tuple(outcomes)


def expand(text: str) -> Iterator[float | None]:
    """Yield the values of a series: ``1 2 _x3 0+10x5`` in promtool's notation.

    >>> list(expand("1 _x2 0+10x2"))
    [1.0, None, None, 0.0, 10.0, 20.0]
    """
    for item in text.split():
        found = _ITEM.fullmatch(item)
        if found is None:
            message = f"found {item[:40]!r}, wanted values such as 1, _x3, 5x10 or 0+10x5"
            raise ValueError(message)
        times = int(found["times"]) if found["times"] is not None else None
        if times is not None and times > MOST_SAMPLES:
            message = f"found {times} repetitions, wanted at most {MOST_SAMPLES}"
            raise ValueError(message)
        if found["start"] is None:
            yield from [None] * (1 if times is None else times)
            continue
        start, step = float(found["start"]), float(found["step"] or 0)
        if found["step"] and times is None:
            message = f"found {item[:40]!r} without a number of steps, wanted one such as 0+10x5"
            raise ValueError(message)
        value = start
        for _ in range(1 + (times or 0)):
            yield value
            value += step


def parse_series(text: str) -> tuple[str, dict[str, str]]:
    r"""Return the metric and the labels of ``metric{label="value"}``.

    >>> parse_series(r'calls{name="a \"b\""}')
    ('calls', {'name': 'a "b"'})
    """
    name = _NAME.match(text)
    if name is None:
        message = f'found {text[:60]!r}, wanted a series such as perfkit_calls_total{{name="a"}}'
        raise ValueError(message)
    labels: dict[str, str] = {}
    position = name.end()
    if position < len(text):
        if text[position] != "{":
            message = f'found {text[position:][:40]!r} after the metric, wanted {{label="value"}}'
            raise ValueError(message)
        position += 1
        while not text[position:].lstrip().startswith("}"):
            found = _LABEL.match(text, position)
            if found is None:
                message = f'found {text[position:][:40]!r}, wanted label="value" or a closing brace'
                raise ValueError(message)
            labels[found[1]] = _ESCAPED.sub(_unescaped, found[2][1:-1])
            position = found.end()
        if text[position:].strip() != "}":
            message = (
                f"found {text[position:][:40]!r}, wanted the closing brace and nothing after it"
            )
            raise ValueError(message)
    return name[1], labels


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if len(code) > 1:
        return chr(int(code[1:], 16))
    return _MEANS.get(code, code)


def _sorted(labels: Sequence[Mapping[str, str]]) -> list[list[tuple[str, str]]]:
    return sorted(sorted(one.items()) for one in labels)


_TOP_KEYS: Final = ("rule_files", "evaluation_interval", "group_eval_order", "tests")
_TEST_KEYS: Final = ("name", "interval", "input_series", "alert_rule_test")
_SERIES_KEYS: Final = ("series", "values")
_EXPECTED_KEYS: Final = ("eval_time", "alertname", "exp_alerts")
_ALERT_KEYS: Final = ("exp_labels", "exp_annotations")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Values of a document as scenarios, with the place of what is wrong."""

    document: Document

    def wrong(self, location: Location, sentence: str) -> ConfigError:
        around = (location[:length] for length in range(len(location), -1, -1))
        place = next((self.document.places[o] for o in around if o in self.document.places), None)
        return ConfigError(f"{place or self.document.file}: {sentence}")

    def mapping(self, value: Any, location: Location, keys: Sequence[str]) -> dict[str, Any]:  # noqa: ANN401  # whatever YAML holds
        if not isinstance(value, dict):
            raise self.wrong(location, f"found {described(value)}, wanted keys: {', '.join(keys)}")
        for key in value:
            if key not in keys:
                raise self.wrong(
                    (*location, key), f"found the unknown key {key!r}, wanted {', '.join(keys)}"
                )
        return value

    def sequence(self, value: Any, location: Location) -> list[Any]:  # noqa: ANN401  # likewise
        if not isinstance(value, list):
            raise self.wrong(location, f"found {described(value)}, wanted a list")
        return value

    def text(self, value: Any, location: Location) -> str:  # noqa: ANN401  # likewise
        if not isinstance(value, str):
            raise self.wrong(location, f"found {described(value)}, wanted text")
        return value

    def duration(self, value: Any, location: Location) -> float:  # noqa: ANN401  # likewise
        text = str(value) if value == 0 else self.text(value, location)
        found = _DURATION.fullmatch(text) if text != "0" else None
        if text != "0" and (found is None or not text):
            raise self.wrong(
                location,
                f"found {text[:40]!r}, wanted a duration of Prometheus such as 1m or 1h30m",
            )
        parts = found.groups() if found else ()
        total = sum(int(part) * unit for part, unit in zip(parts, _UNITS, strict=False) if part)
        return total / 1000

    def scenario(self, value: Any, location: Location, step: float) -> Scenario:  # noqa: ANN401  # likewise
        test = self.mapping(value, location, _TEST_KEYS)
        interval = self.duration(test.get("interval", "1m"), (*location, "interval"))
        if interval != step:
            raise self.wrong(
                (*location, "interval"),
                f"found samples every {interval:g} s and an evaluation every {step:g} s, wanted "
                "interval and evaluation_interval to be the same",
            )
        if interval <= 0:
            raise self.wrong((*location, "interval"), "found 0, wanted more than zero")
        given = self.sequence(test.get("input_series", []), (*location, "input_series"))
        if len(given) > MOST_SERIES:
            raise self.wrong(location, f"found {len(given)} series, wanted at most {MOST_SERIES}")
        series = tuple(
            self.series(one, (*location, "input_series", index)) for index, one in enumerate(given)
        )
        expected = self.sequence(test.get("alert_rule_test", []), (*location, "alert_rule_test"))
        return Scenario(
            name=str(test.get("name") or f"test {location[-1]}"),
            interval=interval,
            series=series,
            expectations=tuple(
                self.expectation(one, (*location, "alert_rule_test", index))
                for index, one in enumerate(expected)
            ),
        )

    def series(
        self,
        value: Any,  # noqa: ANN401  # likewise
        location: Location,
    ) -> tuple[str, Mapping[str, str], tuple[float | None, ...]]:
        one = self.mapping(value, location, _SERIES_KEYS)
        values = one.get("values", "")
        try:
            metric, labels = parse_series(self.text(one.get("series"), (*location, "series")))
            # YAML reads a lone number as one.
            return metric, labels, tuple(expand(str(values)))
        except ValueError as error:
            raise self.wrong(location, str(error)) from error

    def expectation(self, value: Any, location: Location) -> Expectation:  # noqa: ANN401  # likewise
        one = self.mapping(value, location, _EXPECTED_KEYS)
        alerts = self.sequence(one.get("exp_alerts") or [], (*location, "exp_alerts"))
        labels = []
        for index, alert in enumerate(alerts):
            place = (*location, "exp_alerts", index)
            found = self.mapping(alert, place, _ALERT_KEYS).get("exp_labels") or {}
            if not isinstance(found, dict):
                raise self.wrong(place, f"found {described(found)}, wanted labels with values")
            labels.append(
                {
                    key: self.text(text, (*place, "exp_labels", key))
                    for key, text in found.items()
                    if key != "alertname"
                }
            )
        return Expectation(
            at=self.duration(one.get("eval_time", "0"), (*location, "eval_time")),
            name=self.text(one.get("alertname"), (*location, "alertname")),
            labels=tuple(labels),
            place=str(self.document.places.get(location, self.document.file)),
        )
