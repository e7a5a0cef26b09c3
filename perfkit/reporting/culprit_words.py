"""The functions behind a regression, in words; the renderers make them visible or inert."""

from collections.abc import Callable, Iterable

from perfkit.model import Comparison, Culprit

Quote = Callable[[str], str]
"""Makes a name from outside harmless where it is shown."""


def _as_it_is(text: str) -> str:
    return text


def culprit_lines(
    row: Comparison, *, quote: Quote = _as_it_is, plain: Quote = _as_it_is
) -> tuple[str, ...]:
    """Return one line per culprit, and one for what to know of them; none where none were sought.

    ``quote`` is for names of functions, ``plain`` for a sentence that may quote others.
    """
    lines = [culprit_line(culprit, quote=quote) for culprit in row.culprits]
    if row.culprit_note:
        lines.append(plain(row.culprit_note))
    return tuple(lines)


def culprit_line(culprit: Culprit, *, quote: Quote = _as_it_is) -> str:
    """Return ``name file:line, 92 % of the slowdown (8 % -> 283 % of base's time)``."""
    name = quote(f"{culprit.function} {culprit.place}")
    guess = "" if culprit.significant else "maybe "
    parts = [f"{guess}{name}{_part(culprit)} ({costs(culprit)})"]
    if culprit.through:
        parts.append(f"through {quote(culprit.through)}")
    if culprit.former:
        parts.append(f"before {quote(culprit.former)}")
    return ", ".join(parts)


def _part(culprit: Culprit) -> str:
    return "" if culprit.explained is None else f", {share(culprit.explained)} of the slowdown"


def costs(culprit: Culprit) -> str:
    """Return what the function costs on both sides: ``8 % -> 283 % of base's time``."""
    return f"{share(culprit.base)} -> {share(culprit.head)} of base's time"


def share(value: float) -> str:
    """Return a part of base's time in per cent, tenths where it is small."""
    return f"{value * 100:.1f} %" if value < _SMALL else f"{value * 100:.0f} %"


_SMALL = 0.1


def culprits_of(rows: Iterable[Comparison]) -> tuple[str, ...]:
    """Return the lines of all rows, each after its benchmark's name, for the terminal."""
    return tuple(f"{row.benchmark}: {line}" for row in rows for line in culprit_lines(row))
