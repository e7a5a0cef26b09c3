"""``guard``: deadline, retries within a budget, breaker, bulkhead and fallback for a call."""

import inspect
import time
from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import update_wrapper
from typing import Any, TypeAlias, TypeVar

from perfkit.runtime.breaker import Breaker, State
from perfkit.runtime.budget import RetryBudget
from perfkit.runtime.bulkhead import Bulkhead
from perfkit.runtime.degraded import (
    BreakerOpenError,
    DeadlineError,
    Degraded,
    DegradedError,
    ShedError,
)
from perfkit.runtime.recorder import RECORDER, Recorder
from perfkit.runtime.retrying import Retry, Retrying

F = TypeVar("F", bound=Callable[..., Any])
Function: TypeAlias = Callable[..., Any]
Args: TypeAlias = tuple[Any, ...]
Kwargs: TypeAlias = dict[str, Any]

BREAKERS: dict[str, Breaker] = {}
"""The breakers of this process by the name of their guard, for :func:`perfkit.runtime.health`."""

OPENNESS = {State.CLOSED: 0.0, State.HALF_OPEN: 0.5, State.OPEN: 1.0}
"""The value of ``guard.breaker`` for each state."""

_DEADLINE: ContextVar[float | None] = ContextVar("perfkit_deadline", default=None)


def time_left() -> float | None:
    """Return the seconds to the nearest deadline of the guards around; None where none has one.

    A synchronous call cannot be interrupted: give this to what it waits for as its timeout.
    """
    deadline = _DEADLINE.get()
    return None if deadline is None else max(0.0, deadline - time.monotonic())


