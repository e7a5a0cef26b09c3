"""Runs from the JSON of other benchmark tools.

Formats: pytest-benchmark 4 and 5 (``--benchmark-json``, the raw data under ``stats.data``), pyperf
1 and 2 (file format 1.0), hyperfine (``--export-json``) and Google Benchmark
(``--benchmark_format=json``). Each is told by the keys that only it has.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from perfkit.errors import UsageError
from perfkit.model import BenchmarkId, Environment, Run, Sample, Unit

UNKNOWN: Final = "unknown"

SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
"""Google Benchmark's units of time."""

PYPERF_UNITS: Final = {"second": Unit.SECONDS, "byte": Unit.BYTES, "integer": Unit.COUNT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a file says: the tool, the machine's facts, when (ms since 1970), and the samples.

    Facts and time are None where the file does not say them.
    """

    tool: str
    cpu: str | None
    cores: int | None
    system: str | None
    python: str | None
    started: int | None
    samples: tuple[Sample, ...]


def read_foreign(path: Path) -> Measured:
    """Return what ``path`` holds; UsageError where it is of none of the four formats."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not readable as JSON: {error}.") from error
    read = _reader(values)
    if read is None:
        raise UsageError(
            f"{path}: is of no known format; wanted the JSON of pytest-benchmark, pyperf,"
            " hyperfine or Google Benchmark."
        )
    try:
        measured = read(values)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{path}: looks like {read.__name__.strip('_')} and is shaped differently:"
            f" {type(error).__name__}: {error}."
        ) from error
    if not measured.samples:
        raise UsageError(f"{path}: holds no measured value.")
    return measured


def _reader(values: object) -> Callable[[Mapping[str, Any]], Measured] | None:
    match values:
        case {"machine_info": dict(), "benchmarks": list()}:
            return _pytest_benchmark
        case {"benchmarks": list(), "version": str()}:
            return _pyperf
        case {"context": dict(), "benchmarks": list()}:
            return _google_benchmark
        case {"results": [{"command": str()}, *_]}:
            return _hyperfine
        case _:
            return None


def _pytest_benchmark(values: Mapping[str, Any]) -> Measured:
    machine = values["machine_info"]
    cpu = machine.get("cpu") or {}
    return Measured(
        tool="pytest-benchmark",
        cpu=cpu.get("brand_raw") or cpu.get("brand"),
        cores=cpu.get("count"),
        system=machine.get("system"),
        python=machine.get("python_version"),
        started=_milliseconds(values.get("datetime")),
        samples=tuple(
            # One process runs all rounds; without --benchmark-save-data only statistics are kept.
            _timed(one["fullname"], [one["stats"].get("data") or [one["stats"]["median"]]])
            for one in values["benchmarks"]
        ),
    )


def _pyperf(values: Mapping[str, Any]) -> Measured:
    common = values.get("metadata", {})
    samples, started = [], None
    for benchmark in values["benchmarks"]:
        facts = {**common, **benchmark.get("metadata", {})}
        # A run is a process; those that only calibrate have no values.
        runs = [run for run in benchmark["runs"] if run.get("values")]
        if runs:
            unit = PYPERF_UNITS.get(facts.get("unit", "second"), Unit.COUNT)
            samples.append(_timed(facts["name"], [run["values"] for run in runs], unit))
            facts = {**facts, **runs[0].get("metadata", {})}
            started = started or _milliseconds(facts.get("date"))
            common = {**facts, **common}
    return Measured(
        tool="pyperf",
        cpu=common.get("cpu_model_name"),
        cores=common.get("cpu_count"),
        system=str(common["platform"]).partition("-")[0] if "platform" in common else None,
        python=str(common["python_version"]).split(" ")[0] if "python_version" in common else None,
        started=started,
        samples=tuple(samples),
    )


