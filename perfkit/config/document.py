"""A YAML text as plain values that know where they stand.

Only what JSON can say is accepted: mappings with text keys, lists, text, numbers, true, false and
null. Aliases, merge keys, tags and repeated keys are refused, and so are texts whose size or depth
could only hurt.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from perfkit.errors import ConfigError

Value = dict[str, "Value"] | list["Value"] | str | int | float | bool | None
"""What a document is made of."""

Location = tuple[str | int, ...]
"""Keys and list indices that lead from the top of a document to a value."""

LARGEST_FILE_BYTES: Final = 1024 * 1024
"""A hand-written configuration has a few KiB; parsing 1 MiB already takes seconds."""
DEEPEST_NESTING: Final = 20
"""The settings nest 3 deep; the parser recurses once per level."""
_SHOWN: Final = 60
"""Characters of a value that an error repeats."""
_NUMBERS_BELOW: Final = 2.0**63
"""Larger integers, infinity and NaN do not survive JSON everywhere."""


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """Return ``file:line:column``, which editors and terminals understand."""
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Document:
    """The values of one file, and the place of every value in it."""

    file: str
    values: dict[str, Value] = field(default_factory=dict)
    places: Mapping[Location, Place] = field(default_factory=dict)
    key_places: Mapping[Location, Place] = field(default_factory=dict)


def read_document(path: Path, shown: str) -> Document:
    """Read a file; ``shown`` is its name in messages.

    Raises:
        ConfigError: it cannot be read, is larger than LARGEST_FILE_BYTES, is not UTF-8, or is
            not a document (see :func:`parse_document`).
    """
    try:
        # Opening a pipe or a device would block or never end.
        if not path.is_file():
            kind = "is not a regular file" if path.exists() else "does not exist"
            raise ConfigError(f"{shown}: {kind}; wanted a YAML file")
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"{shown}: cannot be read: {reason}; make it readable") from error
    if len(content) > LARGEST_FILE_BYTES:
        raise ConfigError(
            f"{shown}: found more than {LARGEST_FILE_BYTES} bytes, wanted a configuration file of "
            "a few kilobytes",
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
        raise ConfigError(
            f"{Place(shown, line, column)}: found byte 0x{content[error.start]:02x}, which is not "
            "UTF-8; save the file as UTF-8",
        ) from error
    return parse_document(text, shown)


def parse_document(text: str, shown: str) -> Document:
    """Parse one YAML document; an empty one has no values.

    Raises:
        ConfigError: the syntax is broken, the top is no mapping, or something is used that JSON
            cannot say.
    """
    try:
        node = _Composer(text, shown).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = _place(mark, shown) if mark else shown
        raise ConfigError(
            f"{place}: found broken YAML: {error.problem or error.context}; wanted lines of the "
            "form 'key: value', indented by spaces",
        ) from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Place(shown, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
        raise ConfigError(
            f"{place}: found the character U+{ord(text[error.position]):04X}, which YAML does not "
            "allow; remove it",
        ) from error
    if node is None:
        return Document(shown)
    reader = _NodeReader(shown)
    values = reader.read(node, ())
    if values is None:
        return Document(shown)
    if not isinstance(values, dict):
        raise ConfigError(
            f"{_place(node.start_mark, shown)}: found {described(values)}, wanted keys with "
            "values, such as 'schema: 1'",
        )
    return Document(shown, values, reader.places, reader.key_places)


def parse_scalar(text: str) -> Value:
    """What ``text`` means as a value in a file: ``30`` is a number, ``5%`` is text.

    Whatever is neither number nor truth value stands for itself, as text.
    """
    if len(text) > _SHOWN:
        return text
    try:
        value = yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):
        return text
    return value if isinstance(value, int | float) else text


def described(value: object) -> str:
    """Return ``value`` as the found part of an error sentence, shortened to fit a line."""
    match value:
        case None | bool():
            return {None: "nothing", True: "true", False: "false"}[value]
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case str():
            return repr(value if len(value) <= _SHOWN else value[:_SHOWN] + "...")
        case _:
            return str(value)


class _Composer(yaml.SafeLoader):
    """PyYAML's composer without aliases and without bottom."""

    def __init__(self, text: str, shown: str) -> None:
        super().__init__(text)
        self.shown = shown
        self.depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs have no types here
        place = _place(event.start_mark, self.shown)
        if isinstance(event, yaml.AliasEvent):
            raise ConfigError(
                f"{place}: found the alias *{event.anchor}, wanted the value itself; aliases are "
                "not supported",
            )
        if self.depth >= DEEPEST_NESTING:
            raise ConfigError(
                f"{place}: found values nested more than {DEEPEST_NESTING} deep, wanted a flat "
                "configuration",
            )
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _NodeReader:
    """Turns nodes into values and notes where they stand."""

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.places: dict[Location, Place] = {}
        self.key_places: dict[Location, Place] = {}

    def read(self, node: yaml.Node, location: Location) -> Value:
        place = _place(node.start_mark, self.shown)
        self.places[location] = place
        match node:
            case yaml.MappingNode(tag="tag:yaml.org,2002:map"):
                return self._read_mapping(node, location)
            case yaml.SequenceNode(tag="tag:yaml.org,2002:seq"):
                return [self.read(item, (*location, i)) for i, item in enumerate(node.value)]
            case yaml.ScalarNode():
                return self._read_scalar(node, place)
            case _:
                raise ConfigError(f"{place}: found the tag {node.tag!r}; remove it")

    def _read_mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for key_node, value_node in node.value:
            place = _place(key_node.start_mark, self.shown)
            if key_node.tag != "tag:yaml.org,2002:str":
                raise ConfigError(f"{place}: found a key that is no plain text; put it in quotes")
            key = key_node.value
            inner = (*location, key)
            if key in values:
                raise ConfigError(
                    f"{place}: found key {key!r} a second time, wanted it once; it is already "
                    f"set in line {self.key_places[inner].line}",
                )
            self.key_places[inner] = place
            values[key] = self.read(value_node, inner)
        return values

    def _read_scalar(self, node: yaml.ScalarNode, place: Place) -> Value:
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        # A date stays text: JSON has none, and the settings say which text is a date.
        if kind in {"str", "timestamp", "value"}:
            return str(node.value)
        if kind not in {"int", "float", "bool", "null"}:
            raise ConfigError(f"{place}: found the tag {node.tag!r}; remove it")
        value: int | float | bool | None
        try:
            value = yaml.SafeLoader("").construct_object(node)
        except (ValueError, KeyError, yaml.YAMLError) as error:
            raise ConfigError(
                f"{place}: found {described(node.value)}, wanted a value of type {kind}",
            ) from error
        if isinstance(value, int | float) and not abs(value) < _NUMBERS_BELOW:
            raise ConfigError(
                f"{place}: found {described(node.value)}, wanted a number of usual size",
            )
        return value


def _place(mark: yaml.Mark, shown: str) -> Place:
    return Place(shown, mark.line + 1, mark.column + 1)
