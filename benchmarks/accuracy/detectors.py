"""The tools that are compared, each as a function from values to the indices it alarms at."""

import math
from collections.abc import Callable

import numpy as np
import ruptures
from asv.step_detect import detect_steps
from numpy.typing import NDArray
from otava.analysis import compute_change_points

from perfkit.stats import find_change_points

Vector = NDArray[np.float64]
Detector = Callable[[Vector], list[int]]


def perfkit(values: Vector) -> list[int]:
    """Change points of kind step; a drift is reported by perfkit and does not count here."""
    return [change.index for change in find_change_points(values) if change.is_alarm]


def otava(values: Vector) -> list[int]:
    """Apache Otava: E-divisive with t-test, defaults (window 50, p < 0.001, any magnitude)."""
    return [change.index for change in compute_change_points(values.tolist())[0]]


def asv(values: Vector) -> list[int]:
    """The step detection of asv: beginnings of all steps but the first."""
    return [step[0] for step in detect_steps(values.tolist())[1:]]


def _weighted(window: Vector) -> tuple[float, float]:
    weights = np.arange(window.size, 0, -1) / window.size
    mean = float(weights @ window / weights.sum())
    if window.size < 2:
        return mean, 0.0
    return mean, float(((window - mean) ** 2).sum() / (window.size - 1))


def perfherder(values: Vector) -> list[int]:
    """Mozilla Perfherder's alerts, after its published algorithm.

    Welch's t of the 12 to 24 points before against the 12 from the point on, weights falling
    linearly with distance; t above 7 and a local maximum; changes below 2 % are not alerts.
    """
    n = values.size
    t = np.zeros(n)
    back_size = np.zeros(n, dtype=int)
    change = np.zeros(n)
    since = 0
    for i in range(1, n):
        reach = min(max(since, 12), 24)
        back, fore = values[max(0, i - reach) : i][::-1], values[i : i + 12]
        back_size[i] = back.size
        (mean_1, variance_1), (mean_2, variance_2) = _weighted(back), _weighted(fore)
        change[i] = abs(mean_2 / mean_1 - 1)
        if mean_1 == mean_2:
            t[i] = 0.0
        elif variance_1 == 0 and variance_2 == 0:
            t[i] = math.inf
        else:
            t[i] = abs(mean_2 - mean_1) / math.sqrt(variance_1 / back.size + variance_2 / fore.size)
        since = 0 if t[i] > 7 else since + 1
    return [
        i
        for i in range(1, n - 11)
        if back_size[i] >= 12
        and t[i] > 7
        and t[i - 1] <= t[i]
        and (i + 1 >= n or t[i + 1] <= t[i])
        and change[i] >= 0.02
    ]


def pelt(values: Vector) -> list[int]:
    """The exact minimum of the penalised squared loss on logs scaled by the MAD of differences.

    ``ruptures`` (linear kernel), penalty PENALTY ln n, at least three points a segment.
    """
    x = np.log(values)
    differences = np.diff(x)
    scale = 1.4826 * float(np.median(np.abs(differences))) / math.sqrt(2)
    if scale == 0:
        scale = float(differences.std()) / math.sqrt(2) or 1.0
    model = ruptures.KernelCPD(kernel="linear", min_size=3).fit((x / scale)[:, np.newaxis])
    return [int(i) for i in model.predict(pen=PENALTY * math.log(values.size))[:-1]]


PENALTY = 4.0
"""Of 2, 3, 4, 6, 8 and 12 the best for F1 on the tuning seeds."""

DETECTORS: dict[str, Detector] = {
    "perfkit": perfkit,
    "otava": otava,
    "asv": asv,
    "perfherder": perfherder,
    "pelt": pelt,
}

LABELS = {
    "perfkit": "perfkit",
    "otava": "Otava",
    "asv": "asv",
    "perfherder": "Perfherder",
    "pelt": "PELT",
}