def _hyperfine(values: Mapping[str, Any]) -> Measured:
    samples = []
    for result in values["results"]:
        failed = [code for code in result.get("exit_codes") or () if code]
        # Every time is that of a fresh process.
        times = result.get("times") or [result["median"]]
        sample = _timed(result["command"], [[seconds] for seconds in times])
        if failed:
            sample = Sample(
                benchmark=sample.benchmark,
                unit=Unit.SECONDS,
                failure=f"{len(failed)} of {len(times)} runs failed, the first with {failed[0]}",
                source_hash=VERSION,
            )
        samples.append(sample)
    return Measured(
        tool="hyperfine",
        cpu=None,
        cores=None,
        system=None,
        python=None,
        started=None,
        samples=tuple(samples),
    )


def _google_benchmark(values: Mapping[str, Any]) -> Measured:
    context = values["context"]
    repetitions: dict[str, list[float]] = {}
    failures: dict[str, str] = {}
    for one in values["benchmarks"]:
        if one.get("run_type", "iteration") != "iteration":
            continue  # mean, median and so on of the others
        name = one.get("run_name", one["name"])
        if one.get("error_occurred"):
            failures[name] = one.get("error_message") or "failed"
        else:
            seconds = one["real_time"] * SECONDS[one.get("time_unit", "ns")]
            repetitions.setdefault(name, []).append(seconds)
    return Measured(
        tool="google-benchmark",
        cpu=None,
        cores=context.get("num_cpus"),
        system=None,
        python=None,
        started=_milliseconds(context.get("date")),
        samples=(
            *(_timed(name, [times]) for name, times in repetitions.items() if name not in failures),
            *(
                Sample(
                    benchmark=BenchmarkId(name),
                    unit=Unit.SECONDS,
                    failure=failure,
                    source_hash=VERSION,
                )
                for name, failure in failures.items()
            ),
        ),
    )


VERSION: Final = "imported"
"""Stands for the version of a benchmark's source, which no other tool records."""


def _timed(name: str, processes: Sequence[Sequence[float]], unit: Unit = Unit.SECONDS) -> Sample:
    return Sample(
        benchmark=BenchmarkId(name),
        unit=unit,
        processes=tuple(tuple(float(value) for value in values) for values in processes),
        rounds=tuple(range(len(processes))),
        source_hash=VERSION,
    )


def _milliseconds(text: str | None) -> int | None:
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def as_run(measured: Measured, *, commit: str, date: int, started: int) -> Run:
    """Return a run of ``commit`` with author date ``date``; times in milliseconds since 1970.

    ``started`` counts where the file does not say when it was measured. What the file does not
    tell about the machine is ``unknown``: it never borrows facts of the machine that imports.
    """
    began = started if measured.started is None else measured.started
    return Run(
        identity=f"{began:013d}",
        commit=commit,
        dirty=False,
        date=date,
        started=began,
        environment=Environment(
            label=measured.tool,
            cpu=measured.cpu or f"{UNKNOWN} {measured.tool}",
            cores=measured.cores or 0,
            memory_bytes=0,
            system=measured.system or UNKNOWN,
            kernel=UNKNOWN,
            libc=UNKNOWN,
            python=measured.python or UNKNOWN,
            governor=None,
            quota_cores=None,
            packages_digest="",
            load=None,
        ),
        samples=tuple(sorted(measured.samples, key=lambda one: one.benchmark)),
    )


def descriptions_of(run: Run) -> dict[str, dict[str, object]]:
    """Return asv's records of the benchmarks of an imported run."""
    words = {Unit.SECONDS: "seconds", Unit.BYTES: "bytes", Unit.COUNT: "unit"}
    return {
        sample.benchmark.name: {
            "name": sample.benchmark.name,
            "params": [],
            "param_names": [],
            "type": "time" if sample.unit is Unit.SECONDS else "track",
            "unit": words[sample.unit],
            "version": VERSION,
            "code": "",
            "timeout": 60.0,
        }
        for sample in run.samples
    }
