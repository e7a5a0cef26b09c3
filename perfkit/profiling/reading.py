"""A recording read: hotspots over all call paths, the call tree, and what to doubt."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import PurePath

from perfkit.model import CallNode, CallPath, Function, Hotspot, Profile
from perfkit.profiling.calls import Samples, call_paths, call_tree, python_part
from perfkit.profiling.recording import CALLING_FUNCTION, Recording, stacks
from perfkit.profiling.view import EVERYTHING, Lens, View

FEW_SAMPLES = 100
"""Below this a share of one half has a standard error above 5 points, sqrt(p(1 - p) / n)."""
UNSEEN_SHARE = 0.05
"""Time outside the profile, of the profiled time, that is worth a warning."""
STALL_SECONDS = 0.1
"""What a busy machine may take from the last sample to the stop of the profiler, for no fault of
the target's."""
SLOWED = 1.25
"""Profiled over unprofiled time from which the profiler's own cost bends shares."""
BAND_Z = 1.959964
"""Quantile of the normal distribution at 0.975: bands are of 95 %."""


def read(recording: Recording, view: View = EVERYTHING) -> Profile:
    """Return what a recording says, in a view of it."""
    place = Places(recording.cwd, recording.session["sys_path"])
    lens = Lens(recording.session, view, place)
    whole = list(stacks(recording.session))
    shown = list(lens.shown(whole))
    has_own = any(lens.own(function) for stack, _ in whole for function in stack)
    spots = hotspots(shown, place)
    return Profile(
        target=recording.target,
        timing=recording.timing,
        seconds=recording.seconds,
        calls=recording.calls,
        warmup=recording.warmup,
        interval=recording.interval,
        samples=recording.samples,
        cut_off=recording.cut_off,
        own_share=_part(whole, lens.own),
        calling_share=_part(whole, CALLING_FUNCTION.__eq__),
        hotspots=tuple(replace(hot, own=lens.own(hot.function)) for hot in spots),
        tree=call_tree(shown, place, lens=lens, fold=view.fold and has_own),
        reach=recording.reach,
        warnings=tuple(_doubts(recording)),
    )


def _part(samples: Samples, wanted: Callable[[Function], bool]) -> float:
    """Return the part of the time whose innermost Python function is a wanted one."""
    found = whole = 0.0
    for stack, seconds in samples:
        whole += seconds
        found += seconds if wanted(python_part(stack)[-1]) else 0.0
    return _share(found, whole)


def every_call(recording: Recording) -> tuple[CallNode, ...]:
    """Return the call tree with nothing left out, for a flame graph."""
    place = Places(recording.cwd, recording.session["sys_path"])
    return call_tree(
        stacks(recording.session),
        place,
        smallest_share=0.0,
        lens=Lens(recording.session, EVERYTHING, place),
        machinery=True,
    )


def paths_to(recording: Recording, pattern: str) -> tuple[CallPath, ...]:
    """Return the call paths to the functions that a pattern names, of the whole recording."""
    place = Places(recording.cwd, recording.session["sys_path"])
    return call_paths(stacks(recording.session), place, pattern)


class Places:
    """Writes files as a person would: relative to the project, else to the import path."""

    def __init__(self, cwd: str, import_path: Iterable[str]) -> None:
        self._project = PurePath(cwd)
        self._roots = sorted((PurePath(path) for path in import_path), key=_depth, reverse=True)

    def __call__(self, function: Function) -> str:
        """Return ``file:line``, or the bare file of compiled code."""
        if function.line == 0:
            return function.file
        return f"{self._short(PurePath(function.file))}:{function.line}"

    def _short(self, file: PurePath) -> PurePath:
        if file.is_relative_to(self._project) and "site-packages" not in file.parts:
            return file.relative_to(self._project)
        for root in self._roots:
            if root.is_absolute() and file.is_relative_to(root):
                return file.relative_to(root)
        return file


def _depth(path: PurePath) -> int:
    return len(path.parts)


@dataclass(slots=True)
class _Cost:
    own: float = 0.0
    total: float = 0.0
    samples: int = 0


