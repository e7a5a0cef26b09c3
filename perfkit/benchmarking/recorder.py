"""Raw processes become samples."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from perfkit.benchmarking.discovery import Benchmark
from perfkit.model import BenchmarkId, Sample, Unit

PAGE = 4096
"""Bytes; the smallest page of any system that perfkit runs on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one process gave: values in the benchmark's unit, in order of execution.

    ``number`` is the calls behind each value, ``warmup`` the seconds of calls before the first
    one. ``loaded`` says that other programs used the machine meanwhile. ``failure`` is a sentence,
    and then there are no values. ``output`` holds the last lines of a failed process.
    """

    values: tuple[float, ...] = ()
    number: int = 1
    warmup: float | None = None
    outcome: str | None = None
    skipped: bool = False
    failure: str | None = None
    output: str = ""
    loaded: bool = False
    peak: int | None = None
    """Most bytes held beyond what the imports left, of a time benchmark; None where not told."""


def measured_from(answer: dict[str, object]) -> Measured:
    """Read the answer of a measuring child; what is no finite, non-negative number is a failure."""
    foreign = answer["foreign"]
    if foreign:
        assert isinstance(foreign, list)  # noqa: S101  # our own child wrote it
        return Measured(failure=_wrong_code([str(one) for one in foreign]))
    if answer["skipped"]:
        return Measured(skipped=True)
    values = answer["values"]
    assert isinstance(values, list)  # noqa: S101  # our own child wrote it
    wrong = [value for value in values if not isinstance(value, int | float) or value < 0]
    if wrong:
        return Measured(failure=f"gave {wrong[0]}, wanted a finite number of at least 0")
    if not values:
        return Measured(failure="gave no value")
    outcome = answer["outcome"]
    number, warmup = answer["number"], answer["warmup"]
    return Measured(
        values=tuple(float(value) for value in values),
        number=number if isinstance(number, int) else 1,
        warmup=warmup if isinstance(warmup, float) else None,
        outcome=None if outcome is None else str(outcome),
        peak=peak if isinstance(peak := answer.get("peak"), int) else None,
    )


def counted_from(answer: dict[str, object]) -> Measured | None:
    """Read a child's counts of allocations; None where there was nothing to count."""
    foreign, counts = answer["foreign"], answer["counts"]
    assert isinstance(foreign, list)  # noqa: S101  # our own child wrote it
    assert isinstance(counts, list)  # noqa: S101  # our own child wrote it
    if answer["why"]:
        return Measured(failure=str(answer["why"]))
    if foreign:
        return Measured(failure=_wrong_code([str(one) for one in foreign]))
    return Measured(values=tuple(map(float, counts))) if counts else None


def _wrong_code(foreign: Sequence[str]) -> str:
    """Return what is said of modules of the project that came from elsewhere than the build.

    ``foreign`` holds them as "NAME from FILE".
    """
    more = f" and {len(foreign) - 1} more" if foreign[1:] else ""
    return (
        f"measured the wrong code: found {foreign[0]}{more}, wanted the build of this revision;"
        " let the suite import the project by its name, and leave sys.path and PYTHONPATH alone"
    )


@dataclass(slots=True)
class Recorder:
    """Collects the processes of one benchmark on one side, round by round."""

    benchmark: Benchmark
    identity: BenchmarkId
    processes: list[Measured] = field(default_factory=list)
    rounds: list[int] = field(default_factory=list)

    def add(self, measured: Measured, round_number: int) -> None:
        """Record one process of one round."""
        self.processes.append(measured)
        self.rounds.append(round_number)

    @property
    def failed(self) -> bool:
        """Whether any process crashed, timed out or gave an invalid value."""
        return any(process.failure for process in self.processes)

    def peak_memory(self) -> Sample | None:
        """Return the peaks of a time benchmark's processes; None where the system tells none.

        A process that took no page at all counts as one page, as its logarithm has to exist.
        """
        worked = [
            (process.peak, number)
            for process, number in zip(self.processes, self.rounds, strict=True)
            if process.values and process.peak is not None
        ]
        if not worked:
            return None
        return Sample(
            benchmark=self.identity.peak_memory,
            unit=Unit.BYTES,
            processes=tuple((float(max(peak, PAGE)),) for peak, _ in worked),
            rounds=tuple(number for _, number in worked),
            source_hash=self.benchmark.version or None,
        )

    @property
    def skipped(self) -> bool:
        """Whether the benchmark declined to run for these parameters."""
        return any(process.skipped for process in self.processes)

    def sample(self) -> Sample:
        """Return everything recorded as a value."""
        worked = [
            (process, number)
            for process, number in zip(self.processes, self.rounds, strict=True)
            if process.values
        ]
        outcomes = {process.outcome for process in self.processes if process.outcome is not None}
        failure = next((process.failure for process in self.processes if process.failure), None)
        notes = []
        if len(outcomes) > 1:
            notes.append(f"the outcome differs between processes: {', '.join(sorted(outcomes))}")
        return Sample(
            benchmark=self.identity,
            unit=self.benchmark.unit,
            processes=tuple(process.values for process, _ in worked),
            rounds=tuple(number for _, number in worked),
            outcome=_common(sorted(outcomes)),
            failure=failure,
            better=self.benchmark.better,
            exact=self.benchmark.exact,
            source_hash=self.benchmark.version or None,
            notes=tuple(notes),
            loops=tuple(process.number for process, _ in worked),
            warmup=next((process.warmup for process, _ in worked), None),
            loaded=tuple(number for process, number in worked if process.loaded),
        )


def _common(outcomes: Sequence[str]) -> str | None:
    """Return the one outcome, or a name for unstable ones that equals only itself repeated."""
    if not outcomes:
        return None
    return outcomes[0] if len(outcomes) == 1 else "unstable"
