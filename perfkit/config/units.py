"""Quantities as people write them: ``250ms``, ``64MiB``, ``200/s``, ``5%``.

Parsing goes through :class:`decimal.Decimal`, so that ``0.1ms`` is the float nearest to 0.0001
and formatting followed by parsing gives the same value back, bit for bit. Units are spelled
exactly as in SI and IEC 80000-13; ``m`` is refused because it means minutes to some and milli to
others.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Final, Literal

from perfkit.errors import UsageError

Kind = Literal["duration", "size", "rate", "ratio", "amount", "level"]
"""What a text with a unit can be; ``amount`` is any of duration, size and count, ``level`` any."""

_DURATIONS: Final = {
    "ns": Decimal("1e-9"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),
    "ms": Decimal("1e-3"),
    "s": Decimal(1),
    "min": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
}
_SIZES: Final = {
    "B": Decimal(1),
    "kB": Decimal(10**3),
    "MB": Decimal(10**6),
    "GB": Decimal(10**9),
    "TB": Decimal(10**12),
    "KiB": Decimal(2**10),
    "MiB": Decimal(2**20),
    "GiB": Decimal(2**30),
    "TiB": Decimal(2**40),
}
_RATES: Final = {
    "/s": Decimal(1),
    "/min": Decimal(1) / Decimal(60),
    "/h": Decimal(1) / Decimal(3600),
}
_RATIOS: Final = {"%": Decimal("0.01")}
_COUNTS: Final = {"count": Decimal(1)}

_UNITS: Final[Mapping[Kind, Mapping[str, Decimal]]] = {
    "duration": _DURATIONS,
    "size": _SIZES,
    "rate": _RATES,
    "ratio": _RATIOS,
    "amount": {**_DURATIONS, **_SIZES, **_COUNTS},
    "level": {**_DURATIONS, **_SIZES, **_COUNTS, **_RATES, **_RATIOS},
}
_WANTED: Final[Mapping[Kind, str]] = {
    "duration": "a duration such as 250ms or 1.5s",
    "size": "a size such as 64MiB or 0B",
    "rate": "a rate such as 200/s",
    "ratio": "a percentage such as 5%",
    "amount": "an amount such as 250ms, 64MiB or 12count",
    "level": "a level with its unit such as 5%, 250ms, 64MiB, 10/s or 12count",
}
_NUMBER: Final = r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?"
_SHAPE: Final = re.compile(rf"({_NUMBER})\s*(\D.*)?", re.ASCII)
_LONGEST_TEXT: Final = 64
"""Characters; a double needs 17 digits, so a longer text is a mistake, not a precision."""
_LARGEST_SIZE: Final = 2**63
"""Bytes; beyond every address space, and the limit of the integers other tools store."""


class UnitError(UsageError, ValueError):
    """A text is not a quantity; also a ``ValueError``, which is how pydantic wants to hear it."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A duration in seconds, a size in bytes, or a count; ``unit`` says which."""

    value: float
    unit: Literal["s", "B", "count"]


@dataclass(frozen=True, slots=True)
class Level:
    """What a signal is held against, in base units: seconds, bytes, a count, 1/s, a share of 1."""

    value: float
    unit: Literal["s", "B", "count", "/s", "%"]


def parse_duration(text: str) -> float:
    """Seconds, >= 0; units ns, us, ms, s, min, h, d. Raises UnitError."""
    return _finite(text, "duration", _parse(text, "duration")[0])


def parse_size(text: str) -> int:
    """Bytes, >= 0, rounded to whole bytes; units B, kB.. and KiB.. to tera. Raises UnitError."""
    value, unit = _parse(text, "size")
    return _whole_bytes(text, value, unit)


def parse_rate(text: str) -> float:
    """Events per second, >= 0; units /s, /min, /h. Raises UnitError."""
    return _finite(text, "rate", _parse(text, "rate")[0])


def parse_ratio(text: str) -> float:
    """A share of one, >= 0: ``5%`` is 0.05. Raises UnitError."""
    return _finite(text, "ratio", _parse(text, "ratio")[0])


def parse_amount(text: str) -> Amount:
    """A duration, a size or a count (``12count``), told apart by the unit. Raises UnitError."""
    value, unit = _parse(text, "amount")
    if unit in _DURATIONS:
        return Amount(_finite(text, "amount", value), "s")
    if unit in _SIZES:
        return Amount(_whole_bytes(text, value, unit), "B")
    return Amount(_finite(text, "amount", value), "count")


def parse_level(text: str) -> Level:
    """A quantity of any kind, told apart by the unit. Raises UnitError."""
    value, unit = _parse(text, "level")
    if unit in _RATIOS:
        return Level(_finite(text, "level", value), "%")
    if unit in _RATES:
        return Level(_finite(text, "level", value), "/s")
    amount = parse_amount(text)
    return Level(amount.value, amount.unit)


