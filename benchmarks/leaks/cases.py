"""Targets for evaluate.py beside this: ``leak_*`` keep memory at every call, ``clean_*`` do not.

The names of the functions are the ground truth; ``HOLDERS`` says where the leaks are kept.
"""
# ruff: noqa: D101, D102, D103, PLW0603, PLC0415, B018, RUF012 - the shapes under test

import asyncio
import collections
import concurrent.futures
import contextvars
import copy
import dataclasses
import datetime as dt
import decimal
import enum
import functools
import gc
import io
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
from typing import Any

counter = itertools.count()
kept: list[object] = []
kept_set: set[object] = set()
kept_deque: collections.deque[float] = collections.deque()
kept_lists: collections.defaultdict[int, list[int]] = collections.defaultdict(list)
local = threading.local()
variable: contextvars.ContextVar[bytes] = contextvars.ContextVar("variable")
text = ""
buffer = bytearray()


class Plain:
    next: "Plain | None" = None


class Resurrected:
    store: list[object] = []

    def __del__(self) -> None:
        Resurrected.store.append(self)


class Cached:
    def __init__(self) -> None:
        self.found: dict[int, str] = {}

    def get(self, number: int) -> None:
        self.found[number] = str(number) * 3


head: Plain | None = None
plain = Plain()
cached = Cached()

HOLDERS = {
    "leak_set": "kept_set",
    "leak_thread_local": "local",
    "leak_resurrection": "Resurrected.store",
    "leak_finalize": "kept",
    "leak_contexts": "kept",
    "leak_generators": "kept",
    "leak_eight_bytes": "kept",
    "leak_deque": "kept_deque",
    "leak_loggers": "loggerDict",
    "leak_types": "kept",
    "leak_attributes": "plain",
    "leak_after_freed_lists": "kept",
    "leak_in_a_thread": "kept",
    "leak_random_sizes": "kept",
    "leak_one_of_five": "kept",
    "leak_defaultdict": "kept_lists",
    "leak_instance_cache": "cached.found",
    "leak_text_buffers": "kept",
    "leak_arrays": "kept",
    "leak_futures": "kept",
}
"""What the name of a holder must contain; leaks that no container holds are left out."""


def leak_set() -> None:
    kept_set.add(("key", next(counter)))


def leak_thread_local() -> None:
    if not hasattr(local, "seen"):
        local.seen = []
    local.seen.append(object())


def leak_resurrection() -> None:
    Resurrected()


def leak_finalize() -> None:
    one = Plain()
    kept.append(weakref.finalize(one, lambda _: None, one))


def leak_contexts() -> None:
    context = contextvars.copy_context()
    context.run(variable.set, bytes(64))
    kept.append(context)


def leak_generators() -> None:
    def generate() -> Any:  # noqa: ANN401
        yield bytes(100)

    running = generate()
    next(running)
    kept.append(running)


def leak_eight_bytes() -> None:
    kept.append(None)


def leak_text() -> None:
    global text
    text += "x" * 10


def leak_bytearray() -> None:
    buffer.extend(b"0123456789")


def leak_deque() -> None:
    kept_deque.append(1.5 * next(counter))


def leak_loggers() -> None:
    logging.getLogger(f"logger {next(counter)}")


def leak_types() -> None:
    kept.append(type("Made", (), {}))


def leak_linked_list() -> None:
    global head
    one = Plain()
    one.next = head
    head = one


def leak_attributes() -> None:
    setattr(plain, f"attribute{next(counter)}", bytes(20))


def leak_after_freed_lists() -> None:
    rows = [[number] for number in range(50)]
    del rows
    kept.append([1, 2])


def leak_in_a_thread() -> None:
    thread = threading.Thread(target=lambda: kept.append(bytes(200)))
    thread.start()
    thread.join()


def leak_random_sizes() -> None:
    kept.append(bytes(random.randrange(2000)))


