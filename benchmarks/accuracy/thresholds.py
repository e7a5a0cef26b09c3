"""Write ``perfkit/stats/threshold_table.py``: critical values of the clipped CUSUM.

For each length n and correlation rho, change-free Gaussian AR(1) series are drawn, their noise is
estimated as perfkit does, and the upper quantiles of the maximum over all seeded intervals are
kept. Estimation error of scale and correlation is thus part of the table. Run it again whenever
noise.py or segmentation.py changes the statistic; it takes some ten minutes on one core.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from perfkit.stats.noise import estimate_noise
from perfkit.stats.segmentation import strongest

LENGTHS = (6, 8, 12, 16, 24, 32, 48, 64, 128, 256, 512, 1024, 2048, 4096)
RHOS = (0.0, 0.2, 0.4, 0.6, 0.8)
ALPHAS = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
SEED = 20_260_101
TABLE = Path(__file__).parents[2] / "perfkit" / "stats" / "threshold_table.py"


def change_free(n: int, rho: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return one stationary AR(1) series of ``n`` points with unit innovations."""
    innovations = generator.normal(size=n)
    innovations[0] /= np.sqrt(1 - rho * rho)
    series: NDArray[np.float64] = lfilter([1], [1, -rho], innovations)
    return series


def quantiles(n: int, rho: float, draws: int) -> list[float]:
    """Return the critical values at ``ALPHAS`` from ``draws`` simulated series."""
    generator = np.random.default_rng([SEED, n, round(rho * 100)])
    largest = np.empty(draws)
    for i in range(draws):
        series = change_free(n, rho, generator)
        largest[i] = strongest(series, estimate_noise(series))
    return [round(float(q), 3) for q in np.quantile(largest, [1 - a for a in ALPHAS])]


def main() -> None:
    """Simulate every cell and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=20_000, help="series per cell up to n = 512")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    arguments = parser.parse_args()
    cells = []
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for n in LENGTHS:
            draws = arguments.draws if n <= 512 else arguments.draws // 2
            print(f"n = {n}: {draws} series per rho", file=sys.stderr, flush=True)
            cells.append(list(pool.map(partial(quantiles, n, draws=draws), RHOS)))
    lines = [
        '"""Critical values of the clipped CUSUM; written by benchmarks/accuracy/thresholds.py.',
        "",
        "``QUANTILES[i][j][k]`` belongs to ``LENGTHS[i]``, ``RHOS[j]``, ``ALPHAS[k]``.",
        '"""',
        "",
        f"LENGTHS = {LENGTHS}",
        f"RHOS = {RHOS}",
        f"ALPHAS = {ALPHAS}",
        "QUANTILES = (",
    ]
    for by_rho in cells:
        lines.append("    (")
        lines += [f"        ({', '.join(map(repr, row))})," for row in by_rho]
        lines.append("    ),")
    lines.append(")")
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
