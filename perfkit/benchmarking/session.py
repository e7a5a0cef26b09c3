"""Rounds of fresh processes over one or two built sides, until everything is decided."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from perfkit.benchmarking.build import Side
from perfkit.benchmarking.discovery import Benchmark
from perfkit.benchmarking.process import ProcessFailedError, call_child
from perfkit.benchmarking.recorder import Measured, Recorder, measured_from
from perfkit.benchmarking.schedule import SideName, round_order
from perfkit.model import BenchmarkId, Sample

log = logging.getLogger("perfkit.bench")

AUTOMATIC_REPEAT = (2, 5, 0.5)
"""(least, most, seconds) of values per process where the suite leaves ``repeat`` to the tool.

Replication comes from processes, so each one stays short; asv would spend up to 10 s in one.
"""

AUTOMATIC_WARMUP = 0.02
"""Seconds of calls before the first value on CPython where the suite leaves ``warmup_time`` to the
tool. Starting the process has taken longer than asv's 0.1 s and raised the clock of the processor;
a slow first value is not what stands for a process, which is the low end of its values.
"""

START_UP_ALLOWANCE = 30.0
"""Seconds added to a benchmark's own timeout for starting Python, imports and set-up."""


class MeasuredSide(AbstractContextManager["MeasuredSide"]):
    """One built side, able to run single processes; owns its scratch folders and caches."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self._stack = ExitStack()
        self._caches: dict[str, Path | ProcessFailedError] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def run(
        self, benchmark: Benchmark, identity: BenchmarkId, suite: Path, round_number: int
    ) -> Measured:
        """Run one process and return what it gave; a failure is a value, not an exception."""
        overrides: dict[str, object] = {}
        if benchmark.automatic_repeat:
            overrides["repeat"] = AUTOMATIC_REPEAT
        if benchmark.automatic_warmup:
            overrides["warmup_time"] = AUTOMATIC_WARMUP
        with TemporaryDirectory(prefix="perfkit-bench-") as scratch:
            try:
                answer = call_child(
                    {
                        "command": "run",
                        "suite": str(suite),
                        "benchmark": benchmark.runner_name(identity),
                        "kind": benchmark.kind,
                        "overrides": overrides,
                    },
                    interpreter=self.side.interpreter,
                    folder=self._cache_folder(benchmark, suite) or Path(scratch),
                    timeout=benchmark.timeout + START_UP_ALLOWANCE,
                    # The same seed on both sides of a round: hash order then differs between
                    # rounds, where it counts as noise, but not between the sides.
                    hash_seed=round_number + 1,
                )
            except ProcessFailedError as error:
                return Measured(failure=str(error), output=error.output)
        return measured_from(answer)

    def _cache_folder(self, benchmark: Benchmark, suite: Path) -> Path | None:
        """Return the folder with the pickle of ``setup_cache``, made on first use, as asv does."""
        key = benchmark.setup_cache
        if key is None:
            return None
        if key not in self._caches:
            folder = TemporaryDirectory(prefix="perfkit-cache-")
            place = Path(self._stack.enter_context(folder))
            try:
                call_child(
                    {"command": "cache", "suite": str(suite), "benchmark": benchmark.name},
                    interpreter=self.side.interpreter,
                    folder=place,
                    timeout=(benchmark.setup_cache_timeout or benchmark.timeout)
                    + START_UP_ALLOWANCE,
                )
            except ProcessFailedError as error:
                self._caches[key] = error
            else:
                self._caches[key] = place
        found = self._caches[key]
        if isinstance(found, ProcessFailedError):
            raise ProcessFailedError(f"setup_cache: {found}", found.output)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long to measure: at least ``min_rounds``, at most ``max_rounds`` or ``seconds``.

    ``first_look`` is the number of rounds after which a benchmark may be settled before
    ``min_rounds``; None never.
    """

    min_rounds: int
    max_rounds: int
    seconds: float
    seed: int = 0
    first_look: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a measurement stands, for whoever shows it."""

    round_number: int
    rounds: int
    done: int
    planned: int
    undecided: int
    current: str


@dataclass(slots=True, kw_only=True)
class Measurement:
    """All samples of one or two sides. ``failures`` holds the last lines of failed processes."""

    samples: dict[SideName, dict[BenchmarkId, Sample]] = field(default_factory=dict)
    skipped: dict[SideName, set[BenchmarkId]] = field(default_factory=dict)
    failures: dict[tuple[SideName, BenchmarkId], str] = field(default_factory=dict)
    rounds: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    out_of_time: bool = False


Decided = Callable[[Sample, Sample], bool]
"""Whether a benchmark's evidence so far settles its verdict (base sample, head sample)."""


def measure(
    sides: Mapping[SideName, MeasuredSide],
    benchmarks: Sequence[Benchmark],
    identities: Sequence[BenchmarkId],
    plan: Plan,
    *,
    suite: Path,
    decided: Decided,
    clock: Callable[[], float],
    on_progress: Callable[[Progress], None],
) -> Measurement:
    """Measure ``identities`` on every side in interleaved rounds and return all samples.

    ``decided`` is asked from ``plan.first_look`` or ``plan.min_rounds`` on, and what it does not
    settle gets more rounds. ``suite`` is the folder of benchmarks run on every side. A benchmark
    that fails on a side is not run again. Ctrl-C ends the measurement and keeps what whole rounds
    gave.
    """
    by_name = {benchmark.name: benchmark for benchmark in benchmarks}
    recorders = {
        side: {identity: Recorder(by_name[identity.name], identity) for identity in identities}
        for side in sides
    }
    first_look = plan.min_rounds if plan.first_look is None else plan.first_look
    result = Measurement()
    started = clock()
    active = list(identities)
    done = 0
    try:
        for round_number in range(plan.max_rounds):
            if not active:
                break
            if round_number >= plan.min_rounds and clock() - started > plan.seconds:
                result.out_of_time = True
                break
            planned = done + len(active) * max(1, plan.min_rounds - round_number)
            for identity, order in round_order(active, round_number, plan.seed):
                on_progress(
                    Progress(
                        round_number=round_number + 1,
                        rounds=plan.max_rounds,
                        done=done,
                        planned=planned,
                        undecided=len(active),
                        current=str(identity),
                    )
                )
                pair = {
                    side: sides[side].run(by_name[identity.name], identity, suite, round_number)
                    for side in order
                    if side in sides
                }
                for side, measured in pair.items():
                    recorders[side][identity].add(measured, round_number)
                    if measured.failure:
                        result.failures[side, identity] = measured.output
                        log.info("%s on %s: %s", identity, side, measured.failure)
                done += 1
            result.rounds = round_number + 1
            active = [
                identity
                for identity in active
                if not any(
                    recorders[side][identity].failed or recorders[side][identity].skipped
                    for side in sides
                )
                and not (
                    result.rounds >= first_look
                    and len(sides) > 1
                    and decided(
                        recorders["base"][identity].sample(), recorders["head"][identity].sample()
                    )
                )
            ]
    except KeyboardInterrupt:
        result.interrupted = True
    result.seconds = clock() - started
    for side, found in recorders.items():
        result.samples[side] = {
            identity: recorder.sample()
            for identity, recorder in found.items()
            if recorder.processes and not recorder.skipped
        }
        result.skipped[side] = {
            identity for identity, recorder in found.items() if recorder.skipped
        }
    return result
