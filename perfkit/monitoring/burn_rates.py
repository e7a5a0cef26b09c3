"""Multi-window, multi-burn-rate alerts: how fast an error budget may burn before someone is told.

Factors and windows are those of the Site Reliability Workbook (Beyer and others, 2018, chapter 5),
for an objective over 30 days: the long window says that it matters, the short one that it still
goes on.
"""

from dataclasses import dataclass
from typing import Final

from perfkit.config.alerting import Severity

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86400.0


@dataclass(frozen=True, slots=True)
class BurnRate:
    """Told while the budget burns ``factor`` times too fast over both windows (seconds)."""

    factor: float
    short: float
    long: float
    severity: Severity


BURN_RATES: Final = (
    BurnRate(14.4, 5 * MINUTE, 1 * HOUR, "page"),  # 2 % of a month's budget in an hour
    BurnRate(6.0, 30 * MINUTE, 6 * HOUR, "page"),  # 5 % in six hours
    BurnRate(3.0, 2 * HOUR, 1 * DAY, "ticket"),  # 10 % in a day
    BurnRate(1.0, 6 * HOUR, 3 * DAY, "ticket"),  # 10 % in three days
)
"""Fastest first."""

WINDOWS: Final = tuple(
    sorted({window for rate in BURN_RATES for window in (rate.short, rate.long)})
)
"""Every window once, seconds, ascending."""
