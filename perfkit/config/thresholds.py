"""``config/performance_thresholds.yaml``: what is required of the measured program.

Defaults are chosen so that a repository without any file gets a sensible gate: comparisons are
judged, and there is no budget, because nobody but the owner knows what is fast enough.
"""

from datetime import date
from fnmatch import fnmatchcase
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from perfkit.config.drills import DrillLimits
from perfkit.config.fields import (
    Duration,
    PositiveAmount,
    PositiveDuration,
    PositiveRatio,
    Ratio,
    Size,
    Text,
)
from perfkit.config.load_settings import LoadLimits
from perfkit.config.objectives import Objective
from perfkit.config.section import Section, refuse_repeats
from perfkit.config.units import Amount

Metric = Literal["time", "memory", "count"]
"""What a benchmark measures: seconds, bytes, or a plain number."""

PEAK_MEMORY = ".peak_memory"
"""Ends the name of the memory that is recorded beside a time benchmark."""

_METRIC_OF_UNIT: dict[str, Metric] = {"s": "time", "B": "memory", "count": "count"}


class Regression(Section):
    """How a comparison of two revisions is judged, and how much it may cost."""

    threshold: PositiveRatio = 0.05
    """Smallest relative change that is reported, unless an entry of benchmarks says otherwise."""
    alpha: float = Field(default=0.01, gt=0, le=0.5)
    """Chance of any false alarm in one comparison of all benchmarks."""
    min_rounds: int = Field(default=6, ge=2, le=1000)
    """Interleaved rounds per side before anything is decided. 6 is the smallest number at which
    full separation of the sides has a p (2 / 924, Mann-Whitney) that an alpha of 0.01 can spare."""
    max_rounds: int = Field(default=20, ge=2, le=1000)
    """Interleaved rounds per side after which an undecided benchmark is inconclusive."""
    time_budget: PositiveDuration = 600.0
    """Wall-clock time after which no new round is started."""
    load_wait: Duration = 30.0
    """How long measuring waits at most, all in all, while other programs use half of the processors
    or more; 0s never waits."""
    noise_floor: Literal["stored", "none"] = "stored"
    """Whether the noise of stored runs of this machine may raise a floor above its threshold."""
    memory: Literal["compared", "ignored"] = "compared"
    """What is done with the peak memory that is recorded beside every time benchmark."""
    memory_threshold: PositiveRatio = 0.1
    """Smallest relative change of that peak memory that is reported, unless an entry of benchmarks
    with metric memory says otherwise."""
    memory_floor: PositiveAmount = Amount(2.0**20, "B")
    """Changes of that peak memory smaller than this are never reported; Python takes memory from
    the system in arenas of 1 MiB."""

    @field_validator("memory_floor")
    @classmethod
    def _memory_floor_is_a_size(cls, floor: Amount) -> Amount:
        if floor.unit != "B":
            message = "found another quantity, wanted a size such as 1MiB"
            raise ValueError(message)
        return floor

    @model_validator(mode="after")
    def _rounds_in_order(self) -> Self:
        if self.min_rounds > self.max_rounds:
            message = (
                f"found min_rounds {self.min_rounds} above max_rounds {self.max_rounds}, "
                "wanted at most as many"
            )
            raise ValueError(message)
        return self


class CulpritSearch(Section):
    """How the functions behind a regression are looked for: by profiles, without a part in it."""

    benchmarks: int = Field(default=3, ge=0, le=100)
    """Regressed benchmarks that are profiled, the worst first; 0 looks for no culprits."""
    sessions: int = Field(default=6, ge=2, le=100)
    """Profiles of each side. 5 is the smallest number that can show a difference."""
    time_budget: PositiveDuration = 120.0
    """Wall-clock time for all of them, after which no new round is started."""


class ImpactMap(Section):
    """Where perfkit impact finds the profiles of the critical path."""

    profiles: Text = ".perfkit/profiles"
    """A file that perfkit profile --output wrote, or a folder of such files, from the repository's
    root. perfkit impact --record fills the folder."""


