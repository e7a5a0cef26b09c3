"""From a recording of live memory to the word that may block a merge."""

from collections.abc import Callable
from dataclasses import dataclass

from perfkit.memory.growth import Growth, Shape, growth
from perfkit.memory.series import CallSite, Frame, Recording, call_sites
from perfkit.model import LeakResult, LeakSite, LeakState

MANY = 1000
"""Iterations from which a held slope needs no caution: few caches need more calls to fill."""


@dataclass(frozen=True, slots=True)
class SiteGrowth:
    """One call site and how its live bytes and live blocks behaved."""

    site: CallSite
    in_bytes: Growth
    in_blocks: Growth

    @property
    def shape(self) -> Shape:
        """The stronger of the two; blocks see small leaks under large swings, bytes see lists.

        Where the blocks have stopped, bytes that rise unsteadily are a table being enlarged.
        """
        shapes = (self.in_bytes.shape, self.in_blocks.shape)
        if Shape.GROWING in shapes:
            return Shape.GROWING
        if Shape.FILLED in shapes:
            return Shape.FILLED
        return Shape.FILLING if Shape.FILLING in shapes else Shape.STEADY

    @property
    def held(self) -> bool:
        """Whether it grows as fast as before.

        Bytes do not say so where blocks grow ever more slowly: the table of a dict is enlarged in
        few and large steps, which can hide that.
        """
        rising = self.in_blocks.shape in (Shape.GROWING, Shape.FILLING)
        return self.in_blocks.held or (self.in_bytes.held and not rising)

    @property
    def pace(self) -> float:
        """The share of its slope that what grows has kept."""
        if self.in_blocks.shape in (Shape.GROWING, Shape.FILLING):
            return self.in_blocks.pace
        return self.in_bytes.pace

    @property
    def bytes_per_iteration(self) -> float:
        """The slope in bytes; where only the blocks rise steadily, at least a byte for each."""
        return max(self.in_bytes.per_iteration, self.in_blocks.per_iteration)

    @property
    def bytes_interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of that slope."""
        low, high = self.in_bytes.interval
        least = self.in_blocks.interval
        return max(low, least[0]), max(high, least[1])


def site_growths(recording: Recording, own: Callable[[str], bool]) -> list[SiteGrowth]:
    """Classify every call site of a recording; ``own(file)`` tells the target's code."""
    return [
        SiteGrowth(
            site,
            growth(recording.marks, site.live_bytes),
            growth(recording.marks, site.live_blocks),
        )
        for site in call_sites(recording.stacks, own)
    ]


def needs_confirmation(growths: list[SiteGrowth], ceiling: float) -> bool:
    """Whether a longer run could change what is said of these sites."""
    return any(
        found.shape in (Shape.GROWING, Shape.FILLING) and found.bytes_per_iteration > ceiling
        for found in growths
    )


def could_still_settle(growths: list[SiteGrowth], ceiling: float) -> bool:
    """Whether sites rise above the ceiling to the end, and none of them as fast as before."""
    rising = [
        found
        for found in growths
        if found.shape in (Shape.GROWING, Shape.FILLING) and found.bytes_per_iteration > ceiling
    ]
    return bool(rising) and not any(found.held for found in rising)