def hotspots(samples: Samples, place: Places) -> tuple[Hotspot, ...]:
    """Return the cost of every Python function, the largest self time first.

    Bottom-up over all call paths. The self times add up to the sampled time. A stack of compiled
    code only is charged to its innermost function.
    """
    costs: dict[Function, _Cost] = {}
    seen = 0.0
    count = 0
    for stack, seconds in samples:
        count += 1
        python = python_part(stack)
        seen += seconds
        leaf = costs.setdefault(python[-1], _Cost())
        leaf.own += seconds
        leaf.samples += 1
        for function in dict.fromkeys(python):  # a recursive function counts once
            costs.setdefault(function, _Cost()).total += seconds
    found = (
        Hotspot(
            function=function,
            place=place(function),
            self_seconds=cost.own,
            total_seconds=cost.total,
            self_share=_share(cost.own, seen),
            total_share=_share(cost.total, seen),
            samples=cost.samples,
            self_band=share_band(_share(cost.own, seen), count),
            total_band=share_band(_share(cost.total, seen), count),
        )
        for function, cost in costs.items()
    )
    return tuple(sorted(found, key=lambda hot: (-hot.self_seconds, -hot.total_seconds, hot.place)))


def share_band(share: float, samples: int) -> tuple[float, float]:
    """Return the 95 % band of a share that ``samples`` samples gave.

    Wilson's score interval (1927), which stays within 0 and 1 and holds for shares near them. It
    takes samples for independent; a program in step with the sampler is not.
    """
    if not samples:
        return 0.0, 1.0
    share = min(max(share, 0.0), 1.0)
    square = BAND_Z**2 / samples
    middle = (share + square / 2) / (1 + square)
    reach = math.sqrt(share * (1 - share) * square + square**2 / 4) / (1 + square)
    return min(max(middle - reach, 0.0), share), max(min(middle + reach, 1.0), share)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _doubts(recording: Recording) -> Iterable[str]:
    # What ran out of time unwinds, and then no sample need come.
    replaced = 0.0 if recording.cut_off else _replaced_share(recording)
    if recording.samples < FEW_SAMPLES and not replaced:
        yield (
            f"{recording.samples} sample{'s' * (recording.samples != 1)} only, so shares are rough:"
            " measure with --repeat auto for at least 1000"
        )
    if replaced:
        amount = "most" if replaced > 0.5 else f"{replaced:.0%}"  # noqa: PLR2004 - what most means
        yield (
            f"{amount} of the profiled time has no sample: the target seems to have replaced"
            " the profiler with one of its own (sys.setprofile, cProfile), and what it ran from"
            " then on is not in these shares; run it without"
        )
    if recording.cut_off:
        yield (
            "the time limit ended the recording, so this is a profile of the beginning only: raise"
            " --timeout, or give the target less to do"
        )
    timing = recording.timing
    slowed = (
        0.0
        if timing is None or recording.cut_off
        else _share(recording.seconds / recording.calls, timing.total / timing.calls)
    )
    if slowed >= SLOWED and recording.samples >= FEW_SAMPLES:
        yield (
            f"the profiler slowed the target x{slowed:.2g}, and call-heavy code the most: functions"
            " that make or are many short calls look larger than they are"
        )
    whole = recording.seconds if recording.reach is None else recording.reach.processor_seconds
    elsewhere = {
        ("other threads", "--threads"): recording.other_threads_seconds,
        ("processes that the target started", "--children"): recording.other_processes_seconds,
    }
    for (where, option), seconds in elsewhere.items():
        if _share(seconds, whole) > UNSEEN_SHARE:
            yield (
                f"{where} used {seconds:.3g} s of processor time that is not in this profile: "
                + (
                    f"it shows the main thread only; record them with {option}"
                    if recording.reach is None
                    else f"without {option}, or started before it, not Python, killed, or under a"
                    " profiler of their own"
                )
            )


def _replaced_share(recording: Recording) -> float:
    """Return the part of the recorded time that no sample stands for, 0 where it may be chance."""
    whole = recording.seconds
    if recording.reach is not None:
        elsewhere = recording.other_threads_seconds + recording.other_processes_seconds
        whole = recording.reach.processor_seconds - elsewhere
    unseen = whole - sum(seconds for _, seconds in recording.session["frame_records"])
    share = _share(unseen, whole)
    return share if share > UNSEEN_SHARE and unseen > STALL_SECONDS else 0.0
