"""A change laid over stored profiles, for the terminal, for JSON and as one line."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from perfkit.model import Impact, PathShare, Touched
from perfkit.plural import plural
from perfkit.reporting.culprit_words import share
from perfkit.reporting.visible import visible

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

MAP = (
    "This is a map, not a measurement: it says where the change meets paths that were seen hot"
    " before, not whether it made them slower."
)

NAMES = 3
"""Targets that are named in a row; the others are counted."""


def impact_text(found: Impact) -> "RenderableType":
    """Return the hot functions that were touched, the stored paths, and that it is a map."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(visible(impact_line(found)), "bold")]
    if found.hot:
        parts += [Text(), _table(found.hot)]
    cold = len(found.touched) - len(found.hot)
    if cold:
        parts.append(Text(f"{plural(cold, 'touched function')} in no stored profile"))
    parts += [Text(visible(_path(path)), "dim") for path in found.paths]
    parts += [Text(f"! {visible(note)}", "yellow") for note in (*_ages(found.paths), *found.notes)]
    return Group(*parts, Text(), Text(MAP))


def impact_line(found: Impact) -> str:
    """Return the whole in one sentence."""
    profiles = plural(len(found.paths), "stored profile")
    if not found.touched:
        return f"Since {found.base} no Python function was touched ({profiles})."
    if not found.hot:
        count = plural(len(found.touched), "touched function")
        verb = "is" if len(found.touched) == 1 else "are"
        return f"{count} since {found.base} {verb} on no path of {profiles}."
    hottest = found.paths[0]
    count = plural(len(found.hot), "touched function")
    return (
        f"{count} on stored paths since {found.base}, most: {share(hottest.share)} of"
        f" {hottest.target} goes through what was touched (a map, not a measurement)."
    )


def _table(rows: Iterable[Touched]) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("of the path", "own", "lines"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("function", overflow="fold")
    table.add_column("defined at", overflow="fold")
    table.add_column("reached by", overflow="fold")
    for row in rows:
        named = [f"{one.target} {share(one.share)}" for one in row.targets[:NAMES]]
        more = len(row.targets) - len(named)
        table.add_row(
            share(row.share),
            share(row.targets[0].own_share),
            str(row.lines),
            Text(visible(row.function)),
            Text(visible(row.place) + (" (deleted)" if row.deleted else ""), "dim"),
            Text(visible(", ".join(named)) + (f", and {more} more" if more else "")),
        )
    return table


def _path(path: PathShare) -> str:
    return f"{share(path.share):>7} of {path.target} ({path.samples:,} samples)"


def _ages(paths: Iterable[PathShare]) -> list[str]:
    notes = []
    for path in paths:
        if path.behind:
            notes.append(
                f"the profile of {path.target} is {plural(path.behind, 'commit')} older than the"
                " base of this change; record it again where the path has moved"
            )
        elif path.behind is None:
            notes.append(f"the profile of {path.target} is of no commit that is known here")
    return notes


def impact_values(found: Impact) -> dict[str, Any]:
    """Return the JSON values, with the sentence that it is a map."""
    return {**asdict(found), "summary": impact_line(found), "note": MAP}
