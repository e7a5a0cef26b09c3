"""Answers that are not the real ones, and the errors of what refuses to answer."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Degraded(Generic[T]):
    """What a fallback gave in place of the real answer: not ok, whatever the value is.

    ``reason`` is the word under which it is counted (``error``, ``deadline``, ``breaker_refused``,
    ``shed``), ``cause`` the error that the caller would have got.
    """

    value: T
    reason: str
    cause: Exception


class DegradedError(Exception):
    """A guard gave no answer. It counts as degraded, not as an error of the guarded function."""

    reason = "degraded"


class DeadlineError(DegradedError):
    """The answer did not come before the deadline."""

    reason = "deadline"


class BreakerOpenError(DegradedError):
    """The circuit breaker is open: the function was not called."""

    reason = "breaker_refused"


class ShedError(DegradedError):
    """The bulkhead is full: the function was not called."""

    reason = "shed"
