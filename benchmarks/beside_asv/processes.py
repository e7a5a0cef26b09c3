"""The same code on both sides, whose processes differ: how often is a change reported?

Log-normal noise of 1 % within and 3 % between processes. asv treats the values of all processes as
independent; perfkit compares processes.
"""

import argparse
from collections.abc import Iterator

import numpy as np
from beside import asv_rule, main, percent, table
from pages import upper

from perfkit.model import Verdict
from perfkit.stats import compare_samples

WITHIN, BETWEEN = 0.01, 0.03

DESIGNS = ((2, 5), (4, 5), (6, 8), (10, 10))
"""Processes and values of each; the first is asv's default, the third perfkit's first look."""

CHANGED = (Verdict.REGRESSED, Verdict.IMPROVED)


def lines(options: argparse.Namespace) -> Iterator[str]:
    """The section, line by line."""
    random = np.random.default_rng(options.seed)
    rows, worst = [], 0.0
    for processes, values in DESIGNS:
        flagged, significant, ours = 0, 0, 0
        for _ in range(options.pairs):
            levels = random.normal(0, BETWEEN, (2, processes, 1))
            base, head = np.exp(levels + random.normal(0, WITHIN, (2, processes, values))).tolist()
            flat = [[value for process in side for value in process] for side in (base, head)]
            if asv_rule(*flat, 1.0) != 0:
                significant += 1
                flagged += asv_rule(*flat, 1.05) != 0
            ours += compare_samples(base, head, floor=0.05).verdict in CHANGED
        worst = max(worst, ours / options.pairs)
        rows.append(
            [
                f"{processes} x {values}",
                f"{percent(significant / options.pairs)} %",
                f"{percent(flagged / options.pairs)} %",
                f"{percent(ours / options.pairs, 2)} %",
                f"{percent(upper(ours, options.pairs), 2)} %",
            ]
        )
    yield f"{options.pairs} A/A pairs a row, seed {options.seed}. Both at a factor or floor of 5 %."
    yield ""
    yield from table(
        [
            "processes x values",
            "asv: significant",
            "asv: and beyond 5 %",
            "perfkit: changed",
            "upper end, 95 %",
        ],
        rows,
    )
    yield ""
    met = "met" if worst <= 0.01 else "NOT met"
    yield f"Required: perfkit reports at most 1 %: {percent(worst, 2)} % at worst, {met}."


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20260)
    main("processes", "Noise between processes", lines, parser)