class BenchmarkRule(Section):
    """A threshold of its own for the benchmarks that a pattern matches."""

    match: Text
    """Shell pattern over the benchmark's name with parameters, such as suite.TimeCorrect.*"""
    metric: Metric | None = None
    """Only benchmarks that measure this; all by default."""
    threshold: PositiveRatio
    """Smallest relative change that is reported for them."""
    absolute_floor: PositiveAmount | None = None
    """Changes smaller than this are never reported, whatever their ratio; needs metric."""
    why: str = ""
    """Reason for the exception, for whoever reads the file."""

    @model_validator(mode="after")
    def _floor_fits_metric(self) -> Self:
        if self.absolute_floor is not None:
            metric = _METRIC_OF_UNIT[self.absolute_floor.unit]
            if self.metric != metric:
                message = (
                    f"found an absolute_floor of {metric} with metric "
                    f"{self.metric or 'left out'}, wanted metric: {metric}"
                )
                raise ValueError(message)
        return self


class Budget(Section):
    """An absolute limit for one benchmark, whatever it was before."""

    name: Text
    """What the budget is called in reports; unique."""
    benchmark: Text
    """Exact name of a benchmark, with parameters if it has any."""
    statistic: Literal["median", "p95", "max"] = "median"
    """Statistic of the measured values that must stay within the limit."""
    limit: PositiveAmount
    """Largest allowed value: a duration, a size or a count."""
    why: str = ""
    """Where the limit comes from, shown beside the verdict."""


class ProfileBudget(Section):
    """A limit for the time of one program, judged by perfkit profile."""

    target: Text
    """The program as perfkit profile names it: app.py --size 3, -m NAME or pkg.mod:callable. A
    benchmark has its limit in budgets."""
    statistic: Literal["median", "p95"] = "median"
    """Statistic of the time of a call without a profiler."""
    limit: PositiveDuration
    """Largest allowed time."""
    why: str = ""
    """Where the limit comes from, shown beside the verdict."""

    @property
    def amount(self) -> Amount:
        """The limit with its unit."""
        return Amount(self.limit, "s")


class LeakCheck(Section):
    """A callable that must not keep memory from one call to the next."""

    target: Text
    """The callable, as pkg.mod:callable."""
    ceiling: Size = 0
    """Growth per iteration and call site that is still accepted."""
    iterations: int | None = Field(default=None, ge=1, le=1_000_000)
    """Calls in the only run, as for perfkit leaks --iterations; left out, as many as it takes to
    tell a leak from a bounded cache."""
    why: str = ""
    """Reason for a ceiling above 0B, for whoever reads the file."""


class Waiver(Section):
    """A known regression that is accepted up to a ceiling, until a day, for a reason."""

    benchmark: Text
    """Shell pattern over the benchmark's name with parameters."""
    metric: Metric | None = None
    """Only benchmarks that measure this; all by default."""
    ceiling: Ratio
    """Largest relative change that is accepted; a larger one fails again."""
    expires: date
    """Last day on which the waiver holds, such as 2026-12-31 (UTC)."""
    issue: Text
    """Where the regression is tracked: an address or an issue number."""
    reason: Text
    """Why it is accepted for now."""

    def covers(self, benchmark: str, metric: Metric) -> bool:
        """Whether this waiver is about ``benchmark``, expired or not."""
        return matches(self.benchmark, self.metric, benchmark, metric)

    def expired(self, today: date) -> bool:
        """Whether the last day of the waiver has passed."""
        return today > self.expires


class LeakWaiver(Section):
    """A known leak that is accepted up to a ceiling, until a day, for a reason."""

    target: Text
    """Shell pattern over the target of leak checks, as leaks names them."""
    ceiling: Size
    """Largest growth per iteration and call site that is accepted; a larger one fails again."""
    expires: date
    """Last day on which the waiver holds, such as 2026-12-31 (UTC)."""
    issue: Text
    """Where the leak is tracked: an address or an issue number."""
    reason: Text
    """Why it is accepted for now."""

    def covers(self, target: str) -> bool:
        """Whether this waiver is about ``target``, expired or not."""
        return fnmatchcase(target, self.target)

    def expired(self, today: date) -> bool:
        """Whether the last day of the waiver has passed."""
        return today > self.expires


class Quarantine(Section):
    """A flaky benchmark that is measured and shown but decides nothing, until a day."""

    benchmark: Text
    """Shell pattern over the benchmark's name with parameters; its peak memory is meant as well."""
    expires: date
    """Last day on which it is in quarantine, such as 2026-12-31 (UTC)."""
    issue: Text
    """Where the flakiness is tracked: an address or an issue number."""
    reason: Text
    """What makes it flaky, as far as is known."""

    def covers(self, benchmark: str) -> bool:
        """Whether this is about ``benchmark``, expired or not."""
        return fnmatchcase(benchmark.replace(PEAK_MEMORY, ""), self.benchmark)

    def expired(self, today: date) -> bool:
        """Whether the last day has passed."""
        return today > self.expires


