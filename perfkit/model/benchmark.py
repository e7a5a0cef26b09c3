"""The identity of a benchmark."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class BenchmarkId:
    """One benchmark at one parameter combination, as asv names them.

    ``name`` is the dotted asv name (``suite.TimeCorrect.time_warm``); ``params`` are asv's
    own ``repr`` strings of the parameter values, empty for a benchmark without parameters.
    """

    name: str
    params: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return ``name`` or ``name(p1, p2)``, the form asv prints and users type."""
        if not self.params:
            return self.name
        return f"{self.name}({', '.join(self.params)})"
