"""What the first rounds look like, before any rank test can speak. It decides nothing.

Two verdicts are needed to fail a build: one that makes a suspect, one on new rounds that
confirms it. Only the second has to hold a level (see ``multiplicity``), so a benchmark whose sides
are plainly apart need not wait for the six rounds of the first.
"""

import math

from perfkit.model import Verdict
from perfkit.stats.hodges_lehmann import RankShift
from perfkit.stats.sides import Sides

STUDENT = {3: 5.5976, 4: 4.3168, 5: 3.8325}
"""The 0.9975 quantile of Student's t with 2n - 2 degrees of freedom, by rounds n.

A level of 0.5 % so that few are measured again in vain: without a change 0.2 % (2 % noise) to
1 % (10 %) are, of normal noise and the floor of 5 %.
"""

FEWEST = min(STUDENT)
"""Rounds before which nothing is suspected."""


def first_sight(sides: Sides, rank: RankShift, *, steady: bool = False) -> Verdict | None:
    """Return REGRESSED or IMPROVED where the sides are plainly apart, else None.

    Apart are sides that do not overlap, differ by the floor or more, and by so many standard
    errors that normal noise would rarely do it. Without any noise nothing is suspected, unless the
    values are ``steady`` ones (see :func:`perfkit.stats.compare_samples`).
    """
    rounds = min(len(sides.base), len(sides.head))
    if rounds not in STUDENT or not sides.separated or abs(rank.estimate) < sides.edge:
        return None
    error = math.sqrt((sides.base.var(ddof=1) + sides.head.var(ddof=1)) / rounds)
    if abs(sides.head.mean() - sides.base.mean()) < STUDENT[rounds] * error:
        return None
    if error == 0 and not steady:
        return None
    return Verdict.REGRESSED if rank.estimate * sides.sign > 0 else Verdict.IMPROVED
