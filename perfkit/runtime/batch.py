"""What a recording thread gives to a store at once."""

from dataclasses import dataclass, field
from typing import Any

from perfkit.runtime.windows import Calls, Key, Values


@dataclass
class Batch:
    """What is stored at once: everything that ended in the second ``start`` (Unix time)."""

    start: int
    calls: dict[Key, Calls] = field(default_factory=dict)
    values: dict[Key, Values] = field(default_factory=dict)
    events: dict[Key, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.calls or self.values or self.events)

    @property
    def names(self) -> list[str]:
        """The names of its series, as often as they are in it."""
        return [key.name for kind in (self.calls, self.values, self.events) for key in kind]

    def halves(self) -> tuple["Batch", ...]:
        """Return it as two batches; as none where it is of one series, which has no halves."""
        kinds: tuple[dict[Key, Any], ...] = (self.calls, self.values, self.events)
        rows = [(number, *row) for number, kind in enumerate(kinds) for row in kind.items()]
        if len(rows) < 2:  # noqa: PLR2004  # one row each
            return ()
        middle = len(rows) // 2
        return tuple(
            Batch(
                self.start,
                *({key: what for kind, key, what in some if kind == number} for number in range(3)),
            )
            for some in (rows[:middle], rows[middle:])
        )
