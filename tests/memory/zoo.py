"""Targets that leak, each on the lines that say so, and targets that only look as if."""
# ruff: noqa: PLW0603, PLC0415, TRY301 - these are what leaks and late imports are made of

import asyncio
import collections
import functools
import gc
import logging
import random
import re
import sys
from collections.abc import Callable


class Node:
    def __init__(self) -> None:
        self.me: Node | None = None


kept_list: list[object] = []
kept_dict: dict[int, object] = {}
callbacks: list[Callable[[], object]] = []
errors: list[BaseException] = []
calls = 0


def next_call() -> int:
    global calls
    calls += 1  # leak: of dict_by_call, its keys
    return calls


# Leaks


def list_of_objects() -> None:
    kept_list.append(object())  # leak


def dict_by_call() -> None:
    kept_dict[next_call()] = bytes(50)  # leak


@functools.cache
def remembered(number: int) -> str:
    return f"remembered {number}"  # leak


def unbounded_cache() -> None:
    remembered(random.randrange(10**9))  # leak


def closure() -> None:
    text = bytes(200)  # leak
    callbacks.append(lambda: text)  # leak


class Registry:
    seen: list[bytes] = []  # noqa: RUF012 - the leak is that it is shared


def class_attribute() -> None:
    Registry.seen.append(bytes(100))  # leak


def small_under_swings() -> None:
    global swing
    swing = bytearray(random.randrange(2**20))
    kept_list.append(bytes(31))  # leak


def exception_kept() -> None:
    try:
        raise ValueError("kept")  # leak
    except ValueError as error:
        errors.append(error)  # leak: of its list


async def in_a_coroutine() -> None:
    await asyncio.sleep(0)
    kept_list.append([1, 2, 3])  # leak


def every_tenth_call() -> None:
    if next_call() % 10 == 0:
        kept_list.append(bytes(500))  # leak


def in_a_library() -> None:
    sorter = collections.UserList([3, 1, 2])  # leak
    kept_list.append(sorter)  # leak: of the list


def a_list_in_reused_memory() -> None:
    """CPython hands the memory of the freed lists to the list that is kept."""
    rows = [[number] for number in range(50)]
    del rows
    kept_list.append([1, 2])  # leak


# Innocent

numbers = iter(range(10**9))
recent: collections.deque[str] = collections.deque(maxlen=30)
growing: list[str] = []


@functools.lru_cache(maxsize=800)
def bounded(number: int) -> str:
    return f"bounded {number}"


def bounded_cache() -> None:
    bounded(next(numbers))


def full_deque() -> None:
    recent.append("r" * (100 + next_call() % 50))


def lazy_import() -> None:
    if next_call() > 40:
        import wave  # noqa: F401


def regex_cache() -> None:
    re.compile(f"a{next_call()}b")


def grown_and_cleared() -> None:
    growing.append("g" * 20)
    if len(growing) == 1700:
        growing.clear()


def cycles() -> None:
    node = Node()
    node.me = node


def cycles_without_gc() -> None:
    gc.disable()
    cycles()


def interned() -> None:
    sys.intern(f"name {next_call() % 200}")


def logging_set_up() -> None:
    logging.getLogger(f"zoo.{next_call() % 20}").addHandler(logging.NullHandler())
    logging.getLogger(f"zoo.{calls % 20}").handlers.clear()


def nothing() -> None:
    pass


async def gone_with_its_coroutine() -> None:
    await asyncio.sleep(0)
    next_call()


class Shop:
    @classmethod
    def sell(cls) -> None:
        next_call()


def large_and_gone() -> int:
    return len([str(number) for number in range(random.randrange(3000))])


# Neither: what cannot be measured


def fails_at_57() -> None:
    if next_call() == 57:
        raise ValueError("no 57 please")


def waits_forever() -> None:
    import threading

    print("waiting", flush=True)  # noqa: T201 - who interrupts it waits for this
    threading.Event().wait()


def leaves() -> None:
    import os

    os._exit(0)


def forks() -> None:
    import os

    if (child := os.fork()) != 0:
        os.waitpid(child, 0)


def prints() -> None:
    print("the target's own words")  # noqa: T201


def needs_arguments(path: str) -> str:
    return path


def slow_and_bounded() -> None:
    import time

    time.sleep(0.01)
    bounded(next(numbers))
