"""Real tests of a real pytest, in processes of their own."""

from collections.abc import Callable

import pytest

from perfkit.errors import MeasurementError, UsageError

Call = Callable[..., list[str]]

TESTS = """
import unittest
import pytest

@pytest.fixture
def numbers(tmp_path):
    print("made in", tmp_path.name)
    yield [1]
    print("torn down")

@pytest.mark.parametrize("size", [2, 3])
def test_sum(numbers, size):
    numbers.append(size)
    print("body", numbers)

def test_false(): assert 1 == 2
@pytest.mark.skip(reason="no day for it")
def test_marked(): ...
def test_skips(): pytest.skip("changed my mind")
@pytest.fixture
def broken(): 1 / 0
def test_with_broken(broken): ...

class TestOld(unittest.TestCase):
    def setUp(self): self.told = "set up"
    def test_it(self): print(self.told)
    def test_false(self): self.assertEqual(1, 2)
    def test_skips(self): self.skipTest("old")
"""


def test_the_body_runs_between_its_fixtures(call: Call, capfd: pytest.CaptureFixture[str]) -> None:
    call("", "pytest:test_x.py::test_sum[3]", calls=2, files={"test_x.py": TESTS})
    lines = capfd.readouterr().err.split("\n")
    assert list(filter(None, lines)) == [
        "made in test_sum_3_0",
        "body [1, 3]",
        "body [1, 3, 3]",
        "torn down",
    ]
    call("", "pytest:test_x.py::TestOld::test_it", calls=2)
    assert capfd.readouterr().err.split() == ["set", "up"] * 2


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("test_false", r"raised AssertionError: assert 1 == 2 at .*test_x\.py:\d+ in test_false"),
        ("test_marked", "skipped itself .no day for it"),
        ("test_skips", "skipped itself .changed my mind"),
        ("test_with_broken", "raised ZeroDivisionError.* in broken"),
        ("TestOld::test_false", "raised AssertionError: 1 != 2"),
        ("TestOld::test_skips", "skipped itself .old"),
    ],
)
def test_a_test_that_does_not_pass_is_not_measured(
    call: Call, capfd: pytest.CaptureFixture[str], test: str, said: str
) -> None:
    with pytest.raises(MeasurementError, match=said):
        call("", f"pytest:test_x.py::{test}", files={"test_x.py": TESTS})
    err = capfd.readouterr().err
    assert "/_pytest/" not in err
    assert "perfkit/targets" not in err


def test_names_that_are_not_one_test(call: Call) -> None:
    with pytest.raises(UsageError, match=r"is 2 tests .*test_sum\[2\], .*test_sum\[3\].*name it"):
        call("", "pytest:test_x.py::test_sum", files={"test_x.py": TESTS})
    with pytest.raises(UsageError, match="pytest says: not found"):
        call("", "pytest:test_x.py::test_absent")
    with pytest.raises(UsageError, match="pytest says: file or directory not found"):
        call("", "pytest:absent.py")
    with pytest.raises(UsageError, match="found no test there"):
        call("", "pytest:empty", files={"empty/test_e.py": ""})


def test_a_file_that_cannot_be_collected_is_told(
    call: Call, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(MeasurementError, match="cannot be collected: ZeroDivisionError"):
        call("", "pytest:test_x.py::test_it", files={"test_x.py": "1 / 0"})
    assert "test_x.py:1: in <module>" in capfd.readouterr().err
