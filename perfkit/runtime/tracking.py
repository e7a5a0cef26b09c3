"""``track``: how long calls take and how they end."""

import inspect
import os
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextvars import ContextVar
from functools import update_wrapper
from time import perf_counter_ns
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

from perfkit.runtime.degraded import Degraded, DegradedError
from perfkit.runtime.logs import slow_call
from perfkit.runtime.recorder import RECORDER, Recorder
from perfkit.runtime.series import MOST_SERIES, parts_of
from perfkit.runtime.signature import wrapper

F = TypeVar("F", bound=Callable[..., Any])

SWITCH = "PERFKIT_RUNTIME"
"""Environment variable; with ``off`` a tracked function is the function itself."""

_SYNC = """
def wrapper({parameters}):
    if _perfkit_off[0]:
        return {call}
    _perfkit_begin = _perfkit_clock()
    try:
        _perfkit_result = {call}
    except BaseException as _perfkit_error:
        _perfkit_failed(_perfkit_clock() - _perfkit_begin, _perfkit_error)
        raise
    if _perfkit_type(_perfkit_result) is _perfkit_Degraded:
        _perfkit_degraded(_perfkit_clock() - _perfkit_begin)
    else:
        _perfkit_ok(_perfkit_clock() - _perfkit_begin)
    return _perfkit_result
"""
_ASYNC = _SYNC.replace("def wrapper", "async def wrapper").replace("{call}", "await {call}")
_GENERATOR = """
def wrapper({parameters}):
    if _perfkit_off[0]:
        return (yield from {call})
    _perfkit_begin = _perfkit_clock()
    try:
        _perfkit_result = yield from {call}
    except BaseException as _perfkit_error:
        _perfkit_failed(_perfkit_clock() - _perfkit_begin, _perfkit_error)
        raise
    _perfkit_ok(_perfkit_clock() - _perfkit_begin)
    return _perfkit_result
"""


class Track:
    """A decorator, and a context manager for ``with`` and ``async with``.

    See :func:`track`. A block's time is kept by thread and by asyncio task, so that one object may
    stand in several blocks at once.
    """

    __slots__ = (
        "_begin",
        "_degraded",
        "_idle",
        "_name",
        "_ok",
        "_recorder",
        "_slow_ns",
        "_timed",
    )

    def __init__(
        self,
        name: str,
        *,
        component: str = "",
        labels: Mapping[str, object] | None = None,
        slow: float | None = None,
        recorder: Recorder = RECORDER,
    ) -> None:
        self._name = name
        self._recorder = recorder
        self._begin = 0
        self._idle: deque[bool] = deque((True,), maxlen=1)  # who takes it may use _begin
        collected = recorder.collected
        self._timed = collected.timed(collected.key(component, name, labels))
        self._slow_ns = None if slow is None else int(slow * 1e9)
        self._ok: Callable[[int], None] = self._timed.ok.append
        self._degraded: Callable[[int], None] = self._timed.degraded.append
        if self._slow_ns is not None:  # only a budget costs a comparison
            self._ok = self._noting_slow(self._ok)
            self._degraded = self._noting_slow(self._degraded)

    def _noting_slow(self, append: Callable[[int], None]) -> Callable[[int], None]:
        def note(nanoseconds: int) -> None:
            append(nanoseconds)
            self._slow(nanoseconds)

        return note

    def _slow(self, nanoseconds: int) -> None:
        if self._slow_ns is not None and nanoseconds > self._slow_ns:
            key = self._timed.key
            component = key.component or self._recorder.component
            slow_call(component, key.name, nanoseconds, self._slow_ns)

    def _failed(self, nanoseconds: int, error: BaseException) -> None:
        """Count a call that raised."""
        if isinstance(error, GeneratorExit):  # whoever read it had enough
            self._ok(nanoseconds)
        elif isinstance(error, DegradedError):
            self._degraded(nanoseconds)
        else:
            self._timed.errors.append(nanoseconds)
            self._slow(nanoseconds)

    def ended(self, nanoseconds: int, error: BaseException | None) -> None:
        """Count a call that ended, where recording is on."""
        if not self._recorder.off[0]:
            if error is None:
                self._ok(nanoseconds)
            else:
                self._failed(nanoseconds, error)

    def __call__(self, function: F) -> F:
        """Return the function with its calls tracked.

        Raises:
            TypeError: it is none, such as what classmethod returns.
        """
        if not callable(function):
            raise TypeError(
                f"track {self._name}: decorates a function, not a {type(function).__name__}; put"
                " @track below it"
            )
        if os.environ.get(SWITCH) == "off":
            return function
        if inspect.isasyncgenfunction(function):
            return update_wrapper(_tracked_stream(self, function), function)  # type: ignore[return-value]
        template = _SYNC
        if inspect.iscoroutinefunction(function):
            template = _ASYNC
        elif inspect.isgeneratorfunction(function):
            template = _GENERATOR
        names = {
            "off": self._recorder.off,
            "clock": perf_counter_ns,
            "ok": self._ok,
            "degraded": self._degraded,
            "failed": self._failed,
            "Degraded": Degraded,
            "type": type,  # a proxy has a __class__ that asks what it stands for
        }
        tracked = wrapper(function, template, names)
        update_wrapper(tracked, function)
        return tracked  # type: ignore[no-any-return]

    def __enter__(self) -> Self:
        if _OPEN.get() is None:
            try:
                self._idle.pop()
            except IndexError:
                pass  # it stands in a block of another thread or task
            else:
                self._begin = perf_counter_ns()
                return self
        _OPEN.set((self, perf_counter_ns(), _OPEN.get()))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        now = perf_counter_ns()
        entry = _OPEN.get()
        while entry is not None and entry[0] is not self:
            entry = entry[2]  # a block that was left in another order than it was entered
        if entry is not None:
            begin = entry[1]
            _OPEN.set(entry[2])
        elif self._idle:
            return  # it was entered in another task
        else:
            begin = self._begin
            self._idle.append(True)
        if self._recorder.off[0]:
            return
        if error is None:
            self._ok(now - begin)
        else:
            self._failed(now - begin, error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)


