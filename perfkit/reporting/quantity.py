"""Numbers with units, as people read them.

Values that stand beside each other are printed in one common unit with one common number of
decimals, so that a reader compares digits and not prefixes.
"""

import math
from collections.abc import Sequence

from perfkit.model import Interval, Unit

SIGNIFICANT = 4
"""Digits shown of the largest value of a group; more would be noise at any realistic spread."""

SHORT_MINUTES = 10
"""Minutes are used from here on; below, seconds are easier to compare."""

SMALL_COUNT = 1e-2
"""Plain numbers below this are printed with an exponent, having no prefix to shorten them."""

LONG_SECONDS = 120
"""Lengths of time are shown in minutes from here on."""

THOUSAND, MILLION = 1e3, 1e6
"""Between these, three digits would need an exponent, which nobody reads in a table."""

TIMES = 2.0
"""From this ratio on a change is shown as a factor: x2.31 reads better than +131 %."""

MANY_TIMES = 50.0
"""From this factor down as well: beyond -98 % a percentage has lost its digits."""

WHOLE_PERCENT = 10.0
"""From this many percent on, tenths of a percent are noise."""

SCIENTIFIC = -1
"""In the place of the decimals: powers of ten, as counts have no units below one."""

SCALES: dict[Unit, tuple[tuple[float, str], ...]] = {
    Unit.SECONDS: ((1e-9, "ns"), (1e-6, "us"), (1e-3, "ms"), (1.0, "s"), (60.0, "min")),
    Unit.BYTES: ((1.0, "B"), (2.0**10, "KiB"), (2.0**20, "MiB"), (2.0**30, "GiB")),
    Unit.COUNT: ((1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G")),
}


def scale_of(values: Sequence[float], unit: Unit) -> tuple[float, str, int]:
    """Return (factor, symbol, decimals) for printing ``values`` side by side.

    The largest magnitude decides. A value that would round up to the next unit is printed in the
    next unit: 999.95 us is 1.000 ms, never 1000 us. Minutes are used from 10 min on.
    """
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    if unit is Unit.COUNT and 0 < largest < SMALL_COUNT:
        return 1.0, "", SCIENTIFIC
    scales = SCALES[unit]
    chosen = scales[0]
    for factor, symbol in scales:
        needed = SHORT_MINUTES if symbol == "min" else 1
        shown = largest / factor
        if shown >= needed or round(shown, SIGNIFICANT - 1) >= needed:
            chosen = (factor, symbol)
    factor, symbol = chosen
    shown = largest / factor
    whole = 1 if shown < 1 else len(str(int(shown)))
    decimals = max(0, SIGNIFICANT - whole)
    if len(str(int(round(shown, decimals)))) > whole:
        decimals = max(0, decimals - 1)
    if unit is not Unit.SECONDS and factor == 1.0 and all(float(v).is_integer() for v in values):
        decimals = 0
    return factor, symbol, decimals


def quantity(value: float, unit: Unit, scale: tuple[float, str, int] | None = None) -> str:
    """Return ``value`` with its unit, in ``scale`` or the one that fits it."""
    factor, symbol, decimals = scale or scale_of([value], unit)
    if decimals == SCIENTIFIC:
        return f"{value:.{SIGNIFICANT - 1}e}"
    number = f"{value / factor:.{decimals}f}"
    return f"{number} {symbol}" if symbol else number


def share(value: float) -> str:
    """Return a share in percent with the digits that it has; never rounded up to everything."""
    text = f"{value * 100:.4f}".rstrip("0").rstrip(".")
    return f"{text if value == 1 or text != '100' else '99.9999'} %"


def change(ratio: float) -> str:
    """Return a ratio head / base as a signed change: ``+4.3 %``, ``-12 %``, ``x3.4`` from x2 on."""
    if math.isinf(ratio):
        return "unbounded"
    if ratio >= TIMES:
        return f"x{significant(ratio)}"
    if 0 < ratio <= 1 / MANY_TIMES:
        return f"x{ratio:.2g}"
    percent = (ratio - 1) * 100
    digits = 1 if round(abs(percent), 1) < WHOLE_PERCENT else 0
    # Adding zero turns a negative zero into a positive one.
    return f"{round(percent, digits) + 0.0:+.{digits}f} %"


def significant(value: float) -> str:
    """Return three significant digits, written out below a million: ``5``, ``12.3``, ``1,220``."""
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if THOUSAND <= rounded < MILLION else f"{rounded:.3g}"


def change_interval(interval: Interval) -> str:
    """Return an interval of ratios as changes: ``[+11 %, +14 %]``."""
    low = "-100 %" if interval.low <= 0 else change(interval.low)
    return f"[{low}, {change(interval.high)}]"


def duration(seconds: float) -> str:
    """Return a length of time in words that fit it: ``850 ms``, ``42 s``, ``3 min 20 s``."""
    if round(seconds, 3) < 1:
        return f"{seconds * 1000:.0f} ms"
    if round(seconds) < LONG_SECONDS:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"
