"""What a backfill came to, for the terminal and as JSON values."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from perfkit.baselines.backfilled import Missing, Wanted
from perfkit.reporting.visible import visible

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_SHOWN = 20
"""Missing results named in the terminal; the JSON document has all of them."""


def backfill_values(
    commits: Sequence[str],
    wanted: Sequence[Wanted],
    missing: Sequence[Missing],
    *,
    new: int,
    put_back: Sequence[str],
    halves: Sequence[str],
    folder: str,
    log: str,
) -> dict[str, Any]:
    """Return the keys of the JSON envelope; ``new`` counts results that were not there before."""
    return {
        "commits": list(commits),
        "expected": len(wanted),
        "stored": len(wanted) - len(missing),
        "new": new,
        "missing": [
            {
                "commit": one.wanted.commit,
                "environment": one.wanted.environment,
                "benchmark": str(one.wanted.benchmark),
                "reason": one.reason,
            }
            for one in missing
        ],
        "put_back": list(put_back),
        "removed": list(halves),
        "folder": folder,
        "log": log,
    }


def backfill_text(values: dict[str, Any], *, last: Sequence[str]) -> "RenderableType":
    """Return how many results there are, which are missing, and the ``last`` lines of the log."""
    from rich.console import Group
    from rich.text import Text

    title = (
        f"{values['stored']} of {values['expected']} results of {len(values['commits'])} commits"
        f" are stored, {values['new']} of them new"
    )
    parts = [Text(title, style="bold")]
    rows = values["missing"]
    parts += [
        Text(visible(f"! {r['commit'][:10]} {r['environment']} {r['benchmark']}: {r['reason']}"))
        for r in rows[:MOST_SHOWN]
    ]
    if len(rows) > MOST_SHOWN:
        parts.append(Text(f"! and {len(rows) - MOST_SHOWN} more"))
    parts += [
        Text(visible(f"put back, as asv had measured it again: {one}"))
        for one in values["put_back"]
    ]
    parts += [
        Text(visible(f"removed, as asv wrote half of it: {one}")) for one in values["removed"]
    ]
    if last:
        parts.append(Text("\nasv's last lines"))
        parts += [Text(visible(line), style="dim") for line in last]
    parts.append(
        Text(f"\nresults in {values['folder']}, asv's log in {values['log']}", style="dim")
    )
    return Group(*parts)
