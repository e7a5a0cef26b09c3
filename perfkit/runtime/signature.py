"""Wrappers with the exact signature of what they wrap.

``def wrapper(*args, **kwargs)`` packs and unpacks every call, which costs about as much as both
readings of the clock. A wrapper written out for ``(a, b=1, *, c)`` costs a third of it.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

PREFIX = "_perfkit_"
"""Names of the wrapper's own begin with this, so that they meet no parameter of the application."""


def wrapper(function: Callable[..., Any], template: str, names: Mapping[str, object]) -> Any:  # noqa: ANN401  # any callable
    """Return a function made of ``template``, with the signature of another one.

    In the template ``{parameters}`` and ``{call}`` stand for the signature and for a call with it;
    ``names`` are what it reads, under PREFIX. A function that does not tell its
    signature gets ``*args, **kwargs``.
    """
    try:
        parameters = list(inspect.signature(function, follow_wrapped=False).parameters.values())
    except (TypeError, ValueError):
        parameters = [
            inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL),
            inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD),
        ]
    defaults = {
        f"{PREFIX}default_{number}": parameter.default
        for number, parameter in enumerate(parameters)
        if parameter.default is not parameter.empty
    }
    source = template.format(parameters=_declared(parameters), call=_passed(parameters))
    own = {PREFIX + name: value for name, value in names.items()} | {f"{PREFIX}call": function}
    free = own | defaults
    return _factory(source, tuple(free))(**free)


@lru_cache(maxsize=1024)
def _factory(source: str, names: tuple[str, ...]) -> Callable[..., Any]:
    lines = "\n".join(f"    {line}" for line in source.splitlines())
    space: dict[str, Any] = {}
    # Only names of parameters, which Python has parsed before, come from outside.
    exec(  # noqa: S102
        compile(f"def make({', '.join(names)}):\n{lines}\n    return wrapper", "<track>", "exec"),
        space,
    )
    made: Callable[..., Any] = space["make"]
    return made


def _declared(parameters: list[inspect.Parameter]) -> str:
    parts: list[str] = []
    kinds = inspect.Parameter
    only_keywords = False
    for number, parameter in enumerate(parameters):
        before = parameters[number - 1].kind if number else None
        if before is kinds.POSITIONAL_ONLY and parameter.kind is not kinds.POSITIONAL_ONLY:
            parts.append("/")
        if parameter.kind is kinds.KEYWORD_ONLY and not only_keywords:
            parts.append("*")
        only_keywords |= parameter.kind in {kinds.VAR_POSITIONAL, kinds.KEYWORD_ONLY}
        stars: dict[object, str] = {kinds.VAR_POSITIONAL: "*", kinds.VAR_KEYWORD: "**"}
        star = stars.get(parameter.kind, "")
        given = parameter.default is not parameter.empty
        parts.append(f"{star}{parameter.name}" + (f"={PREFIX}default_{number}" if given else ""))
    if parameters and parameters[-1].kind is kinds.POSITIONAL_ONLY:
        parts.append("/")
    return ", ".join(parts)


def _passed(parameters: list[inspect.Parameter]) -> str:
    forms: dict[object, str] = {
        inspect.Parameter.VAR_POSITIONAL: "*{0}",
        inspect.Parameter.VAR_KEYWORD: "**{0}",
        inspect.Parameter.KEYWORD_ONLY: "{0}={0}",
    }
    inside = ", ".join(forms.get(p.kind, "{0}").format(p.name) for p in parameters)
    return f"{PREFIX}call({inside})"
