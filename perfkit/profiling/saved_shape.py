"""What a saved profile must be like, value by value, so that whoever reads it may rely on it."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, Strict, TypeAdapter, ValidationError

_Value = TypeVar("_Value")

MOST = 1e12
"""Seconds, calls or samples that no recording reaches, and whose sums stay finite."""

_Seconds = Annotated[float, Field(ge=0, le=MOST, allow_inf_nan=False)]
_Record = Annotated[tuple[list[str], _Seconds], Strict(strict=False)]
"""A stack and its seconds; JSON has no tuples, so one is made of a list."""


class _Session(BaseModel):
    """A session as pyinstrument 5 writes it."""

    model_config = ConfigDict(strict=True, extra="allow")

    frame_records: list[_Record]
    start_time: Annotated[float, Field(allow_inf_nan=False)]
    duration: _Seconds
    min_interval: _Seconds
    max_interval: _Seconds
    sample_count: int
    start_call_stack: Annotated[list[str], Field(min_length=1)]
    target_description: str
    cpu_time: _Seconds
    sys_path: list[str]
    sys_prefixes: list[str]


_FRAME = re.compile(
    r"[^\x00\x01]*\x00[^\x00\x01]*\x00-?[0-9]{1,20}(\x01([ch][^\x01]*|l-?[0-9]{1,20}))*"
)
"""``name NUL file NUL line``, then class, running line, and whether it hides itself."""


def session_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a session's values, each of its type; ValueError, in a clause, where one is not."""
    try:
        session = dict(_Session.model_validate(values))
    except ValidationError as error:
        raise ValueError(_clause(error)) from None
    seen = {frame for stack, _ in session["frame_records"] for frame in stack}
    for frame in seen.union(session["start_call_stack"]):
        if not _FRAME.fullmatch(frame):
            message = f"found the frame {frame[:80]!r}, wanted a name, a file and a line"
            raise ValueError(message)
    return session


def value_of(kind: type[_Value], values: object) -> _Value:
    """Return a dataclass of JSON values; ValueError, in a clause, where a type is another."""
    try:
        return TypeAdapter(kind).validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        raise ValueError(_clause(error)) from None


def _clause(error: ValidationError) -> str:
    """Return the first thing that is wrong, and where."""
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]
