"""Rounds of real processes, and the decisions between them without any process."""

import hashlib
import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from asv_runner.benchmarks.time import TimeBenchmark
from tiny_project import Project

from perfkit.benchmarking import child, measured_side, session
from perfkit.benchmarking.build import Side
from perfkit.benchmarking.discovery import Benchmark, discover
from perfkit.benchmarking.measured_side import MeasuredSide
from perfkit.benchmarking.process import Interpreter, ProcessFailedError, call_child
from perfkit.benchmarking.quiet import Quiet
from perfkit.benchmarking.recorder import Measured
from perfkit.benchmarking.session import (
    Measurement,
    Plan,
    Progress,
    measure,
    warnings_of_load,
)
from perfkit.benchmarking.suite import find_suite
from perfkit.model import BenchmarkId, Revision, Sample, Unit, Verdict

if TYPE_CHECKING:
    from perfkit.benchmarking.schedule import SideName


def never(base: Sample, head: Sample) -> Verdict:
    del base, head
    return Verdict.INCONCLUSIVE


def settles_a(base: Sample, head: Sample) -> Verdict:
    del head
    return Verdict.UNCHANGED if base.benchmark.name == "a" else Verdict.INCONCLUSIVE


def silent(progress: Progress) -> None:
    del progress


def side_of(project: Project, site: Path | None = None) -> Side:
    return Side(
        revision=Revision(label="HEAD", commit="0" * 40),
        suite=find_suite(project.root),
        interpreter=Interpreter(site=site or project.root),
        requirements=(),
    )


def one_round(project: Project, suite: str, *, rounds: int = 1) -> Measurement:
    """Measure the suite on one side in real processes."""
    project.suite(suite)
    side = side_of(project)
    benchmarks = discover(side.suite, side.interpreter)
    with MeasuredSide(side) as running:
        return measure(
            {"head": running},
            benchmarks,
            [identity for benchmark in benchmarks for identity in benchmark.ids],
            Plan(min_rounds=rounds, max_rounds=rounds, seconds=1e9),
            suite=side.suite.benchmarks,
            standing=never,
            clock=itertools.count().__next__,
            on_progress=silent,
        )


WELL = """
import json, os, time
from tiny import work

class Work:
    params = ([10, 20], ["a'b"])
    repeat, number, rounds, warmup_time = 2, 3, 1, 0

    def setup_cache(self):
        with open("calls", "a") as file:
            file.write("x")
        return {"cached": 5}

    def setup(self, cache, n, word):
        print("noise on stdout")

    def time_work(self, cache, n, word):
        assert cache == {"cached": 5}
        work(n)

    def track_calls_of_setup_cache(self, cache, n, word):
        return len(open("calls").read())

    def outcome(self, cache, n, word):
        return work(n) + cache["cached"]

def track_seed():
    return int(os.environ["PYTHONHASHSEED"])

def peakmem_list():
    return [0] * 100_000

class Digest:
    def track_one(self): return 1
    def outcome(self): return "text"

class Skipping:
    params = [1, 2]
    def setup(self, n):
        if n == 2:
            raise NotImplementedError
    def track_n(self, n): return n
"""


def test_what_works(project: Project) -> None:
    found = one_round(project, WELL, rounds=2)
    samples = {str(identity): sample for identity, sample in found.samples["head"].items()}
    assert not found.failures
    timed = samples['bench.Work.time_work(10, "a\'b")']
    assert timed.unit is Unit.SECONDS
    assert [len(process) for process in timed.processes] == [2, 2]
    assert all(0 < value < 1 for process in timed.processes for value in process)
    assert timed.rounds == (0, 1)
    assert timed.outcome == "count 50"
    assert samples['bench.Work.time_work(20, "a\'b")'].outcome == "count 195"
    # One cache for both parameters, both benchmarks of the class and all rounds.
    assert samples['bench.Work.track_calls_of_setup_cache(20, "a\'b")'].processes == ((1,), (1,))
    assert samples["bench.track_seed"].processes == ((1,), (2,))
    assert samples["bench.peakmem_list"].unit is Unit.BYTES
    assert min(min(samples["bench.peakmem_list"].processes)) > 1e6
    assert str(samples["bench.Digest.track_one"].outcome).startswith("sha256 982d9e3eb996f559")
    assert timed.loops == (3, 3)
    assert timed.warmup == 0
    assert samples["bench.track_seed"].warmup is None
    assert samples["bench.Skipping.track_n(1)"].processes == ((1,), (1,))
    assert found.skipped["head"] == {BenchmarkId("bench.Skipping.track_n", ("2",))}
    assert "bench.Skipping.track_n(2)" not in samples
    assert found.rounds == 2