def format_duration(seconds: float) -> str:
    """Return the shortest usual spelling that :func:`parse_duration` reads back exactly."""
    exact = _decimal(seconds)
    # Sixties are used only where they divide evenly: 90s stays 90s, 120s becomes 2min.
    for unit, divisor in (("d", 86400), ("h", 3600), ("min", 60)):
        if divisor <= seconds < _LARGEST_SIZE and exact % divisor == 0:
            return f"{_plain(exact / divisor)}{unit}"
    for unit, shift in (("s", 0), ("ms", 3), ("us", 6)):
        if exact.scaleb(shift) >= 1:
            return f"{_plain(exact.scaleb(shift))}{unit}"
    return f"{_plain(exact.scaleb(9))}ns" if exact else "0s"


def format_size(size_bytes: int) -> str:
    """Return the largest IEC unit that needs at most three decimals, exactly."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        factor = int(_SIZES[unit])
        if size_bytes >= factor and size_bytes * 1000 % factor == 0:
            return f"{_plain(Decimal(size_bytes) / factor)}{unit}"
    return f"{size_bytes}B"


def format_rate(per_second: float) -> str:
    """Return events per second, exactly."""
    return f"{_plain(_decimal(per_second))}/s"


def format_ratio(ratio: float) -> str:
    """Return a percentage, exactly: 0.05 is ``5%``."""
    return f"{_plain(_decimal(ratio).scaleb(2))}%"


def format_amount(amount: Amount) -> str:
    """Return the spelling of the amount's unit, exactly."""
    match amount.unit:
        case "s":
            return format_duration(amount.value)
        case "B":
            return format_size(int(amount.value))
        case "count":
            return f"{_plain(_decimal(amount.value))}count"


def format_level(level: Level) -> str:
    """Return the spelling of the level's unit, exactly."""
    match level.unit:
        case "%":
            return format_ratio(level.value)
        case "/s":
            return format_rate(level.value)
        case unit:
            return format_amount(Amount(level.value, unit))


def pattern(kind: Kind) -> str:
    """Return the regular expression (ECMA 262, anchored) of the texts of this kind."""
    units = "|".join(re.escape(unit) for unit in _UNITS[kind])
    return rf"^{_NUMBER}\s*({units})$"


def wanted(kind: Kind) -> str:
    """Return a noun phrase with an example, for error sentences."""
    return _WANTED[kind]


def _parse(text: str, kind: Kind) -> tuple[Decimal, str]:
    """The value in base units (>= 0) and the unit as written."""
    shape = _SHAPE.fullmatch(text.strip()) if len(text) <= _LONGEST_TEXT else None
    if shape is None:
        shown = text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "..."
        raise UnitError(f"found {shown!r}, wanted {_WANTED[kind]}")
    number, unit = shape.group(1), (shape.group(2) or "").strip()
    units = _UNITS[kind]
    if not unit:
        raise UnitError(f"found {number} without a unit, wanted {_WANTED[kind]}")
    if unit not in units:
        raise UnitError(
            f"found {text.strip()!r} with unknown unit {unit!r}, wanted {_WANTED[kind]}"
            f"{_hint(unit, units)}",
        )
    return Decimal(number) * units[unit], unit


def _finite(text: str, kind: Kind, exact: Decimal) -> float:
    value = float(exact)
    if math.isinf(value):
        raise UnitError(f"found {text.strip()!r}, which is too large, wanted {_WANTED[kind]}")
    return value


def _hint(unit: str, units: Mapping[str, Decimal]) -> str:
    """The units someone who wrote ``unit`` may have meant, as a closing clause."""
    if unit == "m" and "min" in units:
        near = ["min", "ms"]
    else:
        by_case = [known for known in units if known.lower() == unit.lower()]
        near = by_case or get_close_matches(unit, units, n=1)
    return f"; did you mean {' or '.join(near)}?" if near else f" (units: {', '.join(units)})"


def _whole_bytes(text: str, value: Decimal, unit: str) -> int:
    if value >= _LARGEST_SIZE:
        raise UnitError(f"found {text.strip()!r}, wanted a size below 8388608TiB")
    if unit == "B" and value % 1 != 0:
        raise UnitError(f"found {text.strip()!r}, wanted a whole number of bytes")
    return round(value)


def _decimal(value: float) -> Decimal:
    """The shortest decimal that reads back as ``value``."""
    if not math.isfinite(value) or value < 0:
        message = f"a quantity is finite and at least 0, found {value!r}"
        raise ValueError(message)
    return Decimal(repr(value))


def _plain(number: Decimal) -> str:
    """Digits without a trailing fraction of zeros; an exponent only where digits get absurd."""
    number = number.normalize()
    return f"{number:f}" if -7 <= number.adjusted() <= 17 else str(number)  # noqa: PLR2004
