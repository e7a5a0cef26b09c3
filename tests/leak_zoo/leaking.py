"""Targets that keep memory from call to call."""
# ruff: noqa: PLW0603, PLC0415, RUF012 - the shapes under test

import asyncio
import collections
import contextvars
import functools
import io
import itertools
import logging
import random
import threading
import warnings
import weakref
from collections.abc import Iterator
from typing import Any

from leak_zoo.case import leak

calls = itertools.count()
kept: list[object] = []


class Plain:
    next: "Plain | None" = None


kept_set: set[object] = set()


@leak(holder="kept_set")
def into_a_set() -> None:
    kept_set.add(("key", next(calls)))


local = threading.local()


@leak(holder="local")
def thread_local() -> None:
    if not hasattr(local, "seen"):
        local.seen = []
    local.seen.append(object())


class Resurrected:
    store: list[object] = []

    def __del__(self) -> None:
        Resurrected.store.append(self)


@leak("__del__", holder="Resurrected.store")
def resurrection() -> None:
    Resurrected()


@leak(holder="kept")
def finalize_that_holds_its_object() -> None:
    one = Plain()
    kept.append(weakref.finalize(one, lambda _: None, one))


@leak(holder="_registry")
def finalize_of_itself() -> None:
    """Only the registry of weakref.finalize holds these."""
    one = Plain()
    weakref.finalize(one, id, one)


full_at_1800: dict[int, list[object]] = {}
kept_beside: list[object] = []


@leak(holder="kept_beside")
def beside_a_cache_that_fills() -> None:
    key = next(calls) % 1800
    kept_beside.append((bytes(40), full_at_1800.setdefault(key, [Plain() for _ in range(6)])))


variable: contextvars.ContextVar[bytes] = contextvars.ContextVar("variable")


@leak(holder="kept")
def contexts() -> None:
    context = contextvars.copy_context()
    context.run(variable.set, bytes(64))
    kept.append(context)


@leak("generate", holder="kept")
def generators() -> None:
    def generate() -> Iterator[bytes]:
        yield bytes(100)

    running = generate()
    next(running)
    kept.append(running)


@leak(holder="kept")
def eight_bytes() -> None:
    """A slot of a list; None itself costs nothing."""
    kept.append(None)


@leak(holder="kept")
def sixty_four_bytes() -> None:
    kept.append(bytes(31))


@leak(holder="kept")
def eight_bytes_in_ten_calls() -> None:
    if next(calls) % 10 == 0:
        kept.append(None)


text = ""


@leak()
def longer_text() -> None:
    global text
    text += "x" * 10


buffer = bytearray()


@leak()
def longer_bytearray() -> None:
    buffer.extend(b"0123456789")


kept_deque: collections.deque[float] = collections.deque()


@leak(holder="kept_deque")
def deque_without_a_bound() -> None:
    kept_deque.append(1.5 * next(calls))


@leak(holder="loggerDict")
def loggers() -> None:
    logging.getLogger(f"logger {next(calls)}")


@leak(holder="kept")
def types_made() -> None:
    kept.append(type("Made", (), {}))


head: Plain | None = None


@leak()
def linked_list() -> None:
    global head
    one = Plain()
    one.next = head
    head = one


plain = Plain()


@leak(holder="plain")
def attributes() -> None:
    setattr(plain, f"attribute{next(calls)}", bytes(20))


@leak("<lambda>", holder="kept")
def in_a_thread() -> None:
    thread = threading.Thread(target=lambda: kept.append(bytes(200)))
    thread.start()
    thread.join()


@leak(holder="kept")
def random_sizes() -> None:
    kept.append(bytes(random.randrange(2000)))


@leak("<listcomp>", holder="kept")
def one_of_five() -> None:
    kept.extend([bytes(100) for _ in range(5)])
    del kept[-4:]


kept_lists: collections.defaultdict[int, list[int]] = collections.defaultdict(list)


@leak(holder="kept_lists")
def lists_by_key() -> None:
    kept_lists[next(calls)].append(1)


class Cached:
    def __init__(self) -> None:
        self.found: dict[int, str] = {}

    def get(self, number: int) -> None:
        self.found[number] = str(number) * 3


cached = Cached()


@leak("get", holder="cached.found")
def cache_of_an_instance() -> None:
    cached.get(next(calls))


@leak(holder="kept")
def text_buffers() -> None:
    kept.append(io.StringIO("x" * 500))


@leak(holder="kept")
def arrays() -> None:
    import numpy as np

    kept.append(np.zeros(100))


@leak(holder="kept")
def views_of_large_arrays() -> None:
    import numpy as np

    kept.append(np.zeros(4000)[::1000])


@leak(holder="kept")
def sixty_four_bytes_beside_arrays() -> None:
    import numpy as np

    size = random.randrange(1, 200_000)
    np.ones(size).sum()
    kept.append(bytes(31))


@leak(holder="kept")
async def futures() -> None:
    kept.append(asyncio.get_running_loop().create_future())


@leak("work", holder="kept")
async def coroutines_never_awaited() -> None:
    async def work() -> bytes:
        return bytes(1)

    kept.append(work())


background: set[asyncio.Task[None]] = set()


@functools.cache
def loop_of_the_application() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


@leak("work", holder="background")
def tasks_never_awaited() -> None:
    """Kept so that they are not collected while they run, and never given up."""

    async def work() -> None:
        await asyncio.sleep(0)

    loop = loop_of_the_application()
    background.add(loop.create_task(work()))
    loop.run_until_complete(asyncio.sleep(0))


tracebacks: list[Any] = []


@leak("fail", holder="tracebacks")
def tracebacks_with_their_frames() -> None:
    def fail() -> None:
        payload = bytes(300)
        raise KeyError(payload[:1])

    try:
        fail()
    except KeyError as error:
        tracebacks.append(error.__traceback__)


@leak(holder="kept")
def under_megabyte_swings() -> None:
    swing = [bytes(1000) for _ in range(random.randrange(1000))]
    swing.clear()
    kept.append(object())


@functools.cache
def warn_once() -> None:
    warnings.simplefilter("once")
    warnings.showwarning = lambda *_, **__: None


@leak(holder="__warningregistry__")
def warnings_told_once() -> None:
    """Every text is remembered, so that it is told only once."""
    warn_once()
    warnings.warn(f"order {next(calls)} is late", stacklevel=1)


@leak("closure", holder="counts")
def closure_cell() -> None:
    count_calls()


def counting() -> Any:  # noqa: ANN401
    counts: list[int] = []

    def closure() -> None:
        counts.append(len(counts) + 1000)

    return closure


count_calls = counting()


class Slotted:
    __slots__ = ("after", "weight")

    def __init__(self, after: "Slotted | None") -> None:
        self.after = after
        self.weight = 0.5


@leak("__init__", holder="bases")
def slots_in_a_dict_of_lists() -> None:
    bases.setdefault("slotted", []).append(Slotted(None))


bases: dict[str, list[Slotted]] = {}
