"""The commit that moved one benchmark, found by comparisons and confirmed on rounds of its own."""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from perfkit.benchmarking.bisect import Narrowed, Probe, search
from perfkit.benchmarking.build import Side, built
from perfkit.benchmarking.expected import expected_of
from perfkit.benchmarking.sides import Sides
from perfkit.benchmarking.suite import Suite
from perfkit.config.thresholds import Thresholds
from perfkit.errors import MeasurementError, UsageError
from perfkit.forge.git import Repository
from perfkit.model import Comparison, Revision, Verdict

MOVED = (Verdict.REGRESSED, Verdict.IMPROVED)

Compare = Callable[[Sides, Thresholds, int], Comparison]
"""Measure and judge one benchmark on two built sides under thresholds; the number is a seed. 0 is
the whole range's, 1 the confirmation's, so that neither repeats the order of a probe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Culprit:
    """What a bisection came to.

    ``total`` compares the good end with the bad one. ``narrowed`` is None where they do not
    differ. ``step`` compares the culprit with its parent on new rounds; None where no single
    commit is left. ``revisions`` holds the good end and every commit after it, by id, in order.
    """

    total: Comparison
    narrowed: Narrowed | None
    step: Comparison | None
    revisions: dict[str, Revision]

    @property
    def confirmed(self) -> bool:
        """Whether one commit is left and its own step shows what the whole range shows."""
        return self.step is not None and self.step.verdict is self.total.verdict


def find_culprit(
    repository: Repository,
    suite: Suite,
    good: Revision,
    bad: Revision,
    *,
    pattern: str,
    thresholds: Thresholds,
    compare: Compare,
    on_probe: Callable[[Revision, int], None],
) -> Culprit:
    """Find the first commit after ``good``, up to ``bad``, that moved the benchmark.

    Commits are those along first parents. Each is measured against ``good`` with the suite of
    ``bad``, and counts as bad when it is beyond half of the whole change (the middle of the two
    levels on the log scale), as good when it is surely below. A commit that does not build, or
    stays undecided, is passed over.

    Raises:
        UsageError: ``good`` is no first-parent ancestor of ``bad``, or ``pattern`` does not match
            exactly one benchmark.
        MeasurementError: one of the ends cannot be built or measured.
    """
    commits = _between(repository, good, bad)
    revisions = {commit: repository.resolve(commit) for commit in (good.commit, *commits)}
    with ExitStack() as stack:
        low = stack.enter_context(built(repository, good, suite))
        high = stack.enter_context(built(repository, bad, suite))
        low = replace(low, suite=high.suite)
        _one_benchmark(Sides(base=low, head=high), pattern)
        total = compare(Sides(base=low, head=high), thresholds, 0)
        if total.verdict not in MOVED or total.shift is None:
            return Culprit(total=total, narrowed=None, step=None, revisions=revisions)
        ratio = total.shift.ratio.estimate
        halfway = _with_threshold(thresholds, math.sqrt(max(ratio, 1 / ratio)) - 1)

        def probe(commit: str) -> Probe:
            try:
                with built(repository, revisions[commit], suite) as middle:
                    sides = Sides(base=low, head=replace(middle, suite=high.suite))
                    row = compare(sides, halfway, commits.index(commit) + 2)
            except MeasurementError:
                return Probe.UNBUILDABLE
            return answer(row.verdict, total.verdict)

        narrowed = search(
            commits, probe, on_probe=lambda commit, left: on_probe(revisions[commit], left)
        )
        step = None
        if narrowed.found:
            # On rounds that had no part in finding it.
            with _step(
                repository, suite, revisions, culprit=narrowed.suspects[0], high=high
            ) as sides:
                step = compare(sides, thresholds, 1)
    return Culprit(total=total, narrowed=narrowed, step=step, revisions=revisions)


def answer(found: Verdict, wanted: Verdict) -> Probe:
    """Return what the verdict of one commit against the good end says of it."""
    if found is wanted:
        return Probe.BAD
    if found is Verdict.UNCHANGED or found in MOVED:
        return Probe.GOOD
    if found is Verdict.INCONCLUSIVE:
        return Probe.UNDECIDED
    return Probe.UNBUILDABLE


@contextmanager
def _step(
    repository: Repository,
    suite: Suite,
    revisions: dict[str, Revision],
    *,
    culprit: str,
    high: Side,
) -> Iterator[Sides]:
    """Hold the culprit and its parent built, with the suite of the bad end."""
    chain = list(revisions)
    parent = revisions[chain[chain.index(culprit) - 1]]
    with (
        built(repository, parent, suite) as before,
        built(repository, revisions[culprit], suite) as after,
    ):
        yield Sides(base=replace(before, suite=high.suite), head=replace(after, suite=high.suite))


def _with_threshold(thresholds: Thresholds, floor: float) -> Thresholds:
    regression = thresholds.regression.model_copy(update={"threshold": floor})
    return thresholds.model_copy(update={"regression": regression, "benchmarks": ()})


def _between(repository: Repository, good: Revision, bad: Revision) -> tuple[str, ...]:
    chain = list(repository.first_parents(bad.commit))
    if good.commit not in chain:
        raise UsageError(
            f"{good.label} is no ancestor of {bad.label} along first parents, so there is no line"
            " of commits between them; give a good commit of the same branch."
        )
    commits = chain[chain.index(good.commit) + 1 :]
    if not commits:
        raise UsageError(f"{good.label} and {bad.label} are the same commit; nothing lies between.")
    return tuple(commits)


def _one_benchmark(sides: Sides, pattern: str) -> None:
    found = expected_of(sides, [pattern]).measured
    if len(found) > 1:
        names = ", ".join(map(str, found[:5]))
        raise UsageError(
            f"{pattern!r} matches {len(found)} benchmarks ({names}); name one of them."
        )
