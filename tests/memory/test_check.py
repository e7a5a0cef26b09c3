"""The function, on targets of a module that the child imports by its own name."""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from memory import zoo

from perfkit.errors import UsageError
from perfkit.memory import check_leaks
from perfkit.model import LeakState


def test_a_function_is_imported_by_the_child_wherever_its_module_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = check_leaks(zoo.class_attribute, iterations=100)
    assert result.state is LeakState.LEAK
    line = zoo.class_attribute.__code__.co_firstlineno + 1
    assert result.sites[0].place.endswith(f"memory/zoo.py:{line} class_attribute")
    accepted = check_leaks(zoo.class_attribute, iterations=100, ceiling="1 KiB")
    assert accepted.state is LeakState.CLEAN


@pytest.mark.parametrize("target", [zoo.gone_with_its_coroutine, zoo.Shop.sell])
def test_coroutines_and_class_methods_are_called_as_well(target: Callable[[], object]) -> None:
    assert check_leaks(target, iterations=16).state is LeakState.CLEAN


def test_a_name_is_taken_as_on_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parent)
    assert check_leaks("zoo:nothing", iterations=16).state is LeakState.CLEAN


@pytest.mark.parametrize(
    "target", [lambda: None, functools.partial(zoo.nothing), zoo.Shop().__str__]
)
def test_what_a_fresh_process_cannot_import_is_refused(target: Callable[[], object]) -> None:
    with pytest.raises(UsageError, match="a fresh process cannot import it: move it to the top"):
        check_leaks(target)


def test_a_ceiling_needs_its_unit() -> None:
    with pytest.raises(UsageError, match="without a unit"):
        check_leaks(zoo.nothing, ceiling="5")
