"""A new version beside an old one, from durations of calls: is it slower, or is its tail?

Two questions, since either may hide behind the other. The middle: the shift of the medians on the
log scale, with its interval, against a tolerance. The tail: the ratio of the 99th percentiles by
bootstrap. Both come from :mod:`perfkit.stats`, whose units of replication are processes; here
they are groups of calls, such as minutes or instances, because neighbouring calls are alike.
"""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path
from statistics import median
from typing import Final

from perfkit.errors import ExitCode, UsageError
from perfkit.model import Shift, Verdict
from perfkit.stats.quantiles import compare_quantiles
from perfkit.stats.two_sample import Design, compare_samples

TAIL: Final = 0.99
ALPHA: Final = 0.01
"""Chance of a false alarm of each of the two questions."""
BLOCKS: Final = 20
"""Groups that a file without groups is cut into, in its order."""
MOST_VALUES: Final = 2_000_000

Groups = Sequence[Sequence[float]]
"""Durations in seconds, group by group."""


@dataclass(frozen=True, slots=True)
class Canary:
    """Both answers; a verdict REGRESSED of either fails."""

    middle: Shift
    tail: Shift

    @property
    def verdict(self) -> Verdict:
        """REGRESSED, or INCONCLUSIVE where one is not known, else what both say."""
        verdicts = {answer(self.middle), answer(self.tail)}
        if Verdict.REGRESSED in verdicts:
            return Verdict.REGRESSED
        if not verdicts <= {Verdict.UNCHANGED, Verdict.IMPROVED}:
            return Verdict.INCONCLUSIVE
        return Verdict.UNCHANGED if Verdict.UNCHANGED in verdicts else Verdict.IMPROVED

    def exit_code(self, *, strict: bool) -> ExitCode:
        """The code of the verb."""
        match self.verdict:
            case Verdict.REGRESSED:
                return ExitCode.FAILED
            case Verdict.INCONCLUSIVE:
                return ExitCode.INCONCLUSIVE if strict else ExitCode.PASSED
            case _:
                return ExitCode.PASSED


def answer(shift: Shift) -> Verdict:
    """Return what a shift says about being slower by more than the tolerance.

    Unlike between two commits, a small shift that is certain is accepted: that is what a tolerance
    is for.
    """
    if shift.verdict in {Verdict.REGRESSED, Verdict.IMPROVED}:
        return shift.verdict
    return Verdict.UNCHANGED if shift.ratio.high < 1 + shift.floor else Verdict.INCONCLUSIVE


def compare_canary(
    base: Groups,
    new: Groups,
    *,
    tolerance: float,
    tail_tolerance: float,
    design: Design = "sequential",
    blur: float = 0.0,
    notes: tuple[str, ...] = (),
) -> Canary:
    """Compare two sides; tolerances are relative, such as 0.1.

    ``blur`` is how far a ratio of two durations may lie from the true one because of how durations
    were kept; the intervals are wider by it. ``notes`` go with both answers.

    Raises:
        UsageError: a side without values, a value that is not finite and above zero, or a tolerance
            that is not larger than the blur.
    """
    # Statistics of bins repeat where those of single durations would not.
    steady = blur > 0
    for name, value in (("--tolerance", tolerance), ("--tail-tolerance", tail_tolerance)):
        if value <= blur:
            raise UsageError(
                f"{name}: found {value:.1%}, wanted more than {blur:.1%}: durations "
                "of a telemetry store are known to the width of a bin only; compare files instead."
            )
    middle = compare_samples(
        [median(group) for group in base],
        [median(group) for group in new],
        design=design,
        floor=tolerance,
        alpha=ALPHA,
        steady=steady,
    )
    tail = compare_quantiles(
        base,
        new,
        quantile=TAIL,
        design=design,
        floor=tail_tolerance,
        alpha=ALPHA,
        steady=steady,
    )
    return Canary(middle=_blurred(middle, blur, notes), tail=_blurred(tail, blur, notes))


def _blurred(shift: Shift, blur: float, notes: tuple[str, ...]) -> Shift:
    """A shift whose interval holds the true ratio although durations are known to a bin only.

    A verdict that the wider interval does not carry is withdrawn.
    """
    if blur == 0:
        return replace(shift, notes=(*notes, *shift.notes))
    found = shift.ratio
    ratio = replace(found, low=found.low / (1 + blur), high=found.high * (1 + blur))
    withdrawn = (shift.verdict is Verdict.REGRESSED and ratio.low <= 1) or (
        shift.verdict is Verdict.IMPROVED and ratio.high >= 1
    )
    inside = ratio.low > 1 / (1 + shift.floor) and ratio.high < 1 + shift.floor
    if withdrawn or (shift.verdict is Verdict.UNCHANGED and not inside):
        shift = replace(shift, verdict=Verdict.INCONCLUSIVE)
    why = f"wider by {blur:.1%}, the width of a bin"
    return replace(shift, ratio=ratio, notes=(*notes, why, *shift.notes))


def read_durations(path: Path) -> Groups:
    """Read a CSV file with a column ``seconds`` and, where groups are known, a column ``group``.

    Without groups the file is cut into BLOCKS of equal length in its order, which has to be that
    of time.

    Raises:
        UsageError: the file cannot be read, or is no such file; the message names the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names = reader.fieldnames or []
            if "seconds" not in names:
                raise UsageError(
                    f"{path}: found the columns {', '.join(names)[:200] or '(none)'}, wanted one "
                    "named seconds, and perhaps one named group"
                )
            rows = [
                (row.get("group") or "", _seconds(path, number, row["seconds"]))
                for number, row in enumerate(islice(reader, MOST_VALUES + 1), start=2)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}); wanted a CSV "
            "file with a column seconds"
        ) from error
    if not rows:
        raise UsageError(f"{path}: found no line after the head, wanted durations")
    if len(rows) > MOST_VALUES:
        raise UsageError(f"{path}: found more than {MOST_VALUES} durations, wanted at most as many")
    if "group" not in names:
        return blocks([seconds for _, seconds in rows])
    groups: dict[str, list[float]] = {}
    for group, seconds in rows:
        groups.setdefault(group, []).append(seconds)
    return list(groups.values())


def blocks(values: Sequence[float]) -> Groups:
    """Cut values into at most BLOCKS groups of nearly equal length, in their order."""
    count = min(BLOCKS, len(values))
    edges = [round(index * len(values) / count) for index in range(count + 1)]
    return [values[first:last] for first, last in pairwise(edges)]


def _seconds(path: Path, line: int, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise UsageError(
            f"{path}:{line}: found {(text or 'nothing')[:40]!r}, wanted seconds above zero"
        )
    return value