BAD = """
import os, sys, time, signal

def track_crash(): raise RuntimeError("the\\nend")
def track_exit(): os._exit(0)
def track_exit_3(): sys.exit(3)
def track_segfault(): os.kill(os.getpid(), signal.SIGSEGV)
def track_killed(): os.kill(os.getpid(), signal.SIGKILL)
def track_memory():
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
    return len(bytearray(2**31))
def track_realtime(): os.kill(os.getpid(), signal.SIGRTMIN + 1)
def track_nan(): return float("nan")
def track_infinite(): return float("inf")
def track_text(): return "fast"
def track_digits(): return "12"
def track_none(): return None
def track_negative(): return -1
def track_hang():
    print("about to hang", flush=True)
    time.sleep(600)
track_hang.timeout = 4
def track_noise():
    for _ in range(3):
        sys.stdout.write("x" * 1_000_000)
    print()
    raise ValueError("after the noise")
def track_fork():
    if os.fork() == 0:
        time.sleep(600)
    return 1
class Cached:
    def setup_cache(self): raise LookupError("no cache")
    def track_cached(self, cache): return 1
class Outcome:
    def track_one(self): return 1
    def outcome(self): raise KeyError("nothing done")
"""

SAID = {
    "track_crash": "end",
    "track_exit": "ended without a result (did it call os._exit?)",
    "track_exit_3": "exited with 3",
    "track_segfault": "killed by SIGSEGV",
    "track_killed": "killed (SIGKILL), often by the kernel for lack of memory",
    "track_memory": "ran out of memory: MemoryError",
    "track_realtime": "killed by signal ",
    "track_nan": "gave nan, wanted a finite number of at least 0",
    "track_infinite": "gave inf, wanted a finite number of at least 0",
    "track_text": "gave 'fast', wanted a finite number of at least 0",
    "track_digits": "gave '12', wanted a finite number of at least 0",
    "track_none": "gave no value",
    "track_negative": "gave -1.0, wanted a finite number of at least 0",
    "track_hang": "did not finish within 4 s",
    "track_noise": "ValueError: after the noise",
    "Cached.track_cached": "setup_cache: LookupError: no cache",
    "Outcome.track_one": "KeyError: 'nothing done'",
}


def test_what_fails_is_one_sentence_each(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured_side, "START_UP_ALLOWANCE", 0.0)
    found = one_round(project, BAD, rounds=2)
    samples = {
        str(identity).removeprefix("bench."): sample
        for identity, sample in found.samples["head"].items()
    }
    failures = {name: str(sample.failure) for name, sample in samples.items() if sample.failure}
    assert set(failures) == set(SAID)
    for name, words in SAID.items():
        assert failures[name].startswith(words), name
        # What failed in the first round is not run again.
        assert samples[name].processes == ()
    output = {str(identity): text for (_, identity), text in found.failures.items()}
    assert "about to hang" in output["bench.track_hang"]
    assert len(output["bench.track_noise"]) < 5000
    assert output["bench.track_noise"].endswith("ValueError: after the noise")
    assert samples["track_fork"].processes == ((1,), (1,))
    assert not list(sleepers())


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ([3, 4], "killed by the kernel (SIGKILL), as memory ran out"),
        ([3, 3], "killed (SIGKILL), often by the kernel for lack of memory"),
        ([None, None], "killed (SIGKILL), often by the kernel for lack of memory"),
    ],
)
def test_memory_is_blamed_where_the_kernel_says_so(
    tmp_path: Path, counts: list[int | None], words: str
) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\nkill -9 $$\n")
    fake.chmod(0o755)
    told = iter(counts)
    with pytest.raises(ProcessFailedError, match=re.escape(words)):
        call_child(
            {"command": "run"},
            interpreter=Interpreter(python=fake),
            folder=tmp_path,
            timeout=60,
            kills=lambda: next(told),
        )


