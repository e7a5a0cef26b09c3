import functools
import gc
import sys
from collections import deque
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from perfkit.memory import holders
from perfkit.memory.holders import growing, named, sizes
from perfkit.memory.naming import place
from perfkit.memory.series import Holder


class Basket:
    shared: list[object] = []  # noqa: RUF012 - a shared list is the example

    def __init__(self) -> None:
        self.items: list[object] = [object()]


class Unmeasurable(list[object]):
    def __len__(self) -> int:
        raise AssertionError("the class's own length was asked")


def closing_over() -> Callable[[], list[object]]:
    entries: list[object] = [object()]
    return lambda: entries


def with_default(entries: list[object] = [object()]) -> list[object]:  # noqa: B006, B008
    return entries


@functools.cache
def remembered(number: int) -> str:
    return str(number)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("shop")
    monkeypatch.setitem(sys.modules, "shop", module)
    for name, value in {
        "KEPT": [object()],
        "QUEUE": deque([object()]),
        "PLAIN": {1: "one"},
        "BASKET": Basket(),
        "NESTED": {"inner": {"deep": [object()]}},
        "CLOSING": closing_over(),
        "CLASS": Basket,
    }.items():
        setattr(module, name, value)
    return module


@pytest.mark.parametrize(
    ("find", "name", "kind"),
    [
        (lambda shop: shop.KEPT, "shop.KEPT", "list, module global"),
        (lambda shop: shop.QUEUE, "shop.QUEUE", "deque, module global"),
        (lambda shop: shop.PLAIN, "shop.PLAIN", "dict, module global"),
        (lambda shop: shop.BASKET.items, "shop.BASKET.items", "list"),
        (lambda shop: shop.NESTED["inner"]["deep"], "shop.NESTED['inner']['deep']", "list"),
    ],
)
def test_a_container_has_the_name_it_is_found_by(
    shop: ModuleType, find: Callable[[Any], object], name: str, kind: str
) -> None:
    assert place(find(shop), set()) == (name, kind)


def test_a_class_attribute_a_closure_and_a_default_have_their_owners_name() -> None:
    here = __name__
    assert place(Basket.shared, set()) == (f"{here}.Basket.shared", "list, class attribute")
    function = closing_over()
    assert place(function(), set()) == (
        f"entries in {here}.closing_over.<locals>.<lambda>",
        "list, closure",
    )
    assert place(with_default(), set()) == (f"{here}.with_default", "list, default argument")
    assert place(remembered, set()) == (f"{here}.remembered", "functools.lru_cache")


def test_what_has_no_name_is_told_so() -> None:
    assert place([object()], set()) == ("a list", "reached by no name")


def test_perfkits_own_containers_are_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holders, "KEPT", [object()], raising=False)
    assert place(holders.KEPT, set()) is None  # type: ignore[attr-defined]


def test_sizes_are_the_containers_own() -> None:
    kept, plain, odd = [1, 2, 3], {"a": 1}, Unmeasurable([1, 2])
    basket = Basket()
    basket.items = [plain, odd]
    remembered.cache_clear()
    remembered(1)
    found = sizes()
    assert not gc.is_tracked(plain) or sys.version_info >= (3, 14)
    assert [found[id(one)] for one in (kept, plain, odd, remembered)] == [3, 1, 2, 1]


def test_what_grows_at_one_rate_is_growing_and_the_fastest_comes_first() -> None:
    before = {1: 0, 2: 5, 3: 0, 4: 7, 5: 0}
    after = {1: 100, 2: 205, 3: 100, 4: 7, 5: 100, 6: 50}
    later = {1: 110, 2: 225, 3: 100, 4: 9, 5: 90, 6: 55, 7: 40}
    assert growing(before, after, later, (100, 10)) == [(2, 2.0), (1, 1.0), (6, 0.5)]


def test_only_living_named_containers_are_holders(shop: ModuleType) -> None:
    found = named([(id(shop.KEPT), 2.0), (12345, 1.0)])
    assert found == [Holder("shop.KEPT", "list, module global", 2.0)]
    assert named([(id(shop.KEPT), 2.0)], ignore=[shop.KEPT]) == []
