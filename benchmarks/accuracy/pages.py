"""Markdown tables, rates, and sections of pages under docs/, for the evaluation scripts."""

import os
import platform
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from scipy.special import betaincinv

ROOT = Path(__file__).resolve().parents[2]

Facts = dict[str, float]
"""Figures that the summary needs, filled in by the parts that measure them."""

Requirement = tuple[str, str, str, float]
"""What the figure is, its key in the facts, ``<=`` or ``>=``, and the limit."""


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def percent(part: float, digits: int = 1) -> str:
    """A share as text, in percent."""
    return f"{100 * part:.{digits}f}"


def upper(count: int, n: int) -> float:
    """Upper end of the 95 % Clopper-Pearson interval of a rate."""
    return 1.0 if count == n else float(betaincinv(count + 1, n - count, 0.975))


def environment(*packages: str) -> str:
    """Date, machine class and versions in one line: of numpy, scipy and asv, or of ``packages``."""
    cpu = platform.processor() or platform.machine()
    facts = Path("/proc/cpuinfo")
    if facts.is_file() and (found := re.search(r"model name\s*: (.*)", facts.read_text())):
        cpu = found[1]
    versions = ", ".join(
        f"{name} {version(name)}" for name in packages or ("numpy", "scipy", "asv")
    )
    date = datetime.now(UTC).date()
    python = platform.python_version()
    return f"{date}, {cpu}, {os.cpu_count()} cores, Python {python}, {versions}"


def summary(facts: Facts, wanted: list[Requirement]) -> Iterator[str]:
    """What was required of these figures, and whether it was met in this run."""
    yield "### Required and measured in this run"
    yield ""
    rows = []
    for label, key, relation, limit in wanted:
        if key in facts:
            met = facts[key] <= limit if relation == "<=" else facts[key] >= limit
            required = f"{relation} {percent(limit, 0)} %"
            rows.append([label, required, f"{percent(facts[key], 2)} %", "yes" if met else "NO"])
    yield from table(["figure", "required", "measured", "met"], rows)


def write_section(name: str, text: str, page_name: str = "accuracy.md") -> None:
    """Put ``text`` between the markers ``name`` in a page under docs/; the rest stays."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    path = ROOT / "docs" / page_name
    path.parent.mkdir(exist_ok=True)
    page = path.read_text() if path.is_file() else f"# {path.stem.capitalize()}\n"
    block = f"{begin}\n{text}\n{end}"
    if begin in page:
        before, rest = page.split(begin, 1)
        page = before + block + rest.split(end, 1)[1]
    else:
        page = f"{page.rstrip()}\n\n{block}\n"
    path.write_text(page)
