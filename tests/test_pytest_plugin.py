"""The marker, in a project of its own: what fails, what is an error, and what nobody pays for."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.usefixtures("unmeasured")

pytest_plugins = "pytester"

TESTS = """
import functools
import itertools
import pytest
import unittest

KEPT = []
numbers = itertools.count()

@pytest.fixture
def name(tmp_path):
    # Made in the fresh processes only.
    with open("fixtures.txt", "a") as file:
        file.write("made\\n")
    return "shop"

@functools.lru_cache(maxsize=100_000)
def looked_up(number):
    return bytes(1000)

@pytest.mark.perfkit_leaks(iterations=64)
@pytest.mark.parametrize("size", [100])
def test_keeps(name, size):
    KEPT.append(bytes(size))

class TestOld(unittest.TestCase):
    def setUp(self):
        self.size = 100

    @pytest.mark.perfkit_leaks(iterations=64, ceiling="1 KiB")
    def test_keeps_little(self):
        KEPT.append(bytes(self.size))

@pytest.mark.perfkit_leaks(iterations=64)
def test_fills():
    looked_up(next(numbers))

@pytest.mark.perfkit_leaks(iterations=16)
def test_raises():
    assert next(numbers) < 2

@pytest.mark.perfkit_leaks(iterations=16)
@pytest.mark.skipif(True, reason="not here")
def test_skipped():
    raise AssertionError

@pytest.mark.perfkit_leaks("64 B")
def test_positional(): pass

@pytest.mark.perfkit_leaks(ceiling="64")
def test_without_unit(): pass

@pytest.mark.perfkit_leaks(iterations="many")
def test_many(): pass

def test_unmarked(name):
    assert name == "shop"
"""


def test_a_leak_fails_and_what_is_undecided_or_unmeasured_is_an_error(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(test_shop=TESTS)
    found = pytester.runpytest("-p", "no:randomly", "-p", "no:cacheprovider", "--strict-markers")
    found.assert_outcomes(failed=1, passed=2, errors=5, skipped=1)
    text = found.stdout.str()
    # The same words as on the terminal: state, line, holder.
    assert "LEAK: pytest:test_shop.py::test_keeps[100] keeps 14" in text
    assert "test_shop.py:23 test_keeps" in text
    assert "holder: test_shop.KEPT (list, module global) grows by 1" in text
    assert "from _pytest" not in text
    assert "During handling" not in text
    assert "ERROR at setup of test_fills" in text
    assert "INCONCLUSIVE: pytest:test_shop.py::test_fills keeps" in text
    assert "in call 3, pytest:test_shop.py::test_raises raised AssertionError" in text
    assert "found perfkit_leaks('64 B'), wanted perfkit_leaks(ceiling='0 B', iterations" in text
    assert "perfkit_leaks: ceiling: found 64 without a unit" in text
    assert "perfkit_leaks: iterations: found 'many', wanted a whole number" in text
    # Once in the process that was watched, once for the test that is no leak check.
    assert (pytester.path / "fixtures.txt").read_text("utf-8") == "made\n" * 2
    assert not list(pytester.path.glob("**/.pytest_cache"))


def test_without_memray_the_marked_test_says_what_to_install(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(
        "import pytest\n@pytest.mark.perfkit_leaks\ndef test_it(): pass\ndef test_other(): pass\n"
    )
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    found = pytester.runpytest("-p", "no:randomly")
    found.assert_outcomes(passed=1, errors=1)
    assert "perfkit_leaks needs memray, which is not installed beside" in found.stdout.str()


def test_the_plugin_imports_nothing_of_perfkit_but_itself() -> None:
    program = (
        "import pytest, sys; before = set(sys.modules); import perfkit.pytest_plugin;"
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['perfkit', 'perfkit.pytest_plugin']"