class Thresholds(Section):
    """What is required: regression thresholds, budgets, leak ceilings, waivers."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    """Version of this file's format."""
    regression: Regression = Regression()
    """How a comparison is judged."""
    benchmarks: tuple[BenchmarkRule, ...] = ()
    """Exceptions to regression.threshold; where several match, the last one counts."""
    culprits: CulpritSearch = CulpritSearch()
    """How the functions behind a regression are looked for."""
    impact: ImpactMap = ImpactMap()
    """What perfkit impact lays a change over."""
    budgets: tuple[Budget, ...] = ()
    """Absolute limits."""
    profile_budgets: tuple[ProfileBudget, ...] = ()
    """Absolute limits of programs that are no benchmarks."""
    leaks: tuple[LeakCheck, ...] = ()
    """Callables that must not keep memory."""
    objectives: tuple[Objective, ...] = ()
    """What share of calls in production has to be good."""
    load: LoadLimits = LoadLimits()
    """What has to hold under load."""
    drills: DrillLimits = DrillLimits()
    """How fast a backup has to come back."""
    waivers: tuple[Waiver, ...] = ()
    """Known regressions that are accepted for a time; where several cover, the last one counts."""
    leak_waivers: tuple[LeakWaiver, ...] = ()
    """Known leaks that are accepted for a time; where several cover, the last one counts."""
    quarantine: tuple[Quarantine, ...] = ()
    """Flaky benchmarks that decide nothing for a time; where several cover, the last one counts."""

    @field_validator("budgets")
    @classmethod
    def _budgets_have_names_of_their_own(cls, budgets: tuple[Budget, ...]) -> tuple[Budget, ...]:
        refuse_repeats("name", [budget.name for budget in budgets])
        return budgets

    @field_validator("leaks")
    @classmethod
    def _leaks_have_targets_of_their_own(
        cls, leaks: tuple[LeakCheck, ...]
    ) -> tuple[LeakCheck, ...]:
        refuse_repeats("target", [leak.target for leak in leaks])
        return leaks

    @field_validator("objectives")
    @classmethod
    def _objectives_have_names_of_their_own(
        cls, objectives: tuple[Objective, ...]
    ) -> tuple[Objective, ...]:
        refuse_repeats("name", [objective.name for objective in objectives])
        return objectives

    def rule_for(self, benchmark: str, metric: Metric) -> BenchmarkRule:
        """Return the last rule that matches, or one made of ``regression.threshold``.

        ``benchmark`` is ``str(BenchmarkId)``. Patterns are case-sensitive on every system.
        """
        for rule in reversed(self.benchmarks):
            if matches(rule.match, rule.metric, benchmark, metric):
                return rule
        if PEAK_MEMORY in benchmark:
            return BenchmarkRule.model_construct(
                match="*",
                metric="memory",
                threshold=self.regression.memory_threshold,
                absolute_floor=self.regression.memory_floor,
            )
        return BenchmarkRule.model_construct(match="*", threshold=self.regression.threshold)

    def waiver_for(self, benchmark: str, metric: Metric) -> Waiver | None:
        """Return the last waiver that covers the benchmark; it may be expired."""
        for waiver in reversed(self.waivers):
            if waiver.covers(benchmark, metric):
                return waiver
        return None

    def quarantine_for(self, benchmark: str) -> Quarantine | None:
        """Return the last quarantine that covers the benchmark; it may be expired."""
        for quarantine in reversed(self.quarantine):
            if quarantine.covers(benchmark):
                return quarantine
        return None


def matches(pattern: str, wanted: str | None, benchmark: str, metric: Metric) -> bool:
    """Whether an entry is about a benchmark; one about peak memory has to say so.

    What was written for a benchmark's time is not meant for the memory recorded beside it.
    """
    if PEAK_MEMORY in benchmark:
        owner = benchmark.replace(PEAK_MEMORY, "")
        return wanted == "memory" and (
            fnmatchcase(owner, pattern) or fnmatchcase(benchmark, pattern)
        )
    return wanted in {None, metric} and fnmatchcase(benchmark, pattern)
