"""The history of one measured thing."""

from dataclasses import dataclass

from perfkit.model.sample import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The history of one benchmark on one machine.

    ``values[i]`` (in ``unit``) was measured at ``labels[i]``: a full commit, or whatever a file
    names its rows with. NaN is a point without a value. ``group`` is the machine, empty for files.
    """

    name: str
    group: str
    unit: Unit
    labels: tuple[str, ...]
    values: tuple[float, ...]
