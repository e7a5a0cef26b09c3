"""Targets whose memory is hard to see, or that are hard to measure."""
# ruff: noqa: PLC0415 - these are what late imports are made of

import collections
import ctypes
import itertools
import tempfile
import threading
from pathlib import Path

libc = ctypes.CDLL(None)
PAGE = 4096
ALLOCATE = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_size_t)
MAP = ctypes.CFUNCTYPE(
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
)
# Called by their addresses, which no symbol table leads to.
allocate = ALLOCATE(ctypes.cast(libc.malloc, ctypes.c_void_p).value or 0)
map_pages = MAP(ctypes.cast(libc.mmap, ctypes.c_void_p).value or 0)

calls = itertools.count()
ring = collections.deque((bytes(100 + number % 7) for number in range(2000)), maxlen=2000)
never = threading.Event()
started: list[threading.Thread] = []


def taken_past_memray() -> None:
    allocate(48)


def mapped_past_malloc() -> None:
    private_and_anonymous = 0x22
    place = map_pages(None, PAGE, 3, private_and_anonymous, -1, 0)
    ctypes.memset(place, 1, PAGE)


def full_from_the_start() -> None:
    ring.append(bytes(100))


def leaves_a_thread() -> None:
    if not started:
        started.append(threading.Thread(target=never.wait))
        started[0].start()


def under_memray_itself() -> None:
    import memray

    with tempfile.TemporaryDirectory() as folder, memray.Tracker(Path(folder, "capture.bin")):
        pass


def out_of_memory() -> None:
    bytearray(2**62)


def needs_two_gigabytes() -> None:
    bytes(2**31)


def small_arrays_of_ever_other_sizes() -> None:
    import numpy as np

    np.empty(next(calls) % 1000, "u1")
