"""Option texts of ``perfkit profile``, read."""

from typing import Literal


def repeats(text: str) -> int | Literal["auto"]:
    """Return a number of calls, or auto."""
    from perfkit.errors import UsageError

    if text == "auto":
        return "auto"
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise UsageError(f"--repeat: found {text!r}, wanted a number of calls above 0, or auto.")
    return int(text)


def duration(text: str, option: str) -> float:
    """Return seconds above 0."""
    from perfkit.config.units import UnitError, parse_duration
    from perfkit.errors import UsageError

    try:
        seconds = parse_duration(text)
    except UnitError as error:
        raise UsageError(f"{option}: {error}") from error
    if not seconds:
        raise UsageError(f"{option}: found {text}, wanted a time above 0, such as 30s.")
    return seconds
