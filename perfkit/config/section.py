"""The base of every settings model."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Frozen, no unknown key, no silent conversion of types.

    What a key means stands in the text under it; :mod:`perfkit.config.meanings` reads it.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
    )


def refuse_repeats(key: str, found: Sequence[str]) -> None:
    """Raise ValueError where a value of ``key`` stands twice in a list of sections."""
    for index, value in enumerate(found):
        if value in found[:index]:
            message = f"found {key} {value!r} twice, wanted it once"
            raise ValueError(message)
