"""Findings for the terminal."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfkit.doctor.checks import Finding, FindingStatus

if TYPE_CHECKING:
    from rich.console import RenderableType

COLOUR = {
    FindingStatus.OK: "green",
    FindingStatus.NOTE: "cyan",
    FindingStatus.WARN: "yellow",
    FindingStatus.MISSING: "red",
}


def findings_text(findings: Sequence[Finding]) -> "RenderableType":
    """Return a headline with the counts, and one row per finding with its advice below."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    table.add_column("")
    table.add_column("topic", no_wrap=True)
    table.add_column("found, and what to do", overflow="fold")
    for finding in findings:
        table.add_row(
            Text(str(finding.status), style=COLOUR[finding.status]),
            finding.topic,
            Text.assemble(
                finding.found, (f"\n-> {finding.advice}" if finding.advice else "", "dim")
            ),
        )
    return Group(Text(headline(findings), style="bold"), Text(), table)


def headline(findings: Sequence[Finding]) -> str:
    """Return what matters in one line: what is missing, then what adds noise."""
    missing = [finding.topic for finding in findings if finding.status is FindingStatus.MISSING]
    noisy = [finding.topic for finding in findings if finding.status is FindingStatus.WARN]
    counts = Counter(finding.status for finding in findings)
    parts = []
    if missing:
        parts.append(f"{len(missing)} missing: {', '.join(missing)}")
    if noisy:
        parts.append(f"{len(noisy)} to mind: {', '.join(noisy)}")
    if not parts:
        notes = counts[FindingStatus.NOTE]
        return "Ready to measure" + (f"; {notes} to note" if notes else "")
    return "; ".join(parts)
