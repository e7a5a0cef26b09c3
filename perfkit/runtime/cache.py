"""``cached``: an answer is computed once for all who ask at the same time, and kept for a while."""

import inspect
import threading
import time
from collections.abc import Callable, Hashable
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from perfkit.runtime.copies import Frozen, How, freeze
from perfkit.runtime.degraded import Degraded
from perfkit.runtime.entries import Entries, Entry
from perfkit.runtime.recorder import RECORDER, Recorder

if TYPE_CHECKING:
    from perfkit.runtime.windows import Key

F = TypeVar("F", bound=Callable[..., Any])

COUNTED = ("hit", "miss", "shared", "stale", "eviction", "uncopyable")


class _Done(Protocol):
    """An event of threading or of asyncio."""

    def set(self) -> None: ...


class _Flight:
    """A call that is under way, and what came of it: an answer, an error, or nothing to share."""

    __slots__ = ("done", "error", "frozen", "owner")

    def __init__(self, done: Any, owner: object) -> None:  # noqa: ANN401  # one of two events
        self.done = done
        self.owner = owner
        self.frozen: Frozen | None = None
        self.error: Exception | None = None


class Cache:
    """One cache, and the decorator that puts it before a function; see :func:`cached`."""

    def __init__(
        self,
        name: str,
        *,
        ttl: float,
        stale_if_error: float = 0.0,
        max_items: int = 1024,
        key: Callable[..., Hashable] | None = None,
        principal: Callable[[], Hashable] | None = None,
        copies: How = "pickle",
        component: str = "",
        clock: Callable[[], float] = time.monotonic,
        recorder: Recorder = RECORDER,
    ) -> None:
        from cachetools.keys import typedkey

        self._name = name
        self._key = key or typedkey
        self._principal = principal
        self._copies = copies
        self._recorder = recorder
        self._counts: dict[str, Key] = {
            what: recorder.collected.key(component, f"cache.{what}", {"cache": name})
            for what in COUNTED
        }
        self._flights: dict[Hashable, _Flight] = {}
        self._lock = threading.Lock()
        self._entries = Entries(
            ttl,
            stale_if_error=stale_if_error,
            max_items=max_items,
            clock=clock,
            evicted=lambda: self._count("eviction"),
        )

    def __len__(self) -> int:
        return len(self._entries)

    def clear(self) -> None:
        """Forget all answers."""
        self._entries.clear()

    def __call__(self, function: F) -> F:
        """Return the function with its answers cached; ``cache`` of it is this object."""
        make = self._async if inspect.iscoroutinefunction(function) else self._sync
        wrapped = make(function)
        wrapped.cache = self  # type: ignore[attr-defined]
        return update_wrapper(wrapped, function)  # type: ignore[return-value]

    def _key_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:
        try:
            key = self._key(*args, **kwargs)
            hash(key)
        except TypeError as error:
            raise TypeError(
                f"cache {self._name}: the arguments make no key ({error}); give a key= function"
                " that returns a hashable value"
            ) from error
        return key if self._principal is None else (self._principal(), key)

    def _sync(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def cached_call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # the function's
            key = self._key_of(args, kwargs)
            while True:
                entry, fresh = self._entries.find(key)
                if entry is not None and fresh:
                    return self._given("hit", entry.frozen)
                flight, leads = self._board(key, threading.Event, threading.get_ident())
                if leads:
                    try:
                        entry, fresh = self._entries.find(key)
                        if fresh:
                            continue  # another flight has landed since
                        return self._landed(flight, key, function(*args, **kwargs))
                    except Exception as error:  # noqa: BLE001  # raised again without an old answer
                        return self._crashed(flight, error, entry)
                    finally:
                        self._leave(key, flight)
                if flight.owner == threading.get_ident():
                    return function(*args, **kwargs)  # called from within itself
                flight.done.wait()
                if flight.frozen is not None:
                    return self._given("shared", flight.frozen)
                if flight.error is not None:
                    return self._crashed(flight, flight.error, entry)

        return cached_call

    def _async(self, function: Callable[..., Any]) -> Callable[..., Any]:
        import asyncio

        async def cached_call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # the function's
            key = self._key_of(args, kwargs)
            while True:
                entry, fresh = self._entries.find(key)
                if entry is not None and fresh:
                    return self._given("hit", entry.frozen)
                # An asyncio event belongs to its loop, and so does the flight.
                task = asyncio.current_task()
                on_loop = (asyncio.get_running_loop(), key)
                flight, leads = self._board(on_loop, asyncio.Event, task)
                if leads:
                    try:
                        return self._landed(flight, key, await function(*args, **kwargs))
                    except Exception as error:  # noqa: BLE001  # raised again without an old answer
                        return self._crashed(flight, error, entry)
                    finally:
                        self._leave(on_loop, flight)
                if flight.owner is task:
                    return await function(*args, **kwargs)  # called from within itself
                await flight.done.wait()
                if flight.frozen is not None:
                    return self._given("shared", flight.frozen)
                if flight.error is not None:
                    return self._crashed(flight, flight.error, entry)

        return cached_call

    def _board(
        self, key: Hashable, event: Callable[[], _Done], owner: object
    ) -> tuple[_Flight, bool]:
        """Return the flight of a key, and whether the caller leads it."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            flight = self._flights[key] = _Flight(event(), owner)
            return flight, True

    def _leave(self, key: Hashable, flight: _Flight) -> None:
        """End a flight; where it brought nothing, one of those who wait leads the next."""
        with self._lock:
            del self._flights[key]
        flight.done.set()

    def _landed(self, flight: _Flight, key: Hashable, value: object) -> object:
        self._count("miss")
        if type(value) is Degraded:  # a proxy is not asked what it stands for
            return value  # a stand-in is given to whoever got it, and not kept
        frozen = freeze(value, self._copies)
        if frozen is None:
            self._count("uncopyable")
        else:
            flight.frozen = frozen
            self._entries.store(key, frozen)
        return value

    def _crashed(self, flight: _Flight, error: Exception, entry: Entry | None) -> object:
        """Return the stale answer, if there is one; raises the error otherwise."""
        flight.error = error
        if entry is None:
            raise error
        return self._given("stale", entry.frozen)

    def _given(self, how: str, frozen: Frozen) -> object:
        self._count(how)
        return frozen.thaw(frozen.kept)

    def _count(self, what: str) -> None:
        if not self._recorder.off[0]:
            self._recorder.collected.happened(self._counts[what])


def cached(
    name: str,
    *,
    ttl: float,
    stale_if_error: float = 0.0,
    max_items: int = 1024,
    key: Callable[..., Hashable] | None = None,
    principal: Callable[[], Hashable] | None = None,
    copies: How = "pickle",
    component: str = "",
    clock: Callable[[], float] = time.monotonic,
) -> Cache:
    """Return a decorator that keeps the answers of a function or coroutine function.

    - An answer is given for ``ttl`` seconds. Where the function then raises, the old one is given
      for ``stale_if_error`` seconds more. Errors and ``Degraded`` answers are never kept.
    - Of those who ask the same at the same time one calls the function; the others get its answer
      or its error. Coroutines share by event loop.
    - Answers differ by the arguments and their types, or by what ``key`` returns for them; and by
      what ``principal()`` returns. Give it where the answer depends on who asks.
    - Everybody gets a copy of their own, made by ``pickle`` (then ``deepcopy``), by ``deepcopy``,
      or with ``none`` the same object. What cannot be copied is not kept.
    - Of more than ``max_items`` answers the least recently used goes.

    Counted as events ``cache.hit``, ``miss``, ``shared``, ``stale``, ``eviction`` and
    ``uncopyable`` with the label ``cache``.

    Raises:
        ValueError: a setting that makes no sense.
    """
    return Cache(
        name,
        ttl=ttl,
        stale_if_error=stale_if_error,
        max_items=max_items,
        key=key,
        principal=principal,
        copies=copies,
        component=component,
        clock=clock,
    )
