"""Look for leaks: runs of growing length in fresh children, until the answer holds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from perfkit.errors import UsageError
from perfkit.memory.decide import could_still_settle, decide, needs_confirmation
from perfkit.memory.growth import SEGMENTS, Shape
from perfkit.memory.places import naming_one_of, shown_from
from perfkit.memory.runs import Runs, Seen
from perfkit.memory.unplaced import Totals, Unplaced, unplaced
from perfkit.model import LeakResult, LeakState
from perfkit.targets.found import check_found
from perfkit.targets.spec import Target, TargetKind

FIRST = 1000
"""Length of the first run: a list that grows at every tenth call is enlarged a few times."""

PLAIN = 1000
"""Length of the run without memray: enough for a dict or list that grows in steps to show it."""

CONFIRMING = 4000
"""Length of the run that must confirm a growth before it is called a leak."""

LONGEST = 16000
"""Length of the longest run, where what grows has slowed by :data:`CONFIRMING`: two doublings."""

FIRST_SECONDS = 5.0
"""Time that each of the first two runs may take; a slow target gets fewer iterations."""

LEAST_ITERATIONS = SEGMENTS * 4 // 3
"""Below this a segment of the growth test would hold no whole iteration."""

BUDGET_SECONDS = 20.0
"""Time that the confirming run may take; a slow target gets as many iterations as fit."""

_READING_SHARE = 2.0
"""A run and reading its capture take about twice what the run alone takes."""


def find_leaks(
    target: Target,
    *,
    cwd: Path,
    ceiling: float = 0.0,
    iterations: int | None = None,
    timeout: float | None = None,
    budget: float = BUDGET_SECONDS,
    captures: Path | None = None,
    native: bool = False,
    environment: Mapping[str, str] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> LeakResult:
    """Say whether a target keeps more memory the more often it runs, and which lines keep it.

    A first run of :data:`FIRST` calls under memray and one of :data:`PLAIN` without it clear what
    does not grow. What grows is run again, in a fresh process, for :data:`CONFIRMING` calls as far
    as ``budget`` allows: a cache with a bound stops growing, a leak does not. What grows, but more
    slowly than before, is run for up to :data:`LONGEST` calls.

    Args:
        target: What is called again and again in one process: a callable, a benchmark, the body
            of a test, or a tool of an MCP server, which runs in that process too.
        cwd: The directory the target is imported from.
        ceiling: Growth that is allowed, in bytes per iteration.
        iterations: Length of the only run under memray, and of the one without it.
        timeout: Seconds that one run may take before it is ended.
        budget: Seconds that a confirming run should take at most.
        captures: A folder to keep memray's captures in, for its own reporters.
        native: Record C stacks as well.
        environment: Variables set over the present ones.
        progress: Gets one line before each run.

    Raises:
        UsageError: The target cannot be repeated, or the iterations are too few to judge.
        MeasurementError: The target failed, or memray could not watch it.
    """
    if target.kind in (TargetKind.SCRIPT, TargetKind.MODULE):
        raise UsageError(
            f"{target} is a {target.kind}, which starts anew each time, so nothing can pile up:"
            " leaks are looked for in what can be called again and again: pkg.mod:callable,"
            " bench:NAME, pytest:NODEID or mcp:pkg.server:TOOL"
        )
    if iterations is not None and iterations < LEAST_ITERATIONS:
        raise UsageError(
            f"{iterations} iterations are too few to tell growth from chance: "
            f"give --iterations {LEAST_ITERATIONS} or more"
        )
    if environment is None:
        check_found(target, cwd)

    runs = Runs(
        target=target,
        cwd=cwd,
        timeout=timeout,
        captures=captures,
        native=native,
        environment=environment,
        progress=progress,
    )
    search = _Search(runs, ceiling, budget)
    return search.in_one_run(iterations) if iterations else search.in_growing_runs()


@dataclass(frozen=True, slots=True)
class _Search:
    runs: Runs
    ceiling: float
    budget: float

    def in_one_run(self, length: int) -> LeakResult:
        result = self._judged([self.runs.watched(length)])
        if result.state is not LeakState.CLEAN:
            return result
        totals = self.runs.counted(length)
        return with_totals(result, totals, unplaced(totals, self.ceiling))

    def in_growing_runs(self) -> LeakResult:
        seen = self._confirmed([self.runs.watched(FIRST, FIRST_SECONDS)])
        result = self._judged(seen)
        if result.state is not LeakState.CLEAN:
            return result
        totals = self.runs.counted(PLAIN, FIRST_SECONDS)
        found = unplaced(totals, self.ceiling)
        if found.state is LeakState.CLEAN:
            return with_totals(result, totals, found)
        if seen[-1].recording.iterations < totals.iterations:
            seen = self._confirmed([*seen, self.runs.watched(totals.iterations)])
            result = self._judged(seen)
            if result.state is not LeakState.CLEAN:
                return result
        watched = seen[-1].recording.iterations
        longer = affordable(totals.seconds_per_iteration, self.budget, max(CONFIRMING, watched))
        if longer >= 2 * totals.iterations:
            totals = self.runs.counted(longer)
            found = unplaced(totals, self.ceiling)
        return with_totals(result, totals, found)

    def _confirmed(self, seen: list[Seen]) -> list[Seen]:
        """Look at ever longer runs, until one shows no growth or there is no time for a longer."""
        while needs_confirmation(seen[-1].growths, self.ceiling):
            last = seen[-1].recording
            longer = affordable(last.seconds_per_iteration, self.budget)
            if longer < 2 * last.iterations:
                break
            seen = [*seen, self.runs.watched(longer)]
        while could_still_settle(seen[-1].growths, self.ceiling):
            last = seen[-1].recording
            longer = affordable(last.seconds_per_iteration, self.budget, 2 * last.iterations)
            if longer < 2 * last.iterations or longer > LONGEST:
                break
            seen = [*seen, self.runs.watched(longer)]
        return seen

    def _judged(self, seen: list[Seen]) -> LeakResult:
        *earlier, longest = seen
        return decide(
            str(self.runs.target),
            longest.recording,
            longest.growths,
            ceiling=self.ceiling,
            show=shown_from(self.runs.cwd),
            keeps=naming_one_of(longest.recording.holders),
            seen_before=frozenset(
                found.site.frame
                for before in earlier
                for found in before.growths
                if found.shape is Shape.GROWING
            ),
        )


def affordable(seconds_per_iteration: float, budget: float, most: int = CONFIRMING) -> int:
    """Return how long a run fits into ``budget`` seconds, at most ``most`` calls, in fours."""
    cost = seconds_per_iteration * _READING_SHARE
    return most if cost * most <= budget else int(budget / cost) // 4 * 4


def with_totals(result: LeakResult, totals: Totals, found: Unplaced) -> LeakResult:
    """Return what was said of the lines together with what the counts of the process say."""
    blind = [
        what
        for what, values in (
            ("malloc", totals.malloc_bytes),
            ("the resident size", totals.resident_bytes),
        )
        if values is None
    ]
    notes = [*result.notes]
    if blind:
        notes.append(
            f"growth that memray does not see was not looked for in {' and '.join(blind)}: this"
            " system, or an allocator in the place of malloc, does not tell"
        )
    if found.state is LeakState.CLEAN:
        also = f", {found.reason}" if found.reason else ", nor the whole process"
        also += f" over {totals.iterations} without it"
        return replace(
            result,
            iterations=max(result.iterations, totals.iterations),
            reason=f"{result.reason} under memray{also}",
            notes=tuple(notes),
        )
    return replace(
        result,
        state=found.state,
        iterations=totals.iterations,
        unplaced=found.bytes_per_iteration,
        reason=found.reason,
        notes=tuple(notes),
    )