def decide(
    target: str,
    recording: Recording,
    growths: list[SiteGrowth],
    *,
    ceiling: float,
    show: Callable[[Frame], str] = str,
    keeps: Callable[[Frame], bool] = lambda _: False,
    seen_before: frozenset[Frame] = frozenset(),
) -> LeakResult:
    """Say what the longest recording of a target means.

    Args:
        target: The target as the user named it.
        recording: The longest run.
        growths: Its call sites, from :func:`site_growths`.
        ceiling: Growth that each site is allowed, in bytes per iteration.
        show: How a frame is written.
        keeps: Whether a line names a container that grows; such lines come first.
        seen_before: Lines that grew in a shorter run; those that no longer do are told.
    """
    n = recording.iterations
    above = [found for found in growths if found.bytes_per_iteration > ceiling]
    growing = [found for found in above if found.shape is Shape.GROWING]
    slowing = [found for found in above if found.shape is Shape.FILLING]
    below = [
        found
        for found in growths
        if found.shape is Shape.GROWING and 0 < found.bytes_per_iteration <= ceiling
    ]
    paid = [found for found in growing if _is_paid_for(found, growths, recording.marks)]
    if paid and len(paid) == len(growing):
        state, sites = LeakState.INCONCLUSIVE, growing
        reason = (
            f"the slope held over {n} iterations, but what {_givers(growths, show)} had allocated"
            " was given back as fast: entries that replace others look like this, and so does a"
            " leak beside a store that is used up; look longer with --iterations"
        )
    elif growing and recording.filling_caches:
        state, sites = LeakState.INCONCLUSIVE, growing
        reason = (
            f"the slope held over {n} iterations, but meanwhile {_caches(recording)}: "
            "look longer with --iterations"
        )
    elif growing and not any(found.held for found in growing):
        state, sites = LeakState.INCONCLUSIVE, growing
        kept = max(found.pace for found in growing)
        reason = (
            f"still grew at the end of {n} iterations, at {kept:.0%} of the slope before: a cache"
            " of random keys fills like this, and so does a leak beside what is full by now; look"
            " longer with --iterations"
        )
    elif growing:
        state, sites = LeakState.LEAK, growing
        reason = f"the slope held from {n // 4} to {n // 2} to {n} iterations"
        if n < MANY:
            reason += (
                f"; a cache that takes more than {n} calls to fill would look the same, "
                "--iterations looks longer"
            )
    elif slowing:
        state, sites = LeakState.FILLING, slowing
        reason = f"still grew at the end of {n} iterations, but at a falling slope"
    else:
        state, sites = LeakState.CLEAN, below
        reason = (
            f"no line grew above the ceiling over {n} iterations"
            if below
            else f"no line's live memory grew with the number of calls, over {n} iterations"
        )
    notes = [*recording.notes] + [
        f"{show(found.site.frame)} grew over the shorter run but not over the longer: bounded"
        for found in growths
        if found.shape in (Shape.FILLED, Shape.STEADY) and found.site.frame in seen_before
    ]
    if any(found.site.own for found in sites):
        # CPython hands a freed list, tuple, float or frame to the next that needs one, so part of
        # what a line keeps may have been allocated elsewhere. Where a line of the target grows,
        # library lines growing beside it are no places to look.
        elsewhere = [found for found in sites if not found.site.own]
        sites = [found for found in sites if found.site.own]
        if elsewhere:
            worst = max(elsewhere, key=lambda found: found.bytes_per_iteration)
            others = f" and {len(elsewhere) - 1} more" if len(elsewhere) > 1 else ""
            grown = sum(found.bytes_per_iteration for found in elsewhere)
            notes.append(
                f"{grown:.0f} B more per call came through library lines: "
                f"{show(worst.site.frame)}{others}"
            )
    return LeakResult(
        target=target,
        state=state,
        ceiling=ceiling,
        iterations=n,
        sites=tuple(
            LeakSite(
                place=show(found.site.frame),
                bytes_per_iteration=found.bytes_per_iteration,
                bytes_interval=found.bytes_interval,
                blocks_per_iteration=max(0.0, found.in_blocks.per_iteration),
                stack=tuple(map(show, found.site.stack)),
            )
            for found in sorted(
                sites, key=lambda found: (not keeps(found.site.frame), -found.bytes_per_iteration)
            )
        ),
        holders=tuple(map(str, recording.holders)) if state is not LeakState.CLEAN else (),
        reason=reason,
        notes=tuple(notes),
    )


def _is_paid_for(grown: SiteGrowth, growths: list[SiteGrowth], marks: tuple[int, ...]) -> bool:
    """Whether a line grew only as fast as other lines' memory was given back.

    So does a ring that was full from the start, while its new entries replace the first ones.
    """
    falling = [found.site for found in growths if _falls(found)]
    if not falling:
        return False
    together = [
        growth(marks, tuple(map(sum, zip(*columns, strict=True))))
        for columns in (
            [grown.site.live_bytes, *(site.live_bytes for site in falling)],
            [grown.site.live_blocks, *(site.live_blocks for site in falling)],
        )
    ]
    return all(found.shape not in (Shape.GROWING, Shape.FILLING) for found in together)


def _falls(found: SiteGrowth) -> bool:
    return found.in_bytes.interval[1] < 0 and found.in_blocks.interval[1] < 0


def _givers(growths: list[SiteGrowth], show: Callable[[Frame], str]) -> str:
    falling = [found for found in growths if _falls(found)]
    return show(min(falling, key=lambda found: found.in_bytes.per_iteration).site.frame)


def _caches(recording: Recording) -> str:
    return ", ".join(
        f"{name} (functools.lru_cache) filled to {size} of {bound}"
        for name, size, bound in recording.filling_caches
    )
