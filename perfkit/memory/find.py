"""Look for leaks: runs of growing length in fresh children, until the answer holds."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from perfkit.errors import UsageError
from perfkit.memory.decide import SiteGrowth, decide, needs_confirmation, site_growths
from perfkit.memory.growth import SEGMENTS, Shape
from perfkit.memory.places import naming_one_of, own_code, shown_from
from perfkit.memory.read import read_series
from perfkit.memory.series import Frame, Holder, Recording
from perfkit.model import LeakResult
from perfkit.targets import Target, TargetKind, run_child
from perfkit.targets.found import check_found

FIRST = 1000
"""Length of the first run: enough for a dict or list that only grows in steps to show it."""

FIRST_SECONDS = 5.0
"""Time that the first run may take; a slow target gets fewer iterations."""

LEAST_ITERATIONS = SEGMENTS * 4 // 3
"""Below this a segment of the growth test would hold no whole iteration."""

CONFIRMING = 4000
"""Length of the run that must confirm a growth before it is called a leak."""

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
    environment: Mapping[str, str] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> LeakResult:
    """Say whether a target keeps more memory the more often it runs, and which lines keep it.

    A first run of :data:`FIRST` iterations clears what does not grow. What grows is run again, in
    a fresh process, for :data:`CONFIRMING` iterations as far as ``budget`` allows: a cache with a
    bound stops growing, a leak does not.

    Args:
        target: A callable or a benchmark; it is called again and again in one process.
        cwd: The directory the target is imported from.
        ceiling: Growth that is allowed, in bytes per iteration.
        iterations: Length of the only run, instead of those two.
        timeout: Seconds that one run may take before it is ended.
        budget: Seconds that the confirming run should take at most.
        captures: A folder to keep memray's captures in, for its own reporters.
        environment: Variables set over the present ones.
        progress: Gets one line before each run.

    Raises:
        UsageError: The target cannot be repeated, or the iterations are too few to judge.
        MeasurementError: The target failed, or memray could not watch it.
    """
    if target.kind not in (TargetKind.CALLABLE, TargetKind.BENCHMARK):
        raise UsageError(
            f"{target} is a {target.kind}, which starts anew each time, so nothing can pile up: "
            "leaks are looked for in pkg.mod:callable or bench:NAME, which can be repeated"
        )
    if iterations is not None and iterations < LEAST_ITERATIONS:
        raise UsageError(
            f"{iterations} iterations are too few to tell growth from chance: "
            f"give --iterations {LEAST_ITERATIONS} or more"
        )
    if environment is None:
        check_found(target, cwd)

    def run(length: int, seconds: float | None = None) -> tuple[Recording, list[SiteGrowth]]:
        progress(f"running {target} {'up to ' if seconds else ''}{length} times under memray")
        recording, own = _run(
            target,
            cwd=cwd,
            iterations=length,
            seconds=seconds,
            timeout=timeout,
            captures=captures,
            environment=environment,
        )
        return recording, site_growths(recording, own)

    recording, growths = run(iterations) if iterations else run(FIRST, FIRST_SECONDS)
    seen_before: frozenset[Frame] = frozenset()
    longer = affordable(recording, budget)
    if not iterations and longer and needs_confirmation(growths, ceiling):
        seen_before = frozenset(
            found.site.frame for found in growths if found.shape is Shape.GROWING
        )
        recording, growths = run(longer)
    return decide(
        str(target),
        recording,
        growths,
        ceiling=ceiling,
        show=shown_from(cwd),
        keeps=naming_one_of(recording.holders),
        seen_before=seen_before,
    )


def affordable(recording: Recording, budget: float) -> int:
    """Return how long a run fits into ``budget`` seconds; 0 unless that is twice the last one."""
    cost = recording.seconds_per_iteration * _READING_SHARE
    fitting = CONFIRMING if cost * CONFIRMING <= budget else int(budget / cost) // 4 * 4
    return fitting if fitting >= 2 * recording.iterations else 0


def _run(
    target: Target,
    *,
    cwd: Path,
    iterations: int,
    seconds: float | None,
    timeout: float | None,
    captures: Path | None,
    environment: Mapping[str, str] | None,
) -> tuple[Recording, Callable[[str], bool]]:
    with tempfile.TemporaryDirectory(prefix="perfkit-") as scratch:
        folder = captures or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        capture = folder.resolve() / f"leaks-{iterations}.bin"
        capture.unlink(missing_ok=True)
        answer = run_child(
            "perfkit.memory.capture",
            {
                "target": target.to_json(),
                "capture": str(capture),
                "iterations": iterations,
                "seconds": seconds,
                "native": False,
            },
            cwd=cwd,
            name=str(target),
            timeout=timeout,
            environment=environment,
        )
        marks, stacks = read_series(
            capture, answer["marks"], direct=Frame("<call>", 0, str(target))
        )
    recording = Recording(
        marks=marks,
        stacks=stacks,
        seconds_per_iteration=answer["seconds_per_iteration"],
        filling_caches=tuple((name, size, bound) for name, size, bound in answer["filling_caches"]),
        holders=tuple(Holder(**held) for held in answer["holders"]),
    )
    return recording, own_code(answer["own_roots"])
