"""Trying again after a failure: stamina waits, a budget decides."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfkit.runtime.budget import RetryBudget
from perfkit.runtime.degraded import DegradedError

if TYPE_CHECKING:
    from stamina._core import _RetryContextIterator


@dataclass(frozen=True)
class Retry:
    """Which errors to try again after, how often in all, and how long to wait before (seconds).

    The waits are stamina's: they double from ``wait_initial`` up to ``wait_max``, with up to
    ``wait_jitter`` added at random.
    """

    on: type[Exception] | tuple[type[Exception], ...]
    attempts: int = 3
    wait_initial: float = 0.1
    wait_max: float = 5.0
    wait_jitter: float = 1.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"a retry makes at least one attempt, not {self.attempts}")


class Retrying:
    """What happens after the first attempt of one call has failed.

    Iterate over :attr:`contexts` and call :meth:`resume` at the start of each: it raises the first
    attempt's error once, so that stamina waits before the second.
    """

    def __init__(
        self,
        first: Exception,
        *,
        retry: Retry,
        budget: RetryBudget,
        deadline: float | None,
        count: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._first: Exception | None = first
        self._retry = retry
        self._budget = budget
        self._deadline = deadline
        self._count = count
        self._clock = clock
        self._made = 1

    def resume(self) -> None:
        """Raise the error of the first attempt, the first time."""
        if self._first is not None:
            first, self._first = self._first, None
            raise first
        self._made += 1

    def again(self, error: Exception) -> bool:
        """Decide whether to try once more, and count it."""
        if isinstance(error, DegradedError) or not isinstance(error, self._retry.on):
            return False
        if self._made >= self._retry.attempts:
            return False
        if self._deadline is not None and self._clock() >= self._deadline:
            return False
        if not self._budget.spend():
            self._count("retry_refused")
            return False
        self._count("retry")
        return True

    @property
    def contexts(self) -> "_RetryContextIterator":
        """The attempts, as stamina gives them to ``for`` and ``async for``."""
        import stamina

        left = self._retry.wait_max
        if self._deadline is not None:  # a wait never goes beyond the deadline
            left = min(left, max(0.0, self._deadline - self._clock()))
        return stamina.retry_context(
            on=self.again,
            attempts=self._retry.attempts,
            timeout=None,
            wait_initial=min(left, self._retry.wait_initial),
            wait_max=left,
            wait_jitter=self._retry.wait_jitter,
        )