def sleepers() -> Iterator[int]:
    """Yield processes of this test's that still run a benchmark of the project."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.endswith(b"benchmarking/child.py") for word in words):
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) in {os.getpid(), 1}:
                yield int(folder.name)


def test_the_wrong_code_is_no_measurement(project: Project, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    installed.mkdir()
    (installed / "tiny.py").write_text("def work(n): return 0\n")
    found = one_round(
        project,
        f"import sys\nsys.path.insert(0, {str(installed)!r})\nimport tiny\n"
        "def track_work(): return tiny.work(3)\n",
    )
    (sample,) = found.samples["head"].values()
    assert sample.failure == (
        f"measured the wrong code: found tiny from {installed}/tiny.py, wanted the build of this"
        " revision; let the suite import the project by its name, and leave sys.path and PYTHONPATH"
        " alone"
    )
    assert sample.processes == ()


def test_a_suite_inside_the_project_is_not_the_wrong_code(project: Project, tmp_path: Path) -> None:
    """Base is measured with the suite of head, whose folder it may have as well."""
    project.suite("from tiny import work\ndef track_work(): return work(3)\n")
    (project.root / "benchmarks" / "suite").rename(project.root / "suite")
    config = project.root / "benchmarks" / "asv.conf.json"
    config.write_text(config.read_text().replace('"suite"', '"../suite"'))
    other = Project(tmp_path / "other")
    other.write("suite/__init__.py", "")
    side = side_of(project, site=other.root)
    (benchmark,) = discover(side.suite, side.interpreter)
    with MeasuredSide(side) as running:
        measured = running.run(benchmark, benchmark.ids[0], side.suite.benchmarks, 0)
    assert (measured.failure, measured.values) == (None, (3.0,))


@pytest.mark.parametrize(
    ("lines", "overrides"),
    [
        ("", {"repeat": (2, 5, 0.5), "warmup_time": 0.02}),
        ("time_it.repeat = 3\n", {"warmup_time": 0.02}),
        ("time_it.warmup_time = 0.1\n", {"repeat": (2, 5, 0.5)}),
    ],
)
def test_only_what_a_suite_leaves_to_the_tool_is_shortened(
    project: Project, monkeypatch: pytest.MonkeyPatch, lines: str, overrides: dict[str, object]
) -> None:
    project.suite(f"def time_it(): pass\n{lines}")
    side = side_of(project)
    (benchmark,) = discover(side.suite, side.interpreter)
    asked: list[Mapping[str, object]] = []

    def refuse(request: Mapping[str, object], **_: object) -> dict[str, object]:
        asked.append(request)
        raise measured_side.ProcessFailedError("not now", "")

    monkeypatch.setattr(measured_side, "call_child", refuse)
    with MeasuredSide(side) as running:
        running.run(benchmark, benchmark.ids[0], side.suite.benchmarks, 0)
    assert [request["overrides"] for request in asked] == [overrides]


Give = Callable[[str, BenchmarkId, int], Measured]


class Scripted:
    """A side without processes: what each run of each benchmark gives."""

    def __init__(self, journal: list[tuple[str, str, int]], name: str, give: Give) -> None:
        self.journal, self.name, self.give = journal, name, give

    def run(
        self, benchmark: Benchmark, identity: BenchmarkId, suite: Path, number: int
    ) -> Measured:
        del suite
        self.journal.append((self.name, benchmark.name, number))
        return self.give(self.name, identity, number)


def scripted(
    names: list[str],
    plan: Plan,
    give: Give,
    *,
    standing: session.Standing = never,
    clock: Callable[[], float] | None = None,
    on_progress: Callable[[Progress], None] = silent,
    quiet: Quiet | None = None,
    in_question: Mapping[BenchmarkId, Sequence[BenchmarkId]] | None = None,
) -> tuple[Measurement, list[tuple[str, str, int]]]:
    journal: list[tuple[str, str, int]] = []
    sides: tuple[SideName, ...] = ("base", "head")
    found = measure(
        {side: Scripted(journal, side, give) for side in sides},  # type: ignore[misc]
        [
            Benchmark(
                name=name, kind="track", unit=Unit.COUNT, parameters=(), version="1", timeout=1
            )
            for name in names
        ],
        [BenchmarkId(name) for name in names],
        plan,
        suite=Path(),
        standing=standing,
        clock=clock or itertools.count().__next__,
        on_progress=on_progress,
        quiet=quiet,
        in_question=in_question,
    )
    return found, journal


def fine(side: str, identity: BenchmarkId, number: int) -> Measured:
    del side, identity
    return Measured(values=(float(number),))


def test_what_is_in_question_decides_how_long_a_benchmark_is_measured() -> None:
    def give(side: str, identity: BenchmarkId, number: int) -> Measured:
        return replace(fine(side, identity, number), peak=None if identity.name == "d" else 10**7)

    def standing(base: Sample, head: Sample) -> Verdict:
        """Decide memory after three rounds, and a time after five."""
        enough = 5 if base.benchmark.beside is None else 3
        assert base.benchmark == head.benchmark
        return Verdict.UNCHANGED if len(base.processes) >= enough else Verdict.INCONCLUSIVE

    b, c, d = (BenchmarkId(name) for name in "bcd")
    seen: list[Progress] = []
    found, _ = scripted(
        ["a", "b", "c", "d"],
        Plan(min_rounds=2, max_rounds=9, seconds=1e9),
        give,
        standing=standing,
        on_progress=seen.append,
        in_question={b: (b.peak_memory,), c: (c.peak_memory, c), d: (d.peak_memory,)},
    )
    rounds = {one.name: len(sample.rounds) for one, sample in found.samples["head"].items()}
    # Of d the system tells no memory, so nothing is waited for.
    assert rounds == {"a": 5, "b": 3, "c": 5, "d": 2}
    assert seen[-1].verdicts[Verdict.UNCHANGED] == 1  # b; a and c are measured once more


def test_rounds_are_paired_and_bounded() -> None:
    found, journal = scripted(["a", "b"], Plan(min_rounds=2, max_rounds=4, seconds=1e9), fine)
    assert len(journal) == len(set(journal)) == 2 * 2 * 4
    for side in ("base", "head"):
        for sample in found.samples[side].values():
            assert sample.rounds == (0, 1, 2, 3)
    assert not found.out_of_time
    # Both sides of a benchmark stand next to each other.
    pairs = list(zip(journal[::2], journal[1::2], strict=True))
    assert all(
        (one[1:] == other[1:]) and {one[0], other[0]} == {"base", "head"} for one, other in pairs
    )


def test_what_is_decided_gets_no_more_rounds() -> None:
    found, _ = scripted(
        ["a", "b"],
        Plan(min_rounds=3, max_rounds=6, seconds=1e9),
        fine,
        standing=settles_a,
    )
    counts = {i.name: len(sample.processes) for i, sample in found.samples["head"].items()}
    assert counts == {"a": 3, "b": 6}
    assert found.rounds == 6


def test_what_is_settled_at_a_first_look_gets_no_more_rounds() -> None:
    found, _ = scripted(
        ["a", "b"],
        Plan(min_rounds=4, max_rounds=6, seconds=1e9, first_look=2),
        fine,
        standing=settles_a,
    )
    counts = {i.name: len(sample.processes) for i, sample in found.samples["head"].items()}
    assert counts == {"a": 2, "b": 6}


def test_no_new_round_after_the_time() -> None:
    found, _ = scripted(["a"], Plan(min_rounds=3, max_rounds=9, seconds=0), fine)
    assert found.rounds == 3
    assert found.out_of_time


def test_a_failure_and_a_skip_on_one_side_end_the_benchmark_on_both() -> None:
    def give(side: str, identity: BenchmarkId, number: int) -> Measured:
        if (side, identity.name, number) == ("base", "fails", 1):
            return Measured(failure="crashed", output="last words")
        if (side, identity.name) == ("head", "skips"):
            return Measured(skipped=True)
        return fine(side, identity, number)

    found, journal = scripted(
        ["fails", "skips", "works"], Plan(min_rounds=4, max_rounds=4, seconds=1e9), give
    )
    rounds = {name: {n for _, b, n in journal if b == name} for name in ("fails", "skips", "works")}
    assert rounds == {"fails": {0, 1}, "skips": {0}, "works": {0, 1, 2, 3}}
    failed = found.samples["base"][BenchmarkId("fails")]
    assert (failed.failure, failed.processes) == ("crashed", ((0.0,),))
    assert found.failures == {("base", BenchmarkId("fails")): "last words"}
    assert found.skipped == {"base": set(), "head": {BenchmarkId("skips")}}


def test_outcomes_that_differ_are_said() -> None:
    def give(side: str, identity: BenchmarkId, number: int) -> Measured:
        del side, identity
        return Measured(values=(1.0,), outcome=f"count {number % 2}")

    found, _ = scripted(["a"], Plan(min_rounds=2, max_rounds=2, seconds=1e9), give)
    sample = found.samples["head"][BenchmarkId("a")]
    assert sample.outcome == "unstable"
    assert sample.notes == ("the outcome differs between processes: count 0, count 1",)


@pytest.mark.parametrize("runs", range(1, 9))
def test_ctrl_c_at_any_moment_keeps_whole_pairs(runs: int) -> None:
    left = iter(range(runs))

    def give(side: str, identity: BenchmarkId, number: int) -> Measured:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return fine(side, identity, number)

    found, _ = scripted(["a", "b"], Plan(min_rounds=3, max_rounds=3, seconds=1e9), give)
    assert found.interrupted
    base, head = found.samples["base"], found.samples["head"]
    assert base.keys() == head.keys()
    assert all(base[identity].rounds == head[identity].rounds for identity in base)
    assert sum(len(sample.processes) for sample in base.values()) == runs // 2


class Shares:
    """A machine of which others use the next share whenever a pair was measured."""

    def __init__(self, *shares: float | None) -> None:
        self.shares = iter(shares)
        self.waits = 0
        self.waited_seconds = 0.0

    def wait(self) -> None:
        self.waits += 1
        self.waited_seconds += 2.0

    def lap(self) -> float | None:
        return next(self.shares)


def test_what_was_measured_under_load_is_remembered() -> None:
    quiet = Shares(0.1, 0.7, 0.2, None, 0.9, 0.9)
    found, _ = scripted(
        ["a", "b"],
        Plan(min_rounds=3, max_rounds=3, seconds=1e9),
        fine,
        quiet=quiet,  # type: ignore[arg-type]
    )
    assert found.loads == [0.4, 0.2, 0.9]
    assert (found.pairs, found.loaded_pairs, quiet.waits) == (6, 3, 6)
    for side in ("base", "head"):
        loaded = [sample.loaded for sample in found.samples[side].values()]
        assert sorted(map(len, loaded)) == [1, 2]
        assert all(rounds[-1] == 2 for rounds in loaded)
    assert list(warnings_of_load([found])) == [
        (
            "other programs used half of the processors or more during 3 of 6 measurements, which"
            " adds noise: stop them, or wait for a quieter machine (perfkit waited 12 s)"
        )
    ]
    quiet_ones, _ = scripted(["a"], Plan(min_rounds=20, max_rounds=20, seconds=1e9), fine)
    quiet_ones.loaded_pairs = 1  # one in twenty is no warning
    assert list(warnings_of_load([quiet_ones])) == []
    quiet_ones.waited_seconds = 4.0  # and they ended meanwhile
    assert list(warnings_of_load([quiet_ones])) == [
        "measuring waited 4 s for other programs to stop using the processors"
    ]


def test_verdicts_and_the_time_left_are_told_while_measuring() -> None:
    def give(side: str, identity: BenchmarkId, number: int) -> Measured:
        if (side, identity.name, number) == ("head", "fails", 0):
            return Measured(failure="crashed")
        return fine(side, identity, number)

    seen: list[Progress] = []
    scripted(
        ["a", "b", "fails"],
        Plan(min_rounds=2, max_rounds=4, seconds=30),
        give,
        standing=settles_a,
        clock=itertools.count().__next__,
        on_progress=seen.append,
    )
    told = [
        (p.round_number, {verdict.value: n for verdict, n in p.verdicts.items()}, p.undecided)
        for p in seen
    ]
    assert told[:3] == [(1, {}, 3)] * 3
    assert told[3:5] == [(2, {"failed": 1, "inconclusive": 2}, 2)] * 2
    assert told[5:] == [
        (number, {"failed": 1, "unchanged": 1, "inconclusive": 1}, 1) for number in (3, 4)
    ]
    assert seen[0].seconds_left is None
    # Elapsed 2 ticks of the clock for the first pair, so two each for the other five.
    assert seen[1].seconds_left == 2 / 1 * 5
    last = seen[-1]
    assert last.seconds_left is not None
    assert 0 < last.seconds_left < 30


def test_waiting_for_others_is_no_part_of_the_pace() -> None:
    seen: list[Progress] = []
    scripted(
        ["a", "b", "c"],
        Plan(min_rounds=2, max_rounds=2, seconds=1e9),
        fine,
        clock=itertools.count(step=2).__next__,
        on_progress=seen.append,
        quiet=Shares(*[0.9] * 6),  # type: ignore[arg-type]  # waits 2 s each time
    )
    # 4 s for the first pair, 2 of them waited; five pairs are left.
    assert seen[1].seconds_left == (4 - 2) * 5


def test_calls_per_value_are_what_the_first_process_found(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.suite("class Work:\n    def time_work(self): pass\n")
    side = side_of(project)
    asked: list[dict[str, object]] = []

    def answer(request: dict[str, object], **_: object) -> dict[str, object]:
        asked.append(request)
        return {
            "values": [0.5],
            "number": 41 + len(asked),
            "warmup": 0.1,
            "skipped": False,
            "outcome": None,
            "foreign": [],
        }

    monkeypatch.setattr(measured_side, "call_child", answer)
    benchmark = Benchmark(
        name="bench.Work.time_work", kind="time", unit=Unit.SECONDS, parameters=(), version="1",
        timeout=1, automatic_repeat=True,
    )  # fmt: skip
    with MeasuredSide(side, affinity=(0,)) as running:
        for number in range(3):
            running.run(benchmark, benchmark.ids[0], side.suite.benchmarks, number)
    assert [one["overrides"] for one in asked] == [
        {"repeat": measured_side.AUTOMATIC_REPEAT},
        {"repeat": measured_side.AUTOMATIC_REPEAT, "number": 42},
        {"repeat": measured_side.AUTOMATIC_REPEAT, "number": 42},
    ]
    assert all(one["affinity"] == (0,) for one in asked)


def test_measured_processes_stay_on_the_chosen_processor(project: Project) -> None:
    project.suite(
        "import os\n"
        "class Where:\n"
        "    def setup_cache(self):\n"
        "        return sorted(os.sched_getaffinity(0))\n"
        "    def track_processors(self, made_on):\n"
        "        return len(os.sched_getaffinity(0))\n"
        "    def outcome(self, made_on):\n"
        "        return str((made_on, sorted(os.sched_getaffinity(0))))\n"
    )
    side = side_of(project)
    (benchmark,) = discover(side.suite, side.interpreter)
    chosen = max(os.sched_getaffinity(0))
    with MeasuredSide(side, affinity=(chosen,)) as running:
        measured = running.run(benchmark, benchmark.ids[0], side.suite.benchmarks, 0)
    assert measured.values == (1.0,)
    digest = hashlib.sha256(str(([chosen], [chosen])).encode()).hexdigest()[:16]
    assert measured.outcome == f"sha256 {digest}"


def test_the_warm_up_is_the_one_that_asv_runner_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[float] = []

    def benchmark_timing(self: object, timer: object, *_: object, **how: float) -> object:
        del self, timer
        made.append(how["warmup_time"])
        return [0.0], 1

    monkeypatch.setattr(TimeBenchmark, "benchmark_timing", benchmark_timing)
    for wanted in (-1, 0, 2.5):
        benchmark = TimeBenchmark("time_x", lambda: None, [SimpleNamespace(warmup_time=wanted)])
        benchmark.run()
        assert child.warmup_of(benchmark) == made[-1]
    assert made == [0.1, 0, 2.5]
    assert child.warmup_of(SimpleNamespace(type="track")) is None


def test_progress_counts_what_is_planned() -> None:
    seen: list[Progress] = []
    scripted(
        ["a", "b"],
        Plan(min_rounds=2, max_rounds=3, seconds=1e9),
        fine,
        standing=settles_a,
        on_progress=seen.append,
    )
    assert [(p.round_number, p.done, p.planned, p.undecided) for p in seen] == [
        (1, 0, 4, 2),
        (1, 1, 4, 2),
        (2, 2, 4, 2),
        (2, 3, 4, 2),
        (3, 4, 5, 1),
    ]


def test_reset_puts_back_what_earlier_rounds_left(project: Project, tmp_path: Path) -> None:
    left = tmp_path / "left"
    suite = (
        "from pathlib import Path\n"
        f"LEFT = Path({str(left)!r})\n"
        "class Grows:\n"
        "    def track_left(self):\n"
        "        with LEFT.open('a') as file:\n"
        "            file.write('x')\n"
        "        return LEFT.stat().st_size\n"
        "class PutsBack(Grows):\n"
        "    def reset(self):\n"
        "        LEFT.unlink(missing_ok=True)\n"
    )
    measured = one_round(project, suite, rounds=3)
    values = {
        identity.name.split(".")[-2]: [process[0] for process in sample.processes]
        for identity, sample in measured.samples["head"].items()
    }
    assert values["PutsBack"] == [1.0, 1.0, 1.0]
    # Both write to one file, so the other grows wherever it is not put back just before it.
    assert max(values["Grows"]) >= 2.0
