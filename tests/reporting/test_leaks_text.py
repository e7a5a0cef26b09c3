"""What people see of a leak check, at 120 columns."""

import io
import json

import pytest
from rich.console import Console

from perfkit.model import LeakResult, LeakSite, LeakState
from perfkit.reporting.leaks_text import leaks_headline, leaks_text, leaks_values

LEAK = LeakResult(
    target="shop:checkout",
    state=LeakState.LEAK,
    ceiling=0,
    iterations=4000,
    sites=(
        LeakSite(
            place="shop/basket.py:59 checkout",
            bytes_per_iteration=83798.8,
            blocks_per_iteration=399.7,
            stack=(
                "json/decoder.py:353 raw_decode",
                "json/__init__.py:346 loads",
                "shop/basket.py:59 checkout",
                "shop/main.py:12 handle",
                "shop/main.py:40 main",
            ),
        ),
        LeakSite(
            place="shop/session.py:7 remember",
            bytes_per_iteration=8.704,
            blocks_per_iteration=0.0,
            stack=("shop/session.py:7 remember",),
        ),
    ),
    holders=("shop.basket._SEEN (list, module global) grows by 400 objects per call",),
    reason="the slope held from 1000 to 2000 to 4000 iterations",
    notes=("56 B more per call came through library lines: asyncio/unix_events.py:70 close",),
)

GOLDEN = """\
LEAK: shop:checkout keeps 81.84 KiB per call, allocated on 2 lines; the ceiling is 0 B per line
the slope held from 1000 to 2000 to 4000 iterations.

 per call   blocks   allocated at, and called from
────────────────────────────────────────────────────────
81.83 KiB    399.7   shop/basket.py:59 checkout
                       in json/__init__.py:346 loads
                       in json/decoder.py:353 raw_decode
                       from shop/main.py:12 handle
                       from shop/main.py:40 main
 0.01 KiB      0.0   shop/session.py:7 remember

holder: shop.basket._SEEN (list, module global) grows by 400 objects per call

note: 56 B more per call came through library lines: asyncio/unix_events.py:70 close
"""


def printed(result: LeakResult) -> str:
    stream = io.StringIO()
    Console(file=stream, width=120, highlight=False).print(leaks_text(result))
    return "\n".join(line.rstrip() for line in stream.getvalue().split("\n"))


def test_a_leak_shows_its_lines_with_what_they_call_and_who_called_them() -> None:
    assert printed(LEAK) == GOLDEN


@pytest.mark.parametrize(
    ("state", "headline"),
    [
        (LeakState.CLEAN, "CLEAN: a:b keeps nothing from call to call; the ceiling is 1.000 KiB"),
        (LeakState.FILLING, "FILLING: a:b keeps 0 B per call and slows down; the ceiling is"),
        (LeakState.INCONCLUSIVE, "INCONCLUSIVE: a:b keeps 0 B per call, perhaps only until it is"),
        (LeakState.FAILED, "FAILED: a:b could not be measured"),
    ],
)
def test_every_state_has_its_word_first(state: LeakState, headline: str) -> None:
    result = LeakResult(target="a:b", state=state, ceiling=1024, iterations=100, reason="because")
    assert leaks_headline(result).startswith(headline)
    assert printed(result).endswith("\nbecause.\n")


def test_a_site_outside_of_its_stack_still_shows_the_stack() -> None:
    site = LeakSite(
        place="a.py:1 f", bytes_per_iteration=1, blocks_per_iteration=1, stack=("b.py:2 g",)
    )
    result = LeakResult(
        target="a:f", state=LeakState.LEAK, ceiling=0, iterations=100, sites=(site,)
    )
    assert "from b.py:2 g" in printed(result)


def test_the_json_values_hold_everything() -> None:
    values = json.loads(json.dumps(leaks_values(LEAK)))
    assert values["state"] == "leak"
    assert values["bytes_per_iteration"] == pytest.approx(83807.504)
    assert values["sites"][0]["stack"] == list(LEAK.sites[0].stack)
    assert set(values) == {
        "target",
        "state",
        "ceiling_bytes",
        "iterations",
        "bytes_per_iteration",
        "unplaced_bytes_per_iteration",
        "reason",
        "sites",
        "holders",
        "notes",
    }


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (LeakState.NATIVE, "NATIVE: a:f keeps 64 B per call, and no line is seen to allocate it"),
        (LeakState.RSS_ONLY, "RSS_ONLY: a:f makes the process 64 B per call larger, and keeps no"),
    ],
)
def test_growth_without_a_line_is_told_in_the_headline(state: LeakState, said: str) -> None:
    result = LeakResult(target="a:f", state=state, ceiling=0, iterations=4000, unplaced=64.0)
    assert leaks_headline(result).startswith(said)
