"""What a validation found, as one sentence for the person who wrote the file."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, cast, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from perfkit.config.document import Document, Location, Place, described
from perfkit.config.fields import WRONG_TYPE
from perfkit.config.section import Section

_WANTED: Mapping[str, str] = {
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text (put it in quotes)",
    "string_too_short": "text that is not empty",
    "string_pattern_mismatch": "text that is not blank",
    "tuple_type": "a list",
    "model_type": "a mapping of keys to values",
    "date_type": "a day such as 2026-12-31",
    "date_parsing": "a day such as 2026-12-31",
    "literal_error": "{expected}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
}
"""Type of a pydantic error -> what was wanted, with the names of the error's context."""


def complaints(
    error: ValidationError,
    model: type[Section],
    document: Document,
    origins: Mapping[Location, Place | str],
) -> str:
    """Return ``place: found X, wanted Y`` for the first error, and how many more there are.

    ``origins`` holds a place, or the name of a variable or option, for every given value, and
    always for the whole, ``()``.
    """
    sentences = [
        _complaint(details, model, document, origins) for details in error.errors(include_url=False)
    ]
    _, first = min(sentences, key=lambda sentence: sentence[0])
    if others := len(sentences) - 1:
        return f"{first} (and {others} more {'error' if others == 1 else 'errors'})"
    return first


def section_in(annotation: object) -> type[Section] | None:
    """Return the model if ``annotation`` is a section or a tuple of sections."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, Section):
            return candidate
    return None


def _complaint(
    details: ErrorDetails,
    model: type[Section],
    document: Document,
    origins: Mapping[Location, Place | str],
) -> tuple[tuple[int, int], str]:
    """The position to sort by, and the sentence."""
    location = details["loc"]
    if details["type"] == "extra_forbidden":
        place: Place | str = document.key_places[location]
        text = _unknown_key(str(location[-1]), _keys(model, location[:-1]))
    elif details["type"] == "missing":
        place = _nearest(location[:-1], origins)
        keys = ", ".join(_keys(model, location[:-1]))
        text = f"found no key {location[-1]!r}, wanted it among {keys}"
    else:
        # A contradiction between keys is more likely due to what was laid over the file.
        over = _overrides(location, origins) if details["type"] == "value_error" else None
        place = over or _nearest(location, origins)
        key = next((part for part in reversed(location) if isinstance(part, str)), None)
        text = f"{key}: {_wrong_value(details)}" if key else _wrong_value(details)
    position = (place.line, place.column) if isinstance(place, Place) else (0, 0)
    return position, f"{place}: {text}"


def _nearest(location: Location, origins: Mapping[Location, Place | str]) -> Place | str:
    """The origin of the value, or of the innermost value around it that has one."""
    around = (location[:length] for length in range(len(location), -1, -1))
    return next(origins[outer] for outer in around if outer in origins)


def _overrides(location: Location, origins: Mapping[Location, Place | str]) -> str | None:
    """The variables and options that set something at or below ``location``."""
    size = len(location)
    names = [
        origin
        for set_at, origin in origins.items()
        if isinstance(origin, str) and set_at[:size] == location
    ]
    return ", ".join(names) or None


def _unknown_key(key: str, keys: list[str]) -> str:
    near = get_close_matches(key.lower().replace("-", "_"), keys, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"found the unknown key {key!r}, wanted one of {', '.join(keys)}{hint}"


def _wrong_value(details: ErrorDetails) -> str:
    context: dict[str, Any] = details.get("ctx", {})
    if details["type"] == "value_error":
        return str(context["error"])
    if details["type"] == WRONG_TYPE:
        wanted = details["msg"]
    else:
        # A type that is not in the table still gets pydantic's own words.
        wanted = _WANTED.get(details["type"], details["msg"]).format(**context)
    return f"found {described(details['input'])}, wanted {wanted}"


def _keys(model: type[Section], location: Location) -> list[str]:
    """The valid keys of the section at ``location``."""
    for part in location:
        if isinstance(part, int):
            continue
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        # pydantic reports unknown and missing keys inside sections only
        model = cast("type[Section]", section_in(fields[part].annotation))
    return [field.alias or name for name, field in model.model_fields.items()]
