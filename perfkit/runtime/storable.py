"""Text that a store can hold, of whatever an application gives as a name or a label."""

import json
from collections.abc import Mapping
from functools import lru_cache

UNREADABLE = "(unreadable)"
"""In place of a name or a label whose ``str`` raises."""


def text_of(value: object) -> str:
    """Return a string itself, also one of a class of its own, and ``str`` of anything else.

    So equal strings are one text: an enumeration of strings is written as its values are.
    """
    return str.__str__(value) if issubclass(type(value), str) else str(value)


def storable(value: object) -> str:
    r"""Return ``str(value)``; never raises.

    UTF-8 has no lone surrogates, which is how Python names a file whose name is no UTF-8: they are
    written as escapes (``caf\udce9``).
    """
    try:
        return text_of(value).encode("utf-8", "backslashreplace").decode("utf-8")
    except Exception:  # noqa: BLE001  # an application's object may raise anything
        return UNREADABLE


def labels_text(labels: Mapping[str, object] | None) -> str:
    """Return labels as a store keeps them: a JSON object of strings, its keys sorted.

    Raises whatever they raise; may hold lone surrogates, see :func:`storable_labels`.
    """
    if not labels:
        return "{}"
    texts = {text_of(name): text_of(value) for name, value in labels.items()}
    return json.dumps(texts, sort_keys=True, ensure_ascii=False)


def readable_labels(labels: object) -> str:
    """Return what can be read of labels, as :func:`labels_text` does; never raises."""
    try:
        pairs = list(dict(labels).items())  # type: ignore[call-overload]  # or it raises
    except Exception:  # noqa: BLE001  # no mapping, or one that raises
        return "{}"
    return labels_text({storable(name): storable(value) for name, value in pairs})


def storable_labels(text: str) -> str:
    """Return the text of labels without lone surrogates.

    They are escaped before they become JSON, which would read such an escape as the surrogate.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return readable_labels(json.loads(text))
    return text


@lru_cache(maxsize=4096)
def labels_of(text: str) -> Mapping[str, str]:
    """Return the labels of a stored series; not to be changed.

    What is no JSON object another program wrote: it is the one label ``labels``.
    """
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return {"labels": text}
    return {str(name): str(value) for name, value in found.items()}
