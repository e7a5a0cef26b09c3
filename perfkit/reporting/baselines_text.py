"""The condition of a results folder for the terminal."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from perfkit.plural import plural

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
    lost: Sequence[tuple[str, str, int, Sequence[int]]] = (),
) -> "RenderableType":
    """Return the counts, a line per machine, and a line per unreadable file or incomplete suite.

    ``lost`` are (commit, environment, number of shards, those without a run).
    """
    from rich.console import Group
    from rich.text import Text

    total = sum(results.values())
    others = ", ".join(
        f"{count} {state}" for state, count in results.items() if count and state != "value"
    )
    lines = [
        Text(
            f"{plural(files, 'file')}: {plural(total, 'result')} of"
            f" {plural(benchmarks, 'benchmark')} at {plural(commits, 'commit')}"
        ),
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
        lines.append(Text(f"{plural(len(unreadable), 'file')} cannot be read", style="bold red"))
    for commit, environment, count, missing in lost:
        named = ", ".join(f"{index}/{count}" for index in missing)
        is_are = "shard" if len(missing) == 1 else "shards"
        said = f"{commit[:10]} ({environment}): no run of {is_are} {named}"
        lines.append(Text(f"{said}; measure it with `perfkit bench {commit[:10]} --shard K/N`"))
    return Group(*lines)
