"""The condition of a results folder for the terminal."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

SHOWN_LABELS = 3
"""Names of a machine that are shown; the others are counted."""


def condition_text(
    *,
    files: int,
    commits: int,
    benchmarks: int,
    results: Mapping[str, int],
    machines: Mapping[str, Sequence[str]],
    unreadable: Sequence[tuple[str, str]],
) -> "RenderableType":
    """Return the counts, a line per machine, and a line per unreadable file."""
    from rich.console import Group
    from rich.text import Text

    total = sum(results.values())
    others = ", ".join(
        f"{count} {state}" for state, count in results.items() if count and state != "value"
    )
    lines = [
        Text(f"{files} files: {total} results of {benchmarks} benchmarks at {commits} commits"),
        *([Text(f"  {others}", style="dim")] if others else []),
    ]
    for machine, labels in machines.items():
        named = ", ".join(labels[:SHOWN_LABELS])
        rest = len(labels) - SHOWN_LABELS
        more = f" and {rest} more" if rest > 0 else ""
        known = f" (calls itself {named}{more})" if set(labels) - {machine} else ""
        lines.append(Text(f"  {machine}{known}", style="dim"))
    lines += [Text(f"{path}: {reason}", style="red") for path, reason in unreadable]
    if unreadable:
        lines.append(Text(f"{len(unreadable)} files cannot be read", style="bold red"))
    return Group(*lines)