_KEPT: dict[tuple[object, ...], Track] = {}
"""What :func:`track` has made, by its arguments: a block that names its labels asks each time."""

_Entry: TypeAlias = "tuple[Track, int, _Entry | None]"

_OPEN: ContextVar["_Entry | None"] = ContextVar("perfkit_open_blocks", default=None)
"""The blocks that this thread or task is in, the innermost first; without those that took the
place that each object has for one block."""


def _tracked_stream(
    track: Track, function: Callable[..., AsyncGenerator[Any, Any]]
) -> Callable[..., AsyncGenerator[Any, Any]]:
    async def stream(*args: object, **kwargs: object) -> AsyncGenerator[Any, Any]:
        inner = function(*args, **kwargs)
        begin = perf_counter_ns()  # no block: another task may close it
        try:
            try:
                step = inner.asend(None)
                while True:
                    try:
                        item = await step
                    except StopAsyncIteration:
                        break
                    try:
                        step = inner.asend((yield item))
                    except GeneratorExit:
                        raise
                    except BaseException as thrown:  # noqa: BLE001  # as `yield from` would
                        step = inner.athrow(thrown)
            finally:
                await inner.aclose()
        except BaseException as error:
            track.ended(perf_counter_ns() - begin, error)
            raise
        track.ended(perf_counter_ns() - begin, None)

    return stream


def track(
    name: str,
    *,
    component: str = "",
    labels: Mapping[str, object] | None = None,
    slow: float | None = None,
) -> Track:
    """Return a decorator and context manager that records duration and outcome of calls.

    Functions, coroutine functions, generators and async generators; the time of a generator runs
    from its first value to its end and includes what its reader does between two values. A call
    that returns normally is ok; one that raises is an error, except that ``Degraded`` results and
    ``DegradedError`` are degraded. A cancelled call is an error.

    ``component`` is the application's own by default, as given to :func:`start`. ``labels`` tell
    series of one name apart; few of them, they are capped. A call that takes longer than ``slow``
    seconds is logged with its correlation id.
    """
    try:
        if not labels:
            return _KEPT[name, component, slow]
        return _KEPT[name, component, slow, *labels, *labels.values()]
    except Exception:  # noqa: BLE001  # not seen before, or what can be no key of a dictionary
        made = Track(name, component=component, labels=labels, slow=slow)
    parts = parts_of(component, name, labels)
    if parts is not None and RECORDER.collected.knows(parts) and len(_KEPT) < MOST_SERIES:
        _KEPT[name, component, slow, *parts[2:]] = made
    return made
