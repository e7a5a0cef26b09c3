"""The whole procedure on real targets under real memray."""

import subprocess
import sys
from pathlib import Path

import memray
import pytest

from perfkit.errors import MeasurementError, UsageError
from perfkit.memory.find import find_leaks
from perfkit.memory.flamegraph import draw_kept, draw_peak, newest_capture
from perfkit.memory.read import read_series
from perfkit.memory.series import Frame
from perfkit.model import LeakResult, LeakState
from perfkit.targets.spec import parse_target

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
    ("name", "least", "most", "holder"),
    [
        ("list_of_objects", 16, 40, "kept_list (list, module global)"),
        ("dict_by_call", 99, 200, "kept_dict (dict, module global)"),
        ("unbounded_cache", 50, 300, "remembered (functools.lru_cache)"),
        ("closure", 400, 500, "callbacks (list, module global)"),
        ("class_attribute", 133, 150, "Registry.seen (list, class attribute)"),
        ("small_under_swings", 64, 80, "kept_list (list, module global)"),
        ("exception_kept", 100, 1000, "errors (list, module global)"),
        ("in_a_coroutine", 40, 150, "kept_list (list, module global)"),
        ("every_tenth_call", 53, 57, "kept_list (list, module global)"),
        ("in_a_library", 80, 300, "kept_list (list, module global)"),
    ],
)
def test_a_leak_is_found_at_its_line_and_nowhere_else(
    name: str, least: int, most: int, holder: str
) -> None:
    result = find(name, iterations=1000)
    assert result.state is LeakState.LEAK, result
    assert all("# leak" in line for line in named(result)), named(result)
    assert least <= result.bytes_per_iteration <= most
    assert [one.rpartition(" grows by ")[0] for one in result.holders] == [f"zoo.{holder}"]


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
    result = find(name, iterations=400)
    assert (result.state, result.sites) == (LeakState.CLEAN, ())


@pytest.mark.parametrize("name", ["bounded_cache", "grown_and_cleared"])
def test_what_grows_for_a_while_is_looked_at_longer_and_cleared(name: str) -> None:
    result = find(name)
    assert (result.state, result.sites, result.iterations) == (LeakState.CLEAN, (), 4000)
    assert "not over the longer: bounded" in " ".join(result.notes)


def test_the_line_that_names_the_holder_comes_before_the_line_whose_memory_was_reused() -> None:
    result = find("a_list_in_reused_memory", iterations=400)
    first, *others = [site.place.partition(" ")[2] for site in result.sites]
    assert (first, others) == ("a_list_in_reused_memory", ["<listcomp>"][: len(others)])


def test_a_leak_is_confirmed_over_thousands_of_calls() -> None:
    result = find("list_of_objects")
    assert (result.state, result.iterations) == (LeakState.LEAK, 4000)
    assert "from 1000 to 2000 to 4000 iterations" in result.reason


def test_what_a_compiled_library_keeps_is_found_at_the_line_that_calls_it(tmp_path: Path) -> None:
    library = tmp_path / "libkeep.so"
    source = "#include <stdlib.h>\nvolatile char *last;\nvoid keep(void) { last = malloc(48); }\n"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", library],
        input=source,
        text=True,
        check=True,
    )
    code = "import ctypes\nlibrary = ctypes.CDLL({!r})\n\ndef keeps():\n    library.keep()\n"
    (tmp_path / "native.py").write_text(code.format(str(library)), "utf-8")
    target = parse_target("native:keeps", cwd=tmp_path)
    result = find_leaks(target, cwd=tmp_path, iterations=200, timeout=60)
    (site,) = result.sites
    assert (result.state, site.place) == (LeakState.LEAK, "native.py:5 keeps")
    assert (site.bytes_per_iteration, site.blocks_per_iteration) == (48, 1)


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


def test_a_capture_that_ends_early_or_is_no_capture_is_told(tmp_path: Path) -> None:
    target = parse_target("zoo:nothing", cwd=ZOO.parent)
    find_leaks(target, cwd=ZOO.parent, iterations=16, timeout=60, captures=tmp_path)
    direct = Frame("<call>", 0, "zoo:nothing")
    with pytest.raises(MeasurementError, match="holds 17 of 18 marks, so memray stopped writing"):
        read_series(tmp_path / "leaks-16.bin", range(18), direct=direct)
    (tmp_path / "broken.bin").write_bytes(b"no capture")
    with pytest.raises(MeasurementError, match=r"cannot read back its capture .*broken\.bin"):
        read_series(tmp_path / "broken.bin", range(17), direct=direct)


def test_a_capture_whose_marks_saw_no_memory_record_is_told(tmp_path: Path) -> None:
    program = """
import contextlib, pathlib, sys
from perfkit.memory import capture
capture.RECORD_INTERVAL_MS = 60_000  # as where memray's thread gets no processor
capture.pause = lambda *_, **__: None
capture.record(contextlib.nullcontext(int), pathlib.Path(sys.argv[1]), iterations=16)
"""
    file = tmp_path / "leaks-16.bin"
    subprocess.run([sys.executable, "-c", program, file], check=True)
    with pytest.raises(MeasurementError, match="thread saw only 0 of 17 marks: the machine is ov"):
        read_series(file, range(17), direct=Frame("<call>", 0, "zoo:nothing"))


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


def test_pages_and_c_stacks_of_the_longest_run(tmp_path: Path) -> None:
    target = parse_target("zoo:closure", cwd=ZOO.parent)
    kept = tmp_path / "captures"
    result = find_leaks(target, cwd=ZOO.parent, iterations=64, captures=kept, native=True)
    assert any(".c:" in frame for frame in result.sites[0].stack), result.sites[0].stack
    assert result.sites[0].place in result.sites[0].stack
    draw_kept(newest_capture(kept), tmp_path / "kept.html")
    draw_peak(newest_capture(kept), tmp_path / "peak.html")
    pages = [(tmp_path / name).read_text("utf-8") for name in ("kept.html", "peak.html")]
    assert ["zoo.py" in page for page in pages] == [True, True]
    assert ["importlib" in page for page in pages] == [False, True]
    with pytest.raises(MeasurementError, match="there is no capture"):
        newest_capture(tmp_path / "empty")
