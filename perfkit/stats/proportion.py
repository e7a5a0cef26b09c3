"""What a count of failures says about a share, such as an availability of 99.9 %.

Two questions, two tools. What is the share? Wilson's score interval (E. B. Wilson, JASA 22,
1927), whose coverage is close to its level also near 1 (L. D. Brown, T. T. Cai and A. DasGupta,
Statistical Science 16, 2001). Is the objective met? The exact binomial test on each side (C. J.
Clopper and E. S. Pearson, Biometrika 26, 1934), which never claims more than its level: of
99.9 %, without one failure, only after 2,995 requests.

Both take requests as independent. Failures come in bursts, so the true uncertainty is larger.
"""

import math

from perfkit.model import Interval
from perfkit.status import Status

ONE_SIDED = 0.95
"""Confidence of each end of an interval, and of a claim that an objective is met or missed."""


def share_interval(failures: int, total: int) -> Interval:
    """Return the share that did not fail, with Wilson's interval; each end holds with 95 %.

    Raises ValueError where ``total`` is 0 or the counts contradict each other.
    """
    from scipy.special import ndtri

    _check(failures, total)
    z = float(ndtri(ONE_SIDED))
    share = (total - failures) / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * failures / total**2 + (z / total) ** 2 / 4)
    # Rounding may put an end beyond the share itself at 0 and at 1.
    return Interval(
        max(0.0, min(middle - half, share)),
        share,
        min(1.0, max(middle + half, share)),
        2 * ONE_SIDED - 1,
    )


def judge_share(failures: int, total: int, objective: float) -> Status:
    """Return whether a share of at least ``objective`` did not fail; INCONCLUSIVE if unknown.

    PASSED where so few failures would be seen with at most 5 % at the objective, FAILED where so
    many would. An objective of 1 is missed with the first failure and never shown.
    """
    from scipy.special import bdtr

    if total == 0:
        return Status.INCONCLUSIVE
    _check(failures, total)
    allowed = 1 - objective
    if failures and (allowed <= 0 or 1 - bdtr(failures - 1, total, allowed) <= 1 - ONE_SIDED):
        return Status.FAILED
    if allowed > 0 and bdtr(failures, total, allowed) <= 1 - ONE_SIDED:
        return Status.PASSED
    return Status.INCONCLUSIVE


def fewest_to_show(objective: float, failures: int = 0) -> int | None:
    """Return how many requests with so many failures show ``objective``; None: none ever do."""
    from scipy.special import bdtr

    allowed = 1 - objective
    if allowed <= 0:
        return None
    low, high = failures, max(1, failures)
    while bdtr(failures, high, allowed) > 1 - ONE_SIDED:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if bdtr(failures, middle, allowed) > 1 - ONE_SIDED:
            low = middle
        else:
            high = middle
    return high


def _check(failures: int, total: int) -> None:
    if not 0 <= failures <= total or total == 0:
        message = f"found {failures} failures of {total}, wanted 0 to all of at least one"
        raise ValueError(message)
