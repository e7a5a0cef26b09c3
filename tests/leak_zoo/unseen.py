"""The second set: written once, before its author read how leaks are decided.

Nothing is tuned on it: a case that comes out wrong stays as it is and counts as wrong.
"""
# ruff: noqa: PLW0603, PLC0415, RUF012 - the shapes under test

import asyncio
import atexit
import codecs
import collections
import concurrent.futures
import contextlib
import ctypes
import dataclasses
import decimal
import functools
import gc
import heapq
import io
import itertools
import json
import logging
import logging.handlers
import mimetypes
import queue
import random
import re
import signal
import sqlite3
import sys
import tempfile
import types
import weakref
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from leak_zoo.case import innocent, leak

calls = itertools.count()

# Leaks

previous_handlers: list[object] = []


@leak(holder="previous_handlers")
def signal_handlers() -> None:
    order = next(calls)
    previous_handlers.append(signal.signal(signal.SIGUSR1, lambda *_: order))


class Bus:
    def __init__(self) -> None:
        self.subscribers: dict[str, list[Callable[[], None]]] = {}

    def subscribe(self, topic: str, subscriber: Callable[[], None]) -> None:
        self.subscribers.setdefault(topic, []).append(subscriber)


class Widget:
    def __init__(self, bus: Bus) -> None:
        self.title = bytes(120)
        bus.subscribe("redraw", self.draw)

    def draw(self) -> None:
        len(self.title)


bus = Bus()


@leak("subscribe", "__init__", holder="subscribers")
def event_bus() -> None:
    Widget(bus).draw()


@dataclasses.dataclass
class Row:
    number: int
    name: str


class Session:
    def __init__(self) -> None:
        self.identity: dict[tuple[type, int], Row] = {}

    def get(self, number: int) -> Row:
        key = (Row, number)
        if key not in self.identity:
            self.identity[key] = Row(number, f"customer {number}")
        return self.identity[key]


session = Session()


@leak("get", holder="identity")
def identity_map() -> None:
    session.get(next(calls))
    session.get(0)


patterns: dict[str, re.Pattern[str]] = {}


def pattern(text: str) -> re.Pattern[str]:
    if text not in patterns:
        patterns[text] = re.compile(text)
    return patterns[text]


@leak("pattern", holder="patterns")
def compiled_patterns() -> None:
    pattern(rf"^order {next(calls)}\b").match("order 7")


uploads: list[Any] = []


@leak(holder="uploads")
def spooled_files() -> None:
    file = tempfile.SpooledTemporaryFile(max_size=4096)  # noqa: SIM115
    file.write(b"u" * 300)
    uploads.append(file)


opened: list[sqlite3.Connection] = []


@leak("connect", holder="opened")
def connections() -> None:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:")
        connection.execute("create table basket (item text)")
        opened.append(connection)
        return connection

    if not opened or next(calls) % 8 == 0:
        connect()
    opened[-1].execute("select count(*) from basket").fetchone()


shutdown: asyncio.Future[None] | None = None


@leak()
async def done_callbacks() -> None:
    global shutdown
    if shutdown is None:
        shutdown = asyncio.get_running_loop().create_future()
    payload = bytes(90)
    shutdown.add_done_callback(lambda _: len(payload))


class Service:
    pass


service = Service()
observers: list[weakref.ref[Service]] = []


@leak(holder="observers")
def weak_callbacks() -> None:
    order = next(calls)
    observers.append(weakref.ref(service, lambda _: order))


@leak(holder="handlers")
def logging_handlers() -> None:
    log = logging.getLogger("unseen.leaking")
    log.addHandler(logging.NullHandler())
    log.propagate = False


@leak(holder="modules")
def modules() -> None:
    module = types.ModuleType(f"plugin_{next(calls)}")
    module.setting = bytes(40)  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module


class Plugin:
    registry: list[type] = []

    def __init_subclass__(cls) -> None:
        Plugin.registry.append(cls)


@leak("__init_subclass__", holder="registry")
def subclass_registry() -> None:
    @dataclasses.dataclass
    class Made(Plugin):
        size: int = 0

    Made(1)


buffers: list[Any] = []


@leak(holder="buffers")
def ctypes_buffers() -> None:
    buffers.append(ctypes.create_string_buffer(256))


jobs: queue.Queue[tuple[str, int]] = queue.Queue()


