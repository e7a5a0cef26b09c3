"""The whole procedure on real targets under real memray."""

from pathlib import Path

import memray
import pytest

from perfkit.errors import MeasurementError, UsageError
from perfkit.memory.find import find_leaks
from perfkit.model import LeakResult, LeakState
from perfkit.targets import parse_target

ZOO = Path(__file__).with_name("zoo.py")


def find(name: str, *, iterations: int | None = None, **options: float) -> LeakResult:
    target = parse_target(f"zoo:{name}", cwd=ZOO.parent)
    return find_leaks(target, cwd=ZOO.parent, iterations=iterations, timeout=60, **options)


def named(result: LeakResult) -> set[str]:
    """The source lines of the sites."""
    source = ZOO.read_text("utf-8").splitlines()
    places = [site.place.split()[0].split(":") for site in result.sites]
    assert all(file == "zoo.py" for file, _ in places)
    return {source[int(line) - 1] for _, line in places}


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("list_of_objects", 16, 40),
        ("dict_by_call", 99, 200),
        ("unbounded_cache", 50, 300),
        ("closure", 400, 500),
        ("class_attribute", 133, 150),
        ("small_under_swings", 64, 80),
        ("exception_kept", 100, 1000),
        ("in_a_coroutine", 40, 150),
        ("every_tenth_call", 53, 57),
        ("in_a_library", 80, 300),
    ],
)
def test_a_leak_is_found_at_its_line_and_nowhere_else(name: str, least: int, most: int) -> None:
    result = find(name, iterations=1000)
    assert result.state is LeakState.LEAK, result
    assert all("# leak" in line for line in named(result)), named(result)
    assert least <= result.bytes_per_iteration <= most


@pytest.mark.parametrize(
    "name",
    [
        "cycles",
        "cycles_without_gc",
        "full_deque",
        "interned",
        "large_and_gone",
        "lazy_import",
        "logging_set_up",
        "nothing",
        "regex_cache",
    ],
)
def test_what_only_looks_like_a_leak_is_clean(name: str) -> None:
    result = find(name)
    assert (result.state, result.sites) == (LeakState.CLEAN, ())


@pytest.mark.parametrize("name", ["bounded_cache", "grown_and_cleared"])
def test_what_grows_for_a_while_is_looked_at_longer_and_cleared(name: str) -> None:
    result = find(name)
    assert (result.state, result.sites, result.iterations) == (LeakState.CLEAN, (), 4000)
    assert "not over the longer: bounded" in " ".join(result.notes)


def test_a_leak_is_confirmed_over_thousands_of_calls() -> None:
    result = find("list_of_objects")
    assert (result.state, result.iterations) == (LeakState.LEAK, 4000)
    assert "from 1000 to 2000 to 4000 iterations" in result.reason


def test_a_cache_that_had_no_time_to_fill_is_no_leak() -> None:
    result = find("slow_and_bounded", budget=0.5)
    assert result.state is LeakState.INCONCLUSIVE
    assert "zoo.bounded (functools.lru_cache) filled to" in result.reason
    assert "of 800" in result.reason


def test_growth_below_the_ceiling_is_shown_and_accepted() -> None:
    result = find("class_attribute", ceiling=10_000)
    assert result.state is LeakState.CLEAN
    assert all("# leak" in line for line in named(result))


def test_captures_are_kept_for_memrays_own_reporters(tmp_path: Path) -> None:
    target = parse_target("zoo:nothing", cwd=ZOO.parent)
    find_leaks(target, cwd=ZOO.parent, iterations=16, timeout=60, captures=tmp_path / "kept")
    with memray.FileReader(tmp_path / "kept" / "leaks-16.bin") as reader:
        assert reader.metadata.python_allocator == "pymalloc"
        assert reader.metadata.trace_python_allocators


def test_the_failing_call_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(MeasurementError, match=r"in call 57, zoo:fails_at_57 raised ValueError"):
        find("fails_at_57")
    assert "no 57 please" in capfd.readouterr().err


def test_a_target_that_never_returns_is_ended() -> None:
    target = parse_target("zoo:waits_forever", cwd=ZOO.parent)
    with pytest.raises(MeasurementError, match=r"did not end within 1.5 s .* --timeout"):
        find_leaks(target, cwd=ZOO.parent, timeout=1.5)


def test_a_target_that_leaves_the_process_is_told() -> None:
    with pytest.raises(MeasurementError, match=r"ended its process with status 0"):
        find("leaves")


def test_a_target_that_forks_is_measured_in_the_first_process() -> None:
    assert find("forks", iterations=16).state is LeakState.CLEAN


def test_what_the_target_prints_stays_off_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    find("prints", iterations=16)
    streams = capfd.readouterr()
    assert streams.out == ""
    assert "the target's own words" in streams.err


def test_a_target_with_arguments_is_refused() -> None:
    with pytest.raises(UsageError, match=r"needs arguments \(path\)"):
        find("needs_arguments")


def test_a_script_cannot_be_repeated() -> None:
    target = parse_target("zoo.py", cwd=ZOO.parent)
    with pytest.raises(UsageError, match=r"starts anew each time.*pkg\.mod:callable"):
        find_leaks(target, cwd=ZOO.parent)


def test_too_few_iterations_are_refused() -> None:
    with pytest.raises(UsageError, match=r"give --iterations 16 or more"):
        find("nothing", iterations=15)
