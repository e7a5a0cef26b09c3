"""What memray does not see, and what cannot be measured."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from perfkit.errors import MeasurementError
from perfkit.memory.find import find_leaks
from perfkit.model import LeakResult, LeakState, Status
from perfkit.targets.spec import parse_target

HERE = Path(__file__).parent
PERFKIT = [sys.executable, "-m", "perfkit"]

linux = pytest.mark.skipif(sys.platform != "linux", reason="counts of glibc and of /proc")


def find(name: str, iterations: int | None = None) -> LeakResult:
    target = parse_target(f"shy:{name}", cwd=HERE)
    return find_leaks(target, cwd=HERE, iterations=iterations, timeout=60)


@linux
def test_memory_that_compiled_code_takes_behind_memrays_back_fails() -> None:
    result = find("taken_past_memray")
    assert (result.state, result.status, result.iterations) == (
        LeakState.NATIVE,
        Status.FAILED,
        4000,
    )
    assert result.bytes_per_iteration == pytest.approx(64, abs=1)  # malloc's own words included
    assert "memory taken from malloc grew at a held slope" in result.reason


@linux
def test_growth_of_the_resident_size_alone_decides_nothing() -> None:
    result = find("mapped_past_malloc", iterations=600)
    assert (result.state, result.status) == (LeakState.RSS_ONLY, Status.INCONCLUSIVE)
    assert result.bytes_per_iteration == pytest.approx(4096, rel=0.1)


def test_entries_that_replace_those_of_the_import_are_not_accused() -> None:
    result = find("full_from_the_start", iterations=1000)
    assert result.state is LeakState.INCONCLUSIVE
    assert "<genexpr> had allocated was given back as fast" in result.reason


def test_a_thread_that_outlives_its_call_is_told_and_not_waited_for() -> None:
    result = find("leaves_a_thread", iterations=16)
    assert result.state is LeakState.CLEAN
    assert "one thread of the target still ran after 19 calls" in result.notes[0]


def test_numpys_cache_of_small_buffers_is_not_the_targets() -> None:
    result = find("small_arrays_of_ever_other_sizes", iterations=400)
    assert (result.state, result.sites) == (LeakState.CLEAN, ())


def test_two_gigabytes_that_are_given_back_are_no_growth() -> None:
    assert find("needs_two_gigabytes", iterations=16).state is LeakState.CLEAN


def test_a_target_that_gets_no_memory_ends_the_measurement() -> None:
    limited = 'ulimit -v 1500000; exec "$@"'
    done = subprocess.run(
        ["bash", "-c", limited, "-", *PERFKIT, "leaks", "shy:needs_two_gigabytes"],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert "in call 1, shy:needs_two_gigabytes raised MemoryError" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("under_memray_itself", "the target starts memray itself"),
        ("out_of_memory", "in call 1, shy:out_of_memory raised MemoryError"),
    ],
)
def test_what_cannot_be_measured_is_told(name: str, sentence: str) -> None:
    with pytest.raises(MeasurementError, match=sentence):
        find(name, iterations=16)


def test_a_process_that_memray_watches_already_is_told(tmp_path: Path) -> None:
    start = "import memray\nmemray.Tracker({!r}).__enter__()\n"
    (tmp_path / "sitecustomize.py").write_text(start.format(str(tmp_path / "first.bin")), "utf-8")
    target = parse_target("zoo:nothing", cwd=HERE)
    with pytest.raises(MeasurementError, match="memray watches the target's process from its st"):
        find_leaks(
            target, cwd=HERE, iterations=16, timeout=60, environment={"PYTHONPATH": str(tmp_path)}
        )


@linux
def test_an_allocator_in_the_place_of_malloc_is_noticed(tmp_path: Path) -> None:
    source = """
    #include <stddef.h>
    #include <string.h>
    static char store[1 << 28] __attribute__((aligned(64)));
    static size_t used;
    void *malloc(size_t n) {
        size_t *place = (size_t *)(store + used + 48);
        used += 64 + ((n + 63) & ~(size_t)63);
        *place = n;
        return (char *)place + 16;
    }
    void free(void *p) {}
    void *calloc(size_t n, size_t m) { return malloc(n * m); }
    void *realloc(void *p, size_t n) {
        void *q = malloc(n);
        if (p) { size_t old = *(size_t *)((char *)p - 16); memcpy(q, p, old < n ? old : n); }
        return q;
    }
    """
    library = tmp_path / "libbump.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O1", "-fno-builtin", "-x", "c", "-", "-o", library],
        input=source,
        text=True,
        check=True,
    )
    program = "from perfkit.memory.totals import malloc_bytes; print(malloc_bytes())"
    answers = [
        subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, check=True
        ).stdout
        for environment in (dict(os.environ), os.environ | {"LD_PRELOAD": str(library)})
    ]
    assert answers[0].startswith(b"<function")
    assert answers[1] == b"None\n"


def test_a_full_disk_ends_the_measurement(tmp_path: Path) -> None:
    limited = 'ulimit -f 60; exec "$@"'
    done = subprocess.run(
        ["bash", "-c", limited, "-", *PERFKIT, "leaks", "zoo:list_of_objects"],
        cwd=HERE,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4, done.stderr
    assert done.stdout == ""
    assert "free some space, or set TMPDIR" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_ends_and_says_so(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*PERFKIT, "leaks", "zoo:waits_forever"],
        cwd=HERE,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert "running zoo:waits_forever" in process.stderr.readline()
        # Before, Python may just be trying whether its temporary folder can be written.
        assert process.stderr.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130
    assert "perfkit: interrupted" in said
    assert list(tmp_path.iterdir()) == []