@leak(holder="jobs")
def unread_queue() -> None:
    jobs.put(("resize", next(calls) + 1000))


series: dict[tuple[str, str], int] = {}


@leak(holder="series")
def labels_of_metrics() -> None:
    number = next(calls)
    for label in ("requests", "errors"):
        key = (label, f"user {number // 3}")
        series[key] = series.get(key, 0) + 1


cleanup = contextlib.ExitStack()


@leak(holder="cleanup")
def exit_stack() -> None:
    cleanup.enter_context(contextlib.closing(io.BytesIO(b"c" * 64)))


@leak()
def at_exit() -> None:
    atexit.register(functools.partial(len, bytes(48)))


class Report:
    def __init__(self) -> None:
        self.rows = [1, 2, 3, next(calls)]

    @functools.lru_cache(maxsize=None)  # noqa: B019, UP033
    def total(self) -> int:
        return sum(self.rows)


@leak("total", "__init__", holder="total")
def cached_method() -> None:
    Report().total()


audit = io.StringIO()


@leak()
def growing_log() -> None:
    audit.write(f"{next(calls):08} order accepted and passed on\n")


tiles: list[Any] = []


@leak(holder="tiles")
def views_of_arrays() -> None:
    import numpy as np

    picture = np.zeros(1000)
    tiles.append(picture[:10])


snapshots: list[bytes] = []


@leak(holder="snapshots")
def every_25th_call() -> None:
    state = {number: str(number) for number in range(20)}
    if next(calls) % 25 == 0:
        snapshots.append(json.dumps(state).encode() * 8)


inbox: asyncio.Queue[bytes] = asyncio.Queue()


@leak(holder="inbox")
async def unread_inbox() -> None:
    await asyncio.sleep(0)
    inbox.put_nowait(b"m" * 70)


notes: weakref.WeakKeyDictionary[Service, dict[str, Service]] = weakref.WeakKeyDictionary()


@leak(holder="notes")
def weak_keys_held_by_their_values() -> None:
    owner = Service()
    notes[owner] = {"owner": owner}


@leak(holder="types_map")
def mime_types() -> None:
    number = next(calls)
    mimetypes.add_type(f"application/x-{number}", f".x{number}")


@leak()
def codec_searches() -> None:
    order = next(calls)
    codecs.register(lambda name: None if name else order)  # type: ignore[arg-type, return-value]


# Innocent


@functools.lru_cache(maxsize=512)
def price(item: int) -> str:
    return f"{item * 3} EUR"


@innocent
def cache_of_512() -> None:
    price(next(calls))


kernels: dict[int, Any] = {}


@innocent
def warmed_up_table() -> None:
    shape = next(calls) % 700
    if shape not in kernels:
        kernels[shape] = compile(f"x * {shape} + y", f"<kernel {shape}>", "eval")
    eval(kernels[shape], {"x": 2, "y": 3})  # noqa: S307


samples: list[Any] = []


@innocent
def arrays_until_flushed() -> None:
    import numpy as np

    samples.append(np.full(500, next(calls), dtype=float))
    if len(samples) == 40:
        np.concatenate(samples).mean()
        samples.clear()


@innocent
def interned_and_gone() -> None:
    names = [sys.intern(f"column {next(calls)}") for _ in range(10)]
    len(names)


pool = concurrent.futures.ThreadPoolExecutor(4)


@innocent
def lasting_thread_pool() -> None:
    waiting = [pool.submit(sum, range(number)) for number in range(6)]
    sum(one.result() for one in waiting)


@innocent
def decimal_contexts() -> None:
    with decimal.localcontext() as context:
        context.prec = 10 + next(calls) % 40
        (decimal.Decimal(1) / decimal.Decimal(7)).ln()


class Encoder(json.JSONEncoder):
    def default(self, o: object) -> object:
        return sorted(o) if isinstance(o, set) else super().default(o)


@innocent
def json_encoders() -> None:
    document = {"tags": {"a", "b", str(next(calls))}, "rows": [{"n": n} for n in range(30)]}
    json.loads(Encoder(indent=1).encode(document))


class Branch:
    def __init__(self, parent: "Branch | None", depth: int) -> None:
        self.parent = parent
        self.weight = bytes(64)
        self.children = [Branch(self, depth - 1) for _ in range(2)] if depth else []


@innocent
def trees_with_parents() -> None:
    Branch(None, 4)


