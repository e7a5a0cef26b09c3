"""The base of every settings model."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Frozen, no unknown key, no silent conversion of types."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )
