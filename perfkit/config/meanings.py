"""What each key of the configuration means: the text that stands under it in the source.

pydantic can read these texts as it makes the classes (``use_attribute_docstrings``), which costs
every start of perfkit 50 ms of a processor for what only schemas and pages need.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import get_args

from perfkit.config.section import Section


@cache
def meanings(model: type[Section]) -> Mapping[str, str]:
    """Return the text under each field of a section, by the field's name; inherited ones too."""
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if issubclass(kind, Section) and kind is not Section:
            found |= dict(_texts(ast.parse(textwrap.dedent(inspect.getsource(kind)))))
    return {name: found[name] for name in model.model_fields if name in found}


def _texts(source: ast.Module) -> Iterator[tuple[str, str]]:
    statements = [part for one in source.body if isinstance(one, ast.ClassDef) for part in one.body]
    for field, text in pairwise(statements):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(words))),
            ):
                yield name, inspect.cleandoc(words)


def sections_in(model: type[Section]) -> Iterator[type[Section]]:
    """Yield a section and those that its fields hold, however deep, each once."""
    found: dict[type[Section], None] = {}
    waiting = [model]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found[one] = None
            for field in one.model_fields.values():
                waiting += _sections(field.annotation)
    yield from found


def _sections(annotation: object) -> Iterator[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for part in get_args(annotation):
        yield from _sections(part)