def leak_one_of_five() -> None:
    kept.extend([bytes(100) for _ in range(5)])
    del kept[-4:]


def leak_defaultdict() -> None:
    kept_lists[next(counter)].append(1)


def leak_instance_cache() -> None:
    cached.get(next(counter))


def leak_text_buffers() -> None:
    kept.append(io.StringIO("x" * 500))


def leak_arrays() -> None:
    import numpy as np

    kept.append(np.zeros(100))


async def leak_futures() -> None:
    kept.append(asyncio.get_running_loop().create_future())


weak: weakref.WeakValueDictionary[int, Plain] = weakref.WeakValueDictionary()
swing: list[bytes] = []
slots: dict[int, object] = {}
ordered: collections.OrderedDict[int, bytes] = collections.OrderedDict()
batch: list[bytes] = []
chunks: list[bytearray] = []
last: object = None


def clean_json() -> None:
    json.loads(json.dumps({"a": list(range(100)), "b": "x" * 200}))


def clean_thread_pool() -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(str, range(20)))


async def clean_tasks() -> None:
    await asyncio.gather(*(asyncio.sleep(0) for _ in range(5)))


def clean_strptime() -> None:
    dt.datetime.strptime(f"2020-01-{next(counter) % 28 + 1:02}", "%Y-%m-%d")  # noqa: DTZ007


def clean_decimal() -> None:
    decimal.Decimal(next(counter)).sqrt()


def clean_temporary_files() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "file").write_text("x", "utf-8")


def clean_weak_values() -> None:
    weak[next(counter)] = Plain()


def clean_swings() -> None:
    global swing
    swing = [bytes(100) for _ in range(random.randrange(1000))]


def clean_replaced_entries() -> None:
    slots[next(counter) % 50] = bytes(random.randrange(500))


def clean_random_slots() -> None:
    if random.random() < 0.5:
        slots[random.randrange(200)] = object()


def clean_exceptions() -> None:
    try:
        1 / 0
    except ZeroDivisionError as error:
        str(error)


def clean_deepcopy() -> None:
    copy.deepcopy({"a": [1, 2, {"b": 3}] * 10})


def clean_counter() -> None:
    global last
    last = next(counter)


def clean_previous_result() -> None:
    global last
    last = bytes(random.randrange(10_000))


def clean_fragments() -> None:
    global chunks
    chunks = [bytearray(random.randrange(1, 5000)) for _ in range(50)][::2]


def clean_struct_formats() -> None:
    struct.pack(f"{next(counter) % 300}s", b"x")


def clean_patterns() -> None:
    string.Template(f"$a {next(counter)}").substitute(a=1)
    re.sub(f"a{next(counter)}", "b", "abc")


def clean_types() -> None:
    type("Made", (), {"f": lambda _: 1})()


def clean_dataclasses() -> None:
    dataclasses.make_dataclass("Point", ["x", "y"])(1, 2)


def clean_enums() -> None:
    enum.Enum("Colour", ["RED", "BLUE"])


def clean_arrays() -> None:
    import numpy as np

    square = np.random.default_rng(0).random((200, 200))
    (square @ square).sum()


@functools.lru_cache(maxsize=3000)
def remembered(number: int) -> str:
    return f"v{number}"


def clean_cache_of_3000() -> None:
    remembered(next(counter))


def clean_ordered_cache() -> None:
    ordered[next(counter)] = bytes(50)
    if len(ordered) > 500:
        ordered.popitem(last=False)


def clean_batches() -> None:
    batch.append(bytes(100))
    if len(batch) >= 97:
        batch.clear()


def clean_rare_process() -> None:
    if next(counter) % 200 == 0:
        subprocess.run(["true"], check=True)


def clean_cycles() -> None:
    ring: list[object] = []
    ring.append(ring)
    gc.collect(0)


def clean_logging() -> None:
    logging.getLogger("a.b").debug("x %s", next(counter))
