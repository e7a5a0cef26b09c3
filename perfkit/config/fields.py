"""Pydantic field types over :mod:`perfkit.config.units`: text in the file, base units inside."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, PlainSerializer, PlainValidator, StringConstraints
from pydantic.json_schema import WithJsonSchema
from pydantic_core import PydanticCustomError

from perfkit.config import units
from perfkit.config.units import Kind

_Value = TypeVar("_Value")

WRONG_TYPE = "quantity_type"
"""Type of the pydantic error for a value that is neither text nor number; its message is the
wanted noun phrase."""


def _from_text(kind: Kind, parse: Callable[[str], _Value]) -> PlainValidator:
    """Text, or a bare number, which ``parse`` refuses with its sentence about units."""

    def validate(found: object) -> _Value:
        if isinstance(found, bool) or not isinstance(found, str | int | float):
            raise PydanticCustomError(WRONG_TYPE, units.wanted(kind))
        return parse(str(found))

    return PlainValidator(validate)


def _schema(kind: Kind, *examples: str) -> WithJsonSchema:
    document: dict[str, Any] = {
        "type": "string",
        "pattern": units.pattern(kind),
        "description": units.wanted(kind),
        "examples": list(examples),
    }
    return WithJsonSchema(document)


def _above_zero(value: float) -> float:
    if value <= 0:
        message = "found zero, wanted more than zero"
        raise ValueError(message)
    return value


def _amount_above_zero(amount: units.Amount) -> units.Amount:
    _above_zero(amount.value)
    return amount


def _level_above_zero(level: units.Level) -> units.Level:
    _above_zero(level.value)
    return level


Duration = Annotated[
    float,
    _from_text("duration", units.parse_duration),
    PlainSerializer(units.format_duration, return_type=str),
    _schema("duration", "250ms", "1.5s", "10min"),
]
"""Seconds."""

Size = Annotated[
    int,
    _from_text("size", units.parse_size),
    PlainSerializer(units.format_size, return_type=str),
    _schema("size", "0B", "64MiB"),
]
"""Bytes."""

Rate = Annotated[
    float,
    _from_text("rate", units.parse_rate),
    PlainSerializer(units.format_rate, return_type=str),
    _schema("rate", "200/s"),
]
"""Events per second."""

Ratio = Annotated[
    float,
    _from_text("ratio", units.parse_ratio),
    PlainSerializer(units.format_ratio, return_type=str),
    _schema("ratio", "5%", "12.5%"),
]
"""A share of one: ``5%`` is 0.05."""

Amount = Annotated[
    units.Amount,
    _from_text("amount", units.parse_amount),
    PlainSerializer(units.format_amount, return_type=str),
    _schema("amount", "1s", "64MiB", "12count"),
]
"""A duration, a size or a count."""

Level = Annotated[
    units.Level,
    _from_text("level", units.parse_level),
    PlainSerializer(units.format_level, return_type=str),
    _schema("level", "5%", "250ms", "64MiB", "10/s"),
]
"""A quantity of any kind."""


def _moment(found: object) -> datetime:
    """A UTC time; a day stands for its end."""
    if not isinstance(found, str):
        raise PydanticCustomError(WRONG_TYPE, _MOMENT)
    try:
        if _DAY.fullmatch(found):
            return datetime.fromisoformat(found).replace(tzinfo=UTC) + timedelta(days=1)
        moment = datetime.fromisoformat(found)
    except (ValueError, OverflowError) as error:
        message = f"found {found[:60]!r}, wanted {_MOMENT}"
        raise ValueError(message) from error
    if moment.tzinfo is None:
        message = f"found {found[:60]!r} without a time zone, wanted {_MOMENT}"
        raise ValueError(message)
    return moment.astimezone(UTC)


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = "a day such as 2026-12-31 or a time such as 2026-12-31T18:00Z"

Moment = Annotated[
    datetime,
    PlainValidator(_moment),
    PlainSerializer(lambda moment: moment.isoformat().replace("+00:00", "Z"), return_type=str),
    WithJsonSchema(
        {"type": "string", "description": _MOMENT, "examples": ["2026-12-31", "2026-12-31T18:00Z"]}
    ),
]
"""A point in time, UTC; a day in the file stands for its end."""

PositiveDuration = Annotated[Duration, AfterValidator(_above_zero)]
PositiveRatio = Annotated[Ratio, AfterValidator(_above_zero)]
PositiveLevel = Annotated[Level, AfterValidator(_level_above_zero)]
PositiveAmount = Annotated[Amount, AfterValidator(_amount_above_zero)]

Text = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
"""Text that says something."""
