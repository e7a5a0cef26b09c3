"""Objectives held against what was counted: in the embedded store, or by a Prometheus server."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from perfkit.config.objectives import Objective
from perfkit.monitoring.objectives import Assessment, assess
from perfkit.monitoring.prometheus_server import PrometheusServer
from perfkit.monitoring.promql import all_calls, bad_calls, span
from perfkit.monitoring.rules import good_of


@dataclass(frozen=True, slots=True)
class Counted:
    """Calls of an objective's window."""

    total: int
    bad: int
    note: str = ""
    """What the reader has to know about the counts."""


@dataclass(frozen=True, slots=True)
class Row:
    """One objective and what can be said about it."""

    objective: Objective
    assessment: Assessment
    note: str


class Counts(Protocol):
    """Where calls are counted."""

    def __call__(self, objective: Objective, at: float) -> Counted:
        """Return the calls of the window that ends at ``at``."""
        ...


def judge(objectives: Sequence[Objective], counts: Counts, at: float) -> tuple[Row, ...]:
    """Return a row for every objective at a time (seconds since 1970)."""
    rows = []
    for objective in objectives:
        counted = counts(objective, at)
        rows.append(
            Row(objective, assess(counted.total, counted.bad, objective.target), counted.note)
        )
    return tuple(rows)


def prometheus_counts(server: PrometheusServer) -> Counts:
    """Return counts from a server; its increases are extrapolated, and rounded here."""

    def counts(objective: Objective, at: float) -> Counted:
        good, over = good_of(objective), span(objective.window)
        total = server.number(all_calls(good, over, "increase"), at)
        bad = server.number(bad_calls(good, over, "increase"), at)
        if total is None or round(total) == 0:
            return Counted(0, 0, "the server has no calls in the window")
        if bad is None:
            return Counted(
                0, 0, "the server has calls, but no durations with this limit as a bucket"
            )
        return Counted(round(total), min(round(bad), round(total)))

    return counts
