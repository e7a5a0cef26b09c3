"""What failed in an earlier comment and passes now, as lines under the comment."""

from collections.abc import Sequence

from perfkit.reporting.inert import inert

SHOWN = 5
"""Lines, at most: the comment has a length to keep."""

NAME_CHARACTERS = 80


def resolved_markdown(resolved: Sequence[tuple[str, str]]) -> str:
    """Return the lines for ``(name, commit)`` pairs, the newest last; empty where there is none."""
    if not resolved:
        return ""
    lines = [f"- ✅ {_name(name)}: resolved in {sha or 'this run'}" for name, sha in resolved]
    more = len(lines) - SHOWN
    shown = [f"- ✅ and {more} more resolved before", *lines[-SHOWN:]] if more > 0 else lines
    return "\n" + "\n".join(shown) + "\n"


def _name(name: str) -> str:
    kind, _, rest = name.partition(" ")
    if kind == "leak":
        kind, rest = "leak check", rest.removeprefix("check ")
    short = rest if len(rest) <= NAME_CHARACTERS else f"{rest[:NAME_CHARACTERS]}…"
    return f"{kind} {inert(short)}"
