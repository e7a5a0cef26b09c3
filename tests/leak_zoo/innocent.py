"""Targets that keep nothing for ever, though some look as if."""
# ruff: noqa: PLW0603, PLC0415, B018, DTZ007 - the shapes under test

import asyncio
import collections
import concurrent.futures
import copy
import dataclasses
import datetime as dt
import decimal
import enum
import functools
import gc
import itertools
import json
import logging
import random
import re
import string
import struct
import subprocess
import tempfile
import threading
import weakref
from pathlib import Path

from leak_zoo.case import innocent

calls = itertools.count()


class Plain:
    pass


@innocent
def json_round_trip() -> None:
    json.loads(json.dumps({"a": list(range(100)), "b": "x" * 200}))


@innocent
def thread_pool() -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(str, range(20)))


@innocent
async def tasks() -> None:
    await asyncio.gather(*(asyncio.sleep(0) for _ in range(5)))


@innocent
def dates_parsed() -> None:
    dt.datetime.strptime(f"2020-01-{next(calls) % 28 + 1:02}", "%Y-%m-%d")


@innocent
def decimals() -> None:
    decimal.Decimal(next(calls)).sqrt()


@innocent
def temporary_files() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "file").write_text("x", "utf-8")


weak: weakref.WeakValueDictionary[int, Plain] = weakref.WeakValueDictionary()


@innocent
def weak_values() -> None:
    weak[next(calls)] = Plain()


swing: list[bytes] = []


@innocent
def swings() -> None:
    global swing
    swing = [bytes(100) for _ in range(random.randrange(1000))]


@innocent
def megabyte_swings() -> None:
    global swing
    swing = [bytes(1000) for _ in range(random.randrange(1000))]


slots: dict[int, object] = {}


@innocent
def replaced_entries() -> None:
    slots[next(calls) % 50] = bytes(random.randrange(500))


@innocent
def random_slots() -> None:
    if random.random() < 0.5:
        slots[random.randrange(200)] = object()


@innocent
def exceptions() -> None:
    try:
        1 / 0
    except ZeroDivisionError as error:
        str(error)


@innocent
def deep_copies() -> None:
    copy.deepcopy({"a": [1, 2, {"b": 3}] * 10})


last: object = None


@innocent
def a_counter() -> None:
    global last
    last = next(calls)


@innocent
def previous_result() -> None:
    global last
    last = bytes(random.randrange(10_000))


chunks: list[bytearray] = []


@innocent
def every_second_chunk() -> None:
    global chunks
    chunks = [bytearray(random.randrange(1, 5000)) for _ in range(50)][::2]


pins: collections.deque[bytearray] = collections.deque(maxlen=400)


@innocent
def fragmentation() -> None:
    """Small blocks that live for 400 calls between large ones that are freed at once."""
    large = [bytearray(random.randrange(600, 40_000)) for _ in range(20)]
    pins.append(bytearray(600))
    large.clear()


@innocent
def struct_formats() -> None:
    struct.pack(f"{next(calls) % 300}s", b"x")


@innocent
def pattern_caches() -> None:
    string.Template(f"$a {next(calls)}").substitute(a=1)
    re.sub(f"a{next(calls)}", "b", "abc")


@innocent
def types_dropped() -> None:
    type("Made", (), {"f": lambda _: 1})()


@innocent
def dataclasses_made() -> None:
    dataclasses.make_dataclass("Point", ["x", "y"])(1, 2)


@innocent
def enums_made() -> None:
    enum.Enum("Colour", ["RED", "BLUE"])


@innocent
def numpy_heavy() -> None:
    import numpy as np

    square = np.random.default_rng(0).random((200, 200))
    (square @ square).sum()


@innocent
def numpy_buffers() -> None:
    import numpy as np

    parts = [np.empty(random.randrange(1, 50_000)) for _ in range(10)]
    np.concatenate(parts).fill(1)


@functools.lru_cache(maxsize=3000)
def remembered(number: int) -> str:
    return f"v{number}"


@innocent
def lru_cache_of_3000() -> None:
    remembered(next(calls))


table: dict[int, str] = {}


@innocent
def dict_of_3000() -> None:
    key = next(calls) % 3000
    if key not in table:
        table[key] = f"row {key}"


draws = random.Random(7)
asked: dict[int, str] = {}


@innocent
def memo_of_2600_random_keys() -> None:
    key = draws.randrange(2600)
    if key not in asked:
        asked[key] = f"answer {key}"


ring: list[bytes | None] = []


@innocent
def list_capped_at_1000() -> None:
    ring.append(bytes(20))
    if len(ring) > 1000:
        del ring[0]


ordered: collections.OrderedDict[int, bytes] = collections.OrderedDict()


@innocent
def ordered_cache() -> None:
    ordered[next(calls)] = bytes(50)
    if len(ordered) > 500:
        ordered.popitem(last=False)


batch: list[bytes] = []


@innocent
def batches() -> None:
    batch.append(bytes(100))
    if len(batch) >= 97:
        batch.clear()


stack: list[int] = []


@innocent
def over_allocated_list() -> None:
    """The list is resized on the way up and on the way down, and keeps a few spare slots."""
    stack.extend(range(random.randrange(500)))
    del stack[random.randrange(20) :]


@innocent
def rare_process() -> None:
    if next(calls) % 200 == 0:
        subprocess.run(["true"], check=True)


@innocent
def cycles_in_the_old_generation() -> None:
    cycle: list[object] = []
    cycle.append(cycle)
    gc.collect(0)


@innocent
def logging_without_handlers() -> None:
    logging.getLogger("a.b").debug("x %s", next(calls))


@innocent
def threads_that_end() -> None:
    local = threading.local()

    def work() -> None:
        local.rows = [bytes(50) for _ in range(5)]

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
