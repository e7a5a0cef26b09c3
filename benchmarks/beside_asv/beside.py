"""What the scripts beside asv share: asv's own rule, and their sections of docs/beside-asv.md."""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from asv.commands.compare import _is_result_better
from asv_runner.statistics import compute_stats

sys.path.append(str(Path(__file__).resolve().parents[1] / "accuracy"))

from pages import ROOT, environment, percent, table, write_section

__all__ = ["ROOT", "asv_rule", "main", "percent", "table"]


def asv_rule(base: list[float], head: list[float], factor: float) -> int:
    """Return 1 where ``asv compare`` marks head ``+`` (slower), -1 for ``-``, 0 for neither.

    The values of all processes stand in one list, as asv stores them. asv wants both the factor and
    its test; where the medians do not meet the factor, the test, which is slow, is not asked.
    """
    before, after = median(base), median(head)
    if before <= factor * after and after <= factor * before:
        return 0
    (before, base_stats), (after, head_stats) = (compute_stats(side, 1) for side in (base, head))
    base_both, head_both = (base_stats, base), (head_stats, head)
    if _is_result_better(after, before, head_both, base_both, factor):
        return -1
    return int(_is_result_better(before, after, base_both, head_both, factor))


def main(
    name: str,
    title: str,
    lines: Callable[[argparse.Namespace], Iterator[str]],
    parser: argparse.ArgumentParser,
    *shown: str,
) -> None:
    """Print the lines of a section; with ``--write-docs`` put them into docs/beside-asv.md.

    ``shown`` are the options that the page gives a section of its own.
    """
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args()
    given = [f"--{key} {getattr(options, key)}" for key in shown]
    command = " ".join(["python", f"benchmarks/beside_asv/{name}.py", *given])
    section = "-".join([name, *(str(getattr(options, key)) for key in shown)])
    found = [f"## {title.format(**vars(options))}", "", f"`{command}`, {environment()}.", ""]
    print(*found, sep="\n")
    for line in lines(options):
        print(line, flush=True)
        found.append(line)
    if options.write_docs:
        write_section(section, "\n".join(found), "beside-asv.md")