class Guard:
    """One guard, and the decorator that puts it around a function; see :func:`guard`."""

    def __init__(
        self,
        name: str,
        *,
        component: str = "",
        deadline: float | None = None,
        retry: Retry | None = None,
        budget: RetryBudget | None = None,
        breaker: Breaker | None = None,
        bulkhead: Bulkhead | None = None,
        fallback: Callable[..., Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
        recorder: Recorder = RECORDER,
    ) -> None:
        if deadline is not None and deadline <= 0:
            raise ValueError(f"a deadline is more than 0 seconds away, not {deadline}")
        self._name = name
        self._component = component
        self._seconds = deadline
        self._retry = retry
        self._budget = budget or RetryBudget()
        self._breaker = breaker
        self._bulkhead = bulkhead
        self._fallback = fallback
        self._clock = clock
        self._recorder = recorder
        if breaker is not None:
            breaker.changed = self._breaker_changed
            BREAKERS[name] = breaker
            self._sample("breaker", lambda: OPENNESS[breaker.state])
        if bulkhead is not None:
            self._sample("in_use", lambda: bulkhead.inside / bulkhead.most)

    def __call__(self, function: F) -> F:
        """Return the function with its calls guarded.

        Raises:
            TypeError: it is none, or a generator, whose work is done after its call.
        """
        if not callable(function):
            raise TypeError(
                f"guard {self._name}: guards a function, not a {type(function).__name__}; put"
                " @guard below it"
            )
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            name = getattr(function, "__qualname__", repr(function))
            raise TypeError(
                f"guard {self._name}: {name} is a generator, and a guard around its call would end"
                " before its work begins; guard what it calls for each value"
            )
        make = self._async if inspect.iscoroutinefunction(function) else self._sync
        return update_wrapper(make(function), function)  # type: ignore[return-value]

    def _sync(self, function: Function) -> Function:
        def guarded(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # the function's
            try:
                deadline = self._enter()
                token = self._announce(deadline)
                try:
                    return self._attempt(function, deadline, args, kwargs)
                except Exception as error:
                    if not self._can_retry(error):
                        raise
                    retrying = self._retrying(error, deadline)
                    for context in retrying.contexts:
                        with context:
                            retrying.resume()
                            self._check(deadline)
                            return self._attempt(function, deadline, args, kwargs)
                    raise  # not reached: stamina raises the last error
                finally:
                    self._exit(token)
            except Exception as error:
                if self._fallback is None:
                    raise
                return self._degraded(error, self._fallback(*args, **kwargs))

        return guarded

    def _attempt(
        self, function: Function, deadline: float | None, args: Args, kwargs: Kwargs
    ) -> Any:  # noqa: ANN401  # the function's
        ticket = 0 if self._breaker is None else self._admit(self._breaker)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            self._failed(ticket, deadline, error)
            raise
        late = deadline is not None and self._clock() > deadline
        if self._breaker is not None:
            self._breaker.leave(ticket, failed=late)
        if late:
            raise self._late()
        return result

    def _async(self, function: Function) -> Function:
        async def guarded(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # the function's
            try:
                deadline = self._enter()
                token = self._announce(deadline)
                try:
                    if deadline is None:
                        return await self._tried_later(function, deadline, args, kwargs)
                    return await self._in_time(function, deadline, args, kwargs)
                finally:
                    self._exit(token)
            except Exception as error:
                if self._fallback is None:
                    raise
                value = self._fallback(*args, **kwargs)
                return self._degraded(error, await value if inspect.isawaitable(value) else value)

        return guarded

    async def _in_time(
        self, function: Function, deadline: float, args: Args, kwargs: Kwargs
    ) -> Any:  # noqa: ANN401  # the function's
        import asyncio

        timeout = asyncio.timeout(self._seconds)
        try:
            async with timeout:
                return await self._tried_later(function, deadline, args, kwargs)
        except TimeoutError as error:
            if not timeout.expired():
                raise  # one of the function's own
            raise self._late() from error

    async def _tried_later(
        self, function: Function, deadline: float | None, args: Args, kwargs: Kwargs
    ) -> Any:  # noqa: ANN401  # the function's
        try:
            return await self._attempt_later(function, deadline, args, kwargs)
        except Exception as error:
            if not self._can_retry(error):
                raise
            retrying = self._retrying(error, deadline)
            async for context in retrying.contexts:
                with context:
                    retrying.resume()
                    self._check(deadline)
                    return await self._attempt_later(function, deadline, args, kwargs)
            raise  # not reached: stamina raises the last error

    async def _attempt_later(
        self, function: Function, deadline: float | None, args: Args, kwargs: Kwargs
    ) -> Any:  # noqa: ANN401  # the function's
        ticket = 0 if self._breaker is None else self._admit(self._breaker)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            self._failed(ticket, deadline, error)
            raise
        late = deadline is not None and self._clock() > deadline
        if self._breaker is not None:
            self._breaker.leave(ticket, failed=late)
        if late:
            raise self._late()
        return result

    # Around the whole call

    def _enter(self) -> float | None:
        """Take a place in the bulkhead; return the deadline. Raises ShedError."""
        if self._bulkhead is not None and not self._bulkhead.enter():
            self._count("shed")
            raise ShedError(f"{self._name}: {self._bulkhead.most} calls are under way; not called")
        if self._retry is not None and self._budget.saved < self._budget.most:
            self._budget.earn()
        return None if self._seconds is None else self._clock() + self._seconds

    def _announce(self, deadline: float | None) -> Token[float | None] | None:
        if deadline is None:
            return None
        outer = _DEADLINE.get()
        return _DEADLINE.set(deadline if outer is None else min(outer, deadline))

    def _exit(self, token: Token[float | None] | None) -> None:
        if token is not None:
            _DEADLINE.reset(token)
        if self._bulkhead is not None:
            self._bulkhead.leave()

    def _degraded(self, error: Exception, value: object) -> Degraded[object]:
        self._count("fallback")
        reason = error.reason if isinstance(error, DegradedError) else "error"
        return Degraded(value, reason, error)

    # Around one attempt

    def _admit(self, breaker: Breaker) -> int:
        """Return the breaker's ticket. Raises BreakerOpenError."""
        ticket = breaker.enter()
        if ticket is None:
            self._count("breaker_refused")
            raise BreakerOpenError(f"{self._name}: the breaker is open; not called")
        return ticket

    def _check(self, deadline: float | None) -> None:
        """Raise DeadlineError where waiting for a retry took what was left."""
        if deadline is not None and self._clock() > deadline:
            raise self._late()

    def _failed(self, ticket: int, deadline: float | None, error: BaseException) -> None:
        """Tell the breaker; a call that was cancelled before its deadline says nothing."""
        late = deadline is not None and self._clock() >= deadline
        if self._breaker is not None and (late or isinstance(error, Exception)):
            self._breaker.leave(ticket, failed=True)

    def _can_retry(self, error: Exception) -> bool:
        return self._retry is not None and isinstance(error, self._retry.on)

    def _retrying(self, error: Exception, deadline: float | None) -> Retrying:
        assert self._retry is not None  # noqa: S101  # as _can_retry found
        return Retrying(
            error,
            retry=self._retry,
            budget=self._budget,
            deadline=deadline,
            count=self._count,
            clock=self._clock,
        )

    # Telemetry

    def _late(self) -> DeadlineError:
        self._count("deadline")
        return DeadlineError(f"{self._name}: no answer within {self._seconds} s")

    def _sample(self, what: str, read: Callable[[], float]) -> None:
        labels = {"guard": self._name}
        key = self._recorder.collected.key(self._component, f"guard.{what}", labels)
        self._recorder.sample(key, read)

    def _breaker_changed(self, state: State) -> None:
        self._count(f"breaker_{state.value}")

    def _count(self, decision: str) -> None:
        self._recorder.event(f"guard.{decision}", self._component, {"guard": self._name})


def guard(
    name: str,
    *,
    component: str = "",
    deadline: float | None = None,
    retry: Retry | None = None,
    budget: RetryBudget | None = None,
    breaker: Breaker | None = None,
    bulkhead: Bulkhead | int | None = None,
    fallback: Callable[..., Any] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Guard:
    """Return a decorator that guards the calls of a function or coroutine function.

    It refuses a generator (TypeError): its call does nothing yet that could be guarded.

    - ``bulkhead``: at most so many calls at once; more raise ShedError.
    - ``breaker``: what keeps failing is not called for a while; raises BreakerOpenError.
    - ``deadline``: seconds for the whole call, its retries included; raises DeadlineError. A
      coroutine is cancelled then. A synchronous call cannot be: it is told the
      :func:`time_left`, no attempt begins after the deadline, and an answer that comes later is
      not given.
    - ``retry``: errors to try again after. ``budget`` bounds retries to a share of the calls, a
      tenth by default; share one between the guards of a dependency.
    - ``fallback``: called with the same arguments where there is no answer; its value comes back as
      ``Degraded(value, reason, cause)``. Without it the error is raised.

    Every decision is counted as an event ``guard.*`` with the label ``guard``. Put ``track`` above.

    Raises:
        ValueError: a setting that makes no sense.
    """
    return Guard(
        name,
        component=component,
        deadline=deadline,
        retry=retry,
        budget=budget,
        breaker=breaker,
        bulkhead=Bulkhead(bulkhead) if isinstance(bulkhead, int) else bulkhead,
        fallback=fallback,
        clock=clock,
    )
