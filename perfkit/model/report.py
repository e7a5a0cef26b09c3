"""The report: everything a verb found, from which every output is rendered."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, assert_never

from perfkit.errors import ExitCode
from perfkit.model.benchmark import BenchmarkId
from perfkit.model.culprit import Culprit
from perfkit.model.environment import Environment, EnvironmentDifference
from perfkit.model.sample import Unit
from perfkit.model.shift import Interval, Shift, Verdict
from perfkit.model.waiver import WaiverResult
from perfkit.status import Status

GRAVITY = (Status.FAILED, Status.ERROR, Status.INCONCLUSIVE, Status.PASSED)
"""The worst first."""

MOST_VALUES = 60
"""Values that a report keeps of one side of one benchmark, so that it stays small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A side of a comparison: what the user called it, and the commit it was.

    Where the wanted commit was not measured and an ancestor stands for it, ``between`` holds the
    commits after this one up to the wanted one, along first parents, oldest first; its length is
    the distance.
    """

    label: str
    commit: str
    dirty: bool = False
    subject: str = ""
    between: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One side's values in a nutshell: ``median`` and quartiles over processes, n processes.

    ``values`` are those that stand for the processes, in order of execution, to four digits;
    of more than :data:`MOST_VALUES` processes evenly spaced ones. Empty where an earlier version
    wrote the report.
    """

    median: float
    low: float
    high: float
    n: int
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One benchmark, both sides, one verdict.

    ``shift`` is None exactly when no comparison of values was possible (failed, missing, new, or
    stored results of another source); ``reason`` then says why. ``verdict`` is the final word
    after multiplicity, confirmation, outcome and environment, and may be weaker than
    ``shift.verdict``. ``first`` is the shift of the rounds that made a suspect of it, where
    independent rounds then gave ``shift``.
    """

    benchmark: BenchmarkId
    unit: Unit
    verdict: Verdict
    base: Summary | None = None
    head: Summary | None = None
    shift: Shift | None = None
    first: Shift | None = None
    p_adjusted: float | None = None
    threshold: float | None = None
    outcome_base: str | None = None
    outcome_head: str | None = None
    reason: str = ""
    waived: str = ""
    """Why a regression is accepted for now, and until when; empty when it is not."""
    quarantined: str = ""
    """Why this row decides nothing for now, and until when; empty when it does."""
    floor_source: str = ""
    """Where ``threshold`` comes from: the configuration's key, or what noise was seen in."""
    why: str = ""
    """The configuration's reason for this benchmark's own threshold."""
    warnings: tuple[str, ...] = ()
    culprits: tuple[Culprit, ...] = ()
    """The functions that made it slower, the first one most; found by profiles, which gate nothing.
    Where none is significant they are guesses, and say so."""
    culprit_note: str = ""
    """What to know of the culprits, or why there are none; empty where they were not looked for."""

    @property
    def status(self) -> Status:
        """What this row means for the whole; one in quarantine never fails."""
        if self.waived or self.quarantined:
            return Status.PASSED
        match self.verdict:
            case Verdict.REGRESSED | Verdict.DIFFERENT_WORK:
                return Status.FAILED
            case Verdict.IMPROVED | Verdict.UNCHANGED | Verdict.NEW:
                return Status.PASSED
            case Verdict.INCONCLUSIVE:
                return Status.INCONCLUSIVE
            case Verdict.FAILED | Verdict.MISSING:
                return Status.ERROR
            case _:
                assert_never(self.verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetResult:
    """An absolute budget and what was measured against it.

    ``measured`` is the interval of the statistic named in ``statistic`` (``median`` or ``p95``),
    in ``unit``; None when measuring failed, and ``reason`` then says why.
    """

    name: str
    statistic: str
    limit: float
    unit: Unit
    status: Status
    measured: Interval | None = None
    n: int = 0
    why: str = ""
    reason: str = ""


class LeakState(StrEnum):
    """What is known about the memory that one target keeps."""

    LEAK = "leak"
    """Grows above the ceiling, at a slope that held over two doublings of the iterations."""
    NATIVE = "native"
    """Grows steadily without memray, while no line's memory does: memory that memray cannot see."""
    RSS_ONLY = "rss_only"
    """Only the resident size grows: fragmentation, or memory mapped behind the allocator's back."""
    FILLING = "filling"
    """Still grows, but slower and slower: a cache that is not yet full looks like this."""
    CLEAN = "clean"
    """Nothing grows, or not above the ceiling."""
    INCONCLUSIVE = "inconclusive"
    """Grows at a held slope, but a cache with a bound was seen filling all the while."""
    FAILED = "failed"
    """The measurement failed; nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakSite:
    """One line of the target's code whose allocations are not given back.

    ``place`` is ``file:line function``; ``stack`` the whole stack of its largest allocation,
    innermost first, in the same form. Slopes are per iteration; ``bytes_interval`` is the 95 %
    confidence interval of that in bytes, None in reports of a version that did not tell.
    """

    place: str
    bytes_per_iteration: float
    blocks_per_iteration: float
    stack: tuple[str, ...] = ()
    bytes_interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakResult:
    """Net memory growth of one target, per iteration, with the sites that keep it.

    ``ceiling`` is the growth that each site is allowed, in bytes per iteration; ``iterations`` the
    length of the longest run that was looked at. ``sites`` are the lines that grew, empty when
    clean: first those that name a holder, then the largest. ``unplaced`` is growth in bytes per
    iteration that no line accounts for. ``holders`` are the containers that grow with the calls, in
    words. ``reason`` is one sentence on how the state was reached.
    """

    target: str
    state: LeakState
    ceiling: float
    iterations: int
    sites: tuple[LeakSite, ...] = ()
    holders: tuple[str, ...] = ()
    unplaced: float = 0.0
    reason: str = ""
    notes: tuple[str, ...] = ()
    waived: str = ""
    """Why a leak is accepted for now, and until when; empty when it is not."""

    @property
    def status(self) -> Status:
        """What this row means for the whole."""
        if self.waived:
            return Status.PASSED
        match self.state:
            case LeakState.LEAK | LeakState.NATIVE:
                return Status.FAILED
            case LeakState.FILLING | LeakState.INCONCLUSIVE | LeakState.RSS_ONLY:
                return Status.INCONCLUSIVE
            case LeakState.CLEAN:
                return Status.PASSED
            case LeakState.FAILED:
                return Status.ERROR
            case _:
                assert_never(self.state)

    @property
    def bytes_per_iteration(self) -> float:
        """Growth of all sites together, and of what has no site."""
        return sum(site.bytes_per_iteration for site in self.sites) + self.unplaced


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The manifest of one shard of a suite: ``index`` of ``count``, counted from 1.

    ``expected`` is every benchmark of the whole suite, ``skipped`` those of this shard that
    declined to run on both sides, for which no row is due. ``budgets`` and ``leaks`` are the rows
    due of all shards together, in the state of nothing measured. ``suite`` is a digest of the
    benchmarks and their sources, ``version`` perfkit's, ``alpha`` the false alarm rate that the
    whole suite is held to.
    """

    index: int
    count: int
    project: str
    suite: str
    version: str
    alpha: float
    expected: tuple[BenchmarkId, ...]
    skipped: tuple[BenchmarkId, ...] = ()
    budgets: tuple[BudgetResult, ...] = ()
    leaks: tuple[LeakResult, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything one invocation found. Its status is a pure function of its rows.

    ``shard`` says which part of the suite the rows are; None for a report of the whole.
    """

    # pydantic reads this where a report from elsewhere is validated.
    __pydantic_config__: ClassVar = {"extra": "forbid"}

    command: str
    base: Revision | None = None
    head: Revision | None = None
    environment: Environment | None = None
    comparisons: tuple[Comparison, ...] = ()
    budgets: tuple[BudgetResult, ...] = ()
    leaks: tuple[LeakResult, ...] = ()
    waivers: tuple[WaiverResult, ...] = ()
    differences: tuple[EnvironmentDifference, ...] = ()
    impact: str = ""
    """One sentence on which hot paths the change touches, from stored profiles: a map, which
    decides nothing; empty where there is none."""
    rounds: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    warnings: tuple[str, ...] = ()
    shard: Shard | None = None

    @property
    def status(self) -> Status:
        """The worst row; a report without any row is an error: nothing was measured.

        A failed gate outranks a failed measurement: it is knowledge about the change, and stays
        true whatever else broke. Waivers are no evidence: they may fail a report, but not pass
        one. Where everything that was measured is in quarantine, nothing was decided.
        """
        rows: tuple[Comparison | BudgetResult | LeakResult, ...]
        rows = (*self.comparisons, *self.budgets, *self.leaks)
        if not rows:
            return Status.ERROR
        found = {row.status for row in (*rows, *self.waivers)}
        if all(isinstance(row, Comparison) and row.quarantined for row in rows):
            found.add(Status.INCONCLUSIVE)
        return next(status for status in GRAVITY if status in found)

    def exit_code(self, *, strict: bool = False) -> ExitCode:
        """Return the process exit code for this report; see :class:`ExitCode`."""
        return self.status.exit_code(strict=strict, interrupted=self.interrupted)