settings: list[int] = []


@innocent
def copied_on_write() -> None:
    global settings
    settings = [*settings[-99:], next(calls)]


@innocent
def generator_pipeline() -> None:
    def read() -> Iterator[str]:
        for number in range(60):
            yield f"{number},{number * number}"

    split = (line.split(",") for line in read())
    squares = (int(second) for _, second in split)
    sum(itertools.islice(squares, 40))


requests: collections.deque[tuple[int, bytes]] = collections.deque(maxlen=2500)


@innocent
def last_2500_requests() -> None:
    requests.append((next(calls), bytes(30)))


@innocent
def chained_exceptions() -> None:
    try:
        try:
            int("seven")
        except ValueError as error:
            message = "no number"
            raise KeyError(message) from error
    except KeyError as error:
        repr(error.__cause__)


database: sqlite3.Connection | None = None


@innocent
def rows_replaced() -> None:
    global database
    if database is None:
        database = sqlite3.connect(":memory:", isolation_level=None)
        database.execute("create table stock (item integer primary key, note text)")
    number = next(calls)
    database.execute("insert or replace into stock values (?, ?)", (number % 60, "n" * 50))
    database.execute("select sum(length(note)) from stock").fetchone()


@innocent
def modules_dropped() -> None:
    module = types.ModuleType("passing")
    code = "import math\ndef area(r):\n    return math.pi * r * r\n"
    exec(compile(code, "passing.py", "exec"), module.__dict__)  # noqa: S102
    module.area(2)


@innocent
async def producer_and_consumer() -> None:
    line: asyncio.Queue[int | None] = asyncio.Queue(maxsize=3)

    async def produce() -> None:
        for number in range(8):
            await line.put(number)
        await line.put(None)

    async def consume() -> int:
        total = 0
        while (number := await line.get()) is not None:
            total += number
        return total

    await asyncio.gather(produce(), consume())


@innocent
def callbacks_run_at_the_end() -> None:
    done: list[int] = []
    with contextlib.ExitStack() as stack:
        for number in range(10):
            stack.callback(done.append, number)


@innocent
def compressed_and_gone() -> None:
    text = random.randbytes(random.randrange(100, 20_000))
    packer = zlib.compressobj()
    zlib.decompress(packer.compress(text) + packer.flush())


mean = 0.0
spread = 0.0


@innocent
def running_statistics() -> None:
    global mean, spread
    number = next(calls) + 1
    value = random.random()
    before = mean
    mean += (value - mean) / number
    spread += (value - before) * (value - mean)


sessions: dict[int, tuple[int, bytes]] = {}


@innocent
def sessions_that_expire() -> None:
    now = next(calls)
    sessions[now] = (now + 300, bytes(80))
    for key in [key for key, (until, _) in sessions.items() if until <= now]:
        del sessions[key]


recent: collections.deque[Service] = collections.deque(maxlen=50)
alive: weakref.WeakValueDictionary[int, Service] = weakref.WeakValueDictionary()


@innocent
def weak_cache_with_a_strong_tail() -> None:
    one = Service()
    alive[next(calls)] = one
    recent.append(one)


best: list[tuple[float, bytes]] = []


@innocent
def hundred_largest() -> None:
    entry = (random.random(), random.randbytes(16))
    if len(best) < 100:
        heapq.heappush(best, entry)
    else:
        heapq.heappushpop(best, entry)


@innocent
def folder_listing() -> None:
    here = Path(__file__).parent
    sum(path.stat().st_size for path in here.glob("*.py"))


log = logging.getLogger("unseen.innocent")
log.propagate = False
log.setLevel(logging.INFO)
log.addHandler(
    logging.handlers.MemoryHandler(256, flushLevel=logging.CRITICAL, target=logging.NullHandler())
)


@innocent
def buffered_log() -> None:
    log.info("order %d accepted", next(calls))


idle: list[bytearray] = []
walk = random.Random(7)


@innocent
def fluctuating_pool() -> None:
    if idle and walk.random() < 0.5:
        idle.pop()
    elif len(idle) < 120:
        idle.append(bytearray(400))


@innocent
def parsed_documents() -> None:
    gc.disable()
    try:
        root = ET.fromstring("<a>" + "<b c='d'>text</b>" * 40 + "</a>")  # noqa: S314 - its own text
        [child.text for child in root.iter("b")]
    finally:
        gc.enable()
