"""One built side that runs single processes of its benchmarks."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from perfkit.benchmarking.build import Side
from perfkit.benchmarking.discovery import Benchmark
from perfkit.benchmarking.process import ProcessFailedError, call_child
from perfkit.benchmarking.recorder import Measured, counted_from, measured_from
from perfkit.model import BenchmarkId

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
    """One built side, able to run single processes; owns its scratch folders and caches.

    ``affinity`` are the processors that its processes are kept on, None for all.
    """

    def __init__(self, side: Side, *, affinity: tuple[int, ...] | None = None) -> None:
        self.side = side
        self.affinity = affinity
        self._stack = ExitStack()
        self._caches: dict[str, Path | ProcessFailedError] = {}
        self._loops: dict[BenchmarkId, int] = {}

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
        """Run one process and return what it gave; a failure is a value, not an exception.

        Calls per value are what the first process found, as in asv: its choice in each process
        would be one more difference between them.
        """
        overrides: dict[str, object] = {}
        if identity in self._loops:
            overrides["number"] = self._loops[identity]
        if benchmark.automatic_repeat:
            overrides["repeat"] = AUTOMATIC_REPEAT
        if benchmark.automatic_warmup:
            overrides["warmup_time"] = AUTOMATIC_WARMUP
        try:
            answer = self._call(
                "run", benchmark, identity, suite, round_number=round_number, overrides=overrides
            )
        except ProcessFailedError as error:
            return Measured(failure=str(error), output=error.output)
        measured = measured_from(answer)
        if benchmark.kind == "time" and measured.values:
            self._loops.setdefault(identity, measured.number)
        return measured

    def count(
        self, benchmark: Benchmark, identity: BenchmarkId, suite: Path, round_number: int
    ) -> Measured | None:
        """Run one process and return what calls of a time benchmark allocate, in ``values``.

        None where there is nothing to count: the benchmark declines to run, or asv runs what it
        returns elsewhere.
        """
        try:
            answer = self._call("count", benchmark, identity, suite, round_number=round_number)
        except ProcessFailedError as error:
            return Measured(failure=f"while counting allocations: {error}", output=error.output)
        return counted_from(answer)

    def _call(
        self,
        command: str,
        benchmark: Benchmark,
        identity: BenchmarkId,
        suite: Path,
        *,
        round_number: int,
        overrides: Mapping[str, object] | None = None,
    ) -> dict[str, object]:
        with TemporaryDirectory(prefix="perfkit-bench-") as scratch:
            return call_child(
                {
                    "command": command,
                    "suite": str(suite),
                    "benchmark": benchmark.runner_name(identity),
                    "kind": benchmark.kind,
                    "overrides": overrides or {},
                    "affinity": self.affinity,
                },
                interpreter=self.side.interpreter,
                folder=self._cache_folder(benchmark, suite) or Path(scratch),
                timeout=benchmark.timeout + START_UP_ALLOWANCE,
                # The same seed on both sides of a round: hash order then differs between
                # rounds, where it counts as noise, but not between the sides.
                hash_seed=round_number + 1,
            )

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
                    {
                        "command": "cache",
                        "suite": str(suite),
                        "benchmark": benchmark.name,
                        "affinity": self.affinity,
                    },
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
