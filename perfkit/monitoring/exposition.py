"""Metrics as text: Prometheus' format 0.0.4 and OpenMetrics 1.0.

Sources: https://prometheus.io/docs/instrumenting/exposition_formats/ and
https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram", "summary"]

PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
"""Media types of the two formats."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One number; ``suffix`` (``_bucket``, ``_sum``, ``_count`` or none) ends the family's name."""

    labels: Sequence[tuple[str, str]]
    value: float
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """The samples of one metric, those of one set of labels beside each other.

    The name of a counter ends with ``_total``; a unit, where there is one, ends the name.
    """

    name: str
    kind: Kind
    help: str
    samples: Sequence[Sample]
    unit: str = ""


def prometheus_text(families: Iterable[Family]) -> str:
    """Return families in Prometheus' text format 0.0.4."""
    lines: list[str] = []
    for family in families:
        lines.append(f"# HELP {family.name} {_escaped(family.help)}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        lines += _samples(family)
    return "".join(f"{line}\n" for line in lines)


def openmetrics_text(families: Iterable[Family]) -> str:
    """Return families in OpenMetrics 1.0, whose counters have their ``_total`` in the sample."""
    lines: list[str] = []
    for family in families:
        name = family.name.removesuffix("_total") if family.kind == "counter" else family.name
        lines.append(f"# TYPE {name} {family.kind}")
        if family.unit:
            lines.append(f"# UNIT {name} {family.unit}")
        lines.append(f"# HELP {name} {_escaped(family.help, quotes=True)}")
        lines += _samples(family)
    return "".join(f"{line}\n" for line in (*lines, "# EOF"))


def wanted_format(accept: str) -> str:
    """Return the media type that a request's ``Accept`` prefers; Prometheus' text by default.

    >>> wanted_format("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3")
    'application/openmetrics-text; version=1.0.0; charset=utf-8'
    >>> wanted_format("*/*") == wanted_format("") == PROMETHEUS
    True
    """
    text, metrics = -1.0, -1.0
    for part in accept.split(","):
        kind, *parameters = (word.strip().lower() for word in part.split(";"))
        weight = _weight(parameters)
        if kind == "application/openmetrics-text":
            # Only this version is written; whoever wants another one gets the older format.
            versions = [one for one in parameters if one.startswith("version=")]
            if not versions or versions[0] == "version=1.0.0":
                metrics = max(metrics, weight)
        elif kind in {"text/plain", "text/*", "*/*"}:
            text = max(text, weight)
    return OPENMETRICS if metrics > max(text, 0.0) else PROMETHEUS


def _weight(parameters: Sequence[str]) -> float:
    for one in parameters:
        if one.startswith("q="):
            try:
                return float(one.removeprefix("q="))
            except ValueError:
                return 0.0
    return 1.0


def _samples(family: Family) -> Iterable[str]:
    for sample in family.samples:
        labels = ",".join(
            f'{name}="{_escaped(value, quotes=True)}"' for name, value in sample.labels
        )
        braces = f"{{{labels}}}" if labels else ""
        yield f"{family.name}{sample.suffix}{braces} {_number(sample.value)}"


def _escaped(text: str, *, quotes: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text


def _number(value: float) -> str:
    """A number that reads back as the same double; whole ones without a point."""
    if isinstance(value, int):
        return str(value)
    if value != value:  # noqa: PLR0124  # the only value that is not itself
        return "NaN"
    return {float("inf"): "+Inf", float("-inf"): "-Inf"}.get(value, repr(value))
