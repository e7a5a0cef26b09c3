"""From files, environment and options to :class:`Settings`, and back to where each value is from.

The order is option, environment, file, default. A variable is named after its key:
``regression.max_rounds`` is ``PERFKIT_REGRESSION_MAX_ROUNDS``; an empty variable counts as unset.
Entries of lists have no variable.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final, TypeVar, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from perfkit.config.complaints import complaints, section_in
from perfkit.config.document import (
    Document,
    Location,
    Place,
    Value,
    parse_scalar,
    read_document,
)
from perfkit.config.monitoring import Monitoring
from perfkit.config.section import Section
from perfkit.config.thresholds import Thresholds
from perfkit.errors import ConfigError

THRESHOLDS_FILE: Final = "performance_thresholds.yaml"
MONITORING_FILE: Final = "monitoring_config.yaml"
_PREFIX: Final = "PERFKIT_"

Origin = Place | str
"""Where a value comes from: a place in a file, or ``environment NAME``, or ``option --name``."""

_Model = TypeVar("_Model", bound=Section)


@dataclass(frozen=True, slots=True)
class Override:
    """A command-line option that sets a key: ``Override("regression.alpha", "0.01", "--alpha")``.

    ``text`` is what the user typed; it means what it would mean in the file.
    """

    key: str
    text: str
    option: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Both files, resolved, with the origin of every value that is not a default."""

    thresholds: Thresholds
    monitoring: Monitoring
    origins: Mapping[tuple[str, Location], Origin]
    """Keyed by file name and location in that file."""


@dataclass(frozen=True, slots=True)
class ExplainedValue:
    """One effective value: ``source`` is default, file:line, environment NAME or option --name."""

    file: str
    key: str
    value: Value
    source: str


def load_settings(
    directory: Path,
    *,
    environ: Mapping[str, str],
    options: Sequence[Override] = (),
    must_exist: bool = False,
) -> Settings:
    """Resolve both files of ``directory``; a file that does not exist means its defaults.

    ``must_exist`` is for a directory the user named: it has to hold at least one of the files.

    Raises:
        ConfigError: a file, a variable or an option cannot be used; the message starts with the
            place.
    """
    documents = []
    for name in (THRESHOLDS_FILE, MONITORING_FILE):
        path = directory / name
        exists = path.exists() or path.is_symlink()
        documents.append(read_document(path, str(path)) if exists else None)
    if must_exist and not any(documents):
        raise ConfigError(
            f"{directory}: found neither {THRESHOLDS_FILE} nor {MONITORING_FILE}, wanted a "
            "directory that holds one of them; 'perfkit init' writes both",
        )
    _refuse_misspelled_variables(environ)
    origins: dict[tuple[str, Location], Origin] = {}
    layers = _Layers(environ, {option.key: option for option in options}, origins)
    thresholds, monitoring = documents
    return Settings(
        thresholds=layers.resolve(Thresholds, THRESHOLDS_FILE, thresholds),
        monitoring=layers.resolve(Monitoring, MONITORING_FILE, monitoring),
        origins=origins,
    )


def explain(settings: Settings) -> tuple[ExplainedValue, ...]:
    """Every effective value with its source, in the order of the files and their schema."""
    rows = []
    for name, model in (
        (THRESHOLDS_FILE, settings.thresholds),
        (MONITORING_FILE, settings.monitoring),
    ):
        for location, value in _flatten(model.model_dump(mode="json", by_alias=True), ()):
            match settings.origins.get((name, location)):
                case None:
                    source = "default"
                case Place() as place:
                    source = f"{place.file}:{place.line}"
                case text:
                    source = text
            rows.append(ExplainedValue(name, dotted(location), value, source))
    return tuple(rows)


def dotted(location: Location) -> str:
    """Return the location as people write it: ``budgets[0].limit``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def variables() -> Mapping[str, str]:
    """Every environment variable that sets a key, with the key it sets."""
    return {
        _variable(location): dotted(location)
        for model in (Thresholds, Monitoring)
        for location, _ in _single_values(model, ())
    }


@dataclass(frozen=True, slots=True)
class _Layers:
    """What is laid over a file, and the origins noted while doing so."""

    environ: Mapping[str, str]
    options: Mapping[str, Override]
    origins: dict[tuple[str, Location], Origin]

    def resolve(self, model: type[_Model], name: str, given: Document | None) -> _Model:
        document = given or Document(name)
        values = document.values
        found: dict[Location, Origin] = {(): document.file, **document.places}
        for location, field in _single_values(model, ()):
            variable = _variable(location)
            if option := self.options.get(dotted(location)):
                text, origin = option.text, f"option {option.option}"
            elif self.environ.get(variable):
                text, origin = self.environ[variable], f"environment {variable}"
            else:
                continue
            value = text if field.annotation is str else parse_scalar(text)
            values = _with(values, location, value)
            found[location] = origin
        try:
            # JSON is where pydantic's strict mode takes a list for a tuple and text for a date.
            settings = model.model_validate_json(json.dumps(values))
        except ValidationError as error:
            raise ConfigError(complaints(error, model, document, found)) from error
        self.origins.update({(name, location): origin for location, origin in found.items()})
        return settings


def _with(values: dict[str, Value], location: Location, value: Value) -> dict[str, Value]:
    """``values`` with one value replaced; left alone where the file has no mapping on the way."""
    first, *rest = location
    if not rest:
        return {**values, str(first): value}
    inner = values.get(str(first), {})
    if not isinstance(inner, dict):
        return values
    return {**values, str(first): _with(inner, tuple(rest), value)}


def _single_values(
    model: type[Section],
    location: Location,
) -> Iterator[tuple[Location, FieldInfo]]:
    """The keys outside lists that hold one value, except the version of the format."""
    for name, field in model.model_fields.items():
        inner = (*location, field.alias or name)
        section = section_in(field.annotation)
        if (
            section is None
            and field.alias != "schema"
            and get_origin(field.annotation) is not tuple
        ):
            yield inner, field
        elif section is not None and not get_args(field.annotation):
            yield from _single_values(section, inner)


def _variable(location: Location) -> str:
    return _PREFIX + "_".join(str(part).upper() for part in location)


def _refuse_misspelled_variables(environ: Mapping[str, str]) -> None:
    """A variable close to one of ours would otherwise be ignored in silence.

    Others with our prefix may belong to other programs, and are left alone.
    """
    known = list(variables())
    for name in sorted(environ):
        if not name.startswith(_PREFIX) or name in known:
            continue
        bare = [variable.removeprefix(_PREFIX) for variable in known]
        if near := get_close_matches(name.removeprefix(_PREFIX), bare, n=1, cutoff=0.8):
            raise ConfigError(
                f"environment {name}: found an unknown variable; did you mean {_PREFIX}{near[0]}?",
            )


def _flatten(value: Value, location: Location) -> Iterator[tuple[Location, Value]]:
    match value:
        case dict() if value:
            for key, inner in value.items():
                yield from _flatten(inner, (*location, key))
        case list() if value:
            for index, inner in enumerate(value):
                yield from _flatten(inner, (*location, index))
        case _:
            yield location, value
