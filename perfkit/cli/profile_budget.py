"""What ``perfkit profile`` does with budgets: time the target without a profiler, and judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from perfkit.cli.invocation import Invocation
from perfkit.cli.progress import saying
from perfkit.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from perfkit.config.load import Settings
    from perfkit.config.thresholds import Budget
    from perfkit.model import Report, Status
    from perfkit.targets.spec import Target

STATISTICS = ("median", "p95")
"""What is measured of every target with a budget, whichever of them is limited."""


@dataclass(frozen=True)
class Judged:
    """Budgets of one target as they were judged, and what was measured of the others."""

    report: "Report"
    unlimited: "tuple[str, ...]"
    """Statistics that no budget limits, each with its interval in words."""

    def exit_code(self, *, strict: bool) -> ExitCode:
        """1 where a budget is exceeded; 3 where one cannot be told and ``strict``."""
        return self.report.exit_code(strict=strict)

    @property
    def status(self) -> "Status":
        """The word beside the code."""
        return self.report.status

    def text(self) -> "RenderableType":
        """Return one line per budget, and one per statistic without any."""
        from rich.console import Group
        from rich.text import Text

        from perfkit.reporting.terminal import budget_line

        return Group(
            Text("Budgets: calls without a profiler, in fresh processes", "bold"),
            *map(budget_line, self.report.budgets),
            *(Text(f"  {line}", "dim") for line in self.unlimited),
            Text(),
        )

    def values(self) -> Any:  # noqa: ANN401 - JSON values
        """Return the budgets as JSON values."""
        from perfkit.reporting.document import to_values

        return to_values(self.report)["budgets"]


def budgets_of(
    target: "Target", given: Sequence[str], settings: "Settings | None"
) -> "tuple[Budget, ...]":
    """Return the budgets for a target: those of the options, or else the configuration's."""
    from perfkit.targets.spec import TargetKind

    name = str(target)
    if given:
        return tuple(_from_option(text, name) for text in given)
    if settings is None:
        return ()
    from perfkit.config.thresholds import Budget

    thresholds = settings.thresholds
    found = [
        Budget.model_construct(
            name=f"{one.statistic} of {name}",
            benchmark=name,
            statistic=one.statistic,
            limit=one.amount,
            why=one.why,
        )
        for one in thresholds.profile_budgets
        if one.target == name
    ]
    if target.kind is TargetKind.BENCHMARK:
        found += [
            one
            for one in thresholds.budgets
            if one.benchmark == target.name and one.limit.unit == "s"
        ]
    return tuple(found)


def _from_option(text: str, name: str) -> "Budget":
    from perfkit.cli.profile_options import duration
    from perfkit.config.thresholds import Budget
    from perfkit.config.units import Amount

    statistic, equals, limit = text.rpartition("=")
    if equals and statistic not in STATISTICS:
        raise UsageError(
            f"--budget {text}: found the statistic {statistic!r}, wanted {' or '.join(STATISTICS)},"
            " as in p95=1s."
        )
    return Budget.model_construct(
        name=f"--budget {text}",
        benchmark=name,
        statistic=statistic or "median",
        limit=Amount(duration(limit, "--budget"), "s"),
        why="",
    )


def judged(
    invocation: Invocation,
    target: "Target",
    budgets: "Sequence[Budget]",
    *,
    repeat: int | Literal["auto"],
    warmup: int,
    timeout: float | None,
) -> Judged:
    """Time a target in fresh processes without a profiler, and judge its budgets."""
    from time import monotonic

    from perfkit.gate.budgets import LEAST_TAIL, QUANTILE, judge_budget
    from perfkit.model import BenchmarkId, Report, Sample, Unit
    from perfkit.profiling.durations import durations
    from perfkit.reporting.row_text import statistic_text
    from perfkit.stats import quantile_interval

    saying(invocation)(f"timing {target} in fresh processes, for its budgets")
    processes = durations(
        target,
        cwd=Path.cwd(),
        repeat=repeat,
        warmup=warmup,
        timeout=timeout,
        least=max(LEAST_TAIL.get(one.statistic, 1) for one in budgets),
        clock=monotonic,
    )
    sample = Sample(
        benchmark=BenchmarkId(str(target)),
        unit=Unit.SECONDS,
        processes=processes,
        rounds=tuple(range(len(processes))),
    )
    count = sum(map(len, processes))
    return Judged(
        Report(command="profile", budgets=tuple(judge_budget(one, sample) for one in budgets)),
        tuple(
            f"{statistic_text(name, quantile_interval(processes, QUANTILE[name]), Unit.SECONDS)},"
            f" n {count} in {len(processes)} processes"
            for name in STATISTICS
            if name not in {one.statistic for one in budgets} and count >= LEAST_TAIL[name]
        ),
    )
