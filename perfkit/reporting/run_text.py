"""One measured run for the terminal and as JSON values: pure functions of the run."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from perfkit.model import BenchmarkId, Environment, Run, Sample
from perfkit.plural import plural
from perfkit.reporting.quantity import duration, quantity, scale_of
from perfkit.reporting.visible import visible
from perfkit.stats import representatives

if TYPE_CHECKING:
    from rich.console import RenderableType


def run_text(
    run: Run,
    *,
    rounds: int,
    seconds: float,
    skipped: Sequence[BenchmarkId],
    stored: str,
    warnings: Sequence[str] = (),
) -> "RenderableType":
    """Return a table of benchmark, median and quartiles over processes, n and outcome.

    A process counts with the value that stands for it in comparisons and in the history.
    """
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    table.add_column("")
    table.add_column("benchmark", overflow="fold")
    for name in ("median", "quartiles", "n"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("outcome")
    for sample in run.samples:
        table.add_row(*_row(sample))
    state = "uncommitted changes on " if run.dirty else ""
    part = "" if run.shard is None else f", shard {run.shard.index}/{run.shard.count}"
    title = (
        f"{state}{run.commit[:10]}{part}: {plural(rounds, 'round')} of fresh processes,"
        f" {duration(seconds)}"
    )
    parts: list[RenderableType] = [Text(title, style="bold"), Text(), table, Text()]
    if skipped:
        names = ", ".join(map(str, skipped))
        parts.append(Text(f"! {len(skipped)} declined to run (skipped): {names}", style="yellow"))
    parts.extend(Text(f"! {warning}", style="yellow") for warning in warnings)
    return Group(*parts, Text(stored, style="dim"))


def _row(sample: Sample) -> "tuple[RenderableType, ...]":
    from rich.text import Text

    name = Text(visible(str(sample.benchmark)))
    if sample.failure:
        return (
            Text("!", style="magenta"),
            name,
            "-",
            "-",
            "-",
            Text(visible(f"failed: {sample.failure}")),
        )
    centres = [float(v) for v in representatives(sample.processes, "run", sample.better)]
    low, middle, high = quartiles(centres)
    scale = scale_of([middle], sample.unit)
    spread = " .. ".join(quantity(value, sample.unit, scale) for value in (low, high))
    return (
        Text("✓", style="green"),
        name,
        quantity(middle, sample.unit, scale),
        spread if len(centres) > 1 else "-",
        str(len(centres)),
        Text(visible(sample.outcome or "")),
    )


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """Return the quartiles of at least one value."""
    if len(values) == 1:
        return (values[0],) * 3
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def run_values(
    run: Run,
    failures: Mapping[BenchmarkId, str],
    *,
    skipped: Sequence[BenchmarkId],
    stored: str | None,
    warnings: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the run's keys of the JSON envelope; times in seconds, sizes in bytes."""
    return {
        "commit": run.commit,
        "dirty": run.dirty,
        "stored": stored,
        "warnings": list(warnings),
        "environment": {
            **{field: getattr(run.environment, field) for field in Environment.__slots__},
            "fingerprint": run.environment.fingerprint,
        },
        "asv_runner": run.asv_runner,
        "packages": dict(run.packages),
        "loads": list(run.loads),
        "shard": None if run.shard is None else asdict(run.shard),
        "skipped": [str(identity) for identity in skipped],
        "benchmarks": [
            {
                "name": str(sample.benchmark),
                "unit": str(sample.unit),
                "processes": [list(values) for values in sample.processes],
                "loops": list(sample.loops),
                "warmup": sample.warmup,
                "loaded": list(sample.loaded),
                "outcome": sample.outcome,
                "failure": sample.failure,
                "output": failures.get(sample.benchmark),
            }
            for sample in run.samples
        ],
    }
