"""Which benchmarks a suite has, as asv_runner sees them."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from perfkit.benchmarking.process import Interpreter, ProcessFailedError, call_child
from perfkit.benchmarking.suite import Suite
from perfkit.errors import ConfigError, MeasurementError, UsageError
from perfkit.model import BenchmarkId, Unit
from perfkit.plural import plural

DISCOVERY_TIMEOUT = 120.0
"""Seconds for importing a suite; asv itself has no bound here, CI jobs should have one."""

UNITS = {"seconds": Unit.SECONDS, "bytes": Unit.BYTES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One benchmark function and its parameter grid.

    ``description`` is asv_runner's own record, as asv stores it in ``benchmarks.json``.
    """

    name: str
    kind: str
    unit: Unit
    parameters: tuple[tuple[str, ...], ...]
    version: str
    timeout: float
    better: Literal["lower", "higher"] = "lower"
    exact: bool = False
    automatic_repeat: bool = False
    automatic_warmup: bool = False
    setup_cache: str | None = None
    setup_cache_timeout: float | None = None
    description: dict[str, object] = field(default_factory=dict, repr=False)

    @property
    def ids(self) -> tuple[BenchmarkId, ...]:
        """One identity per parameter combination, in asv's order."""
        if not self.parameters:
            return (BenchmarkId(self.name),)
        return tuple(
            BenchmarkId(self.name, combination)
            for combination in itertools.product(*self.parameters)
        )

    def runner_name(self, identity: BenchmarkId) -> str:
        """Return the name asv_runner takes for one combination: ``name-INDEX``."""
        if not self.parameters:
            return self.name
        return f"{self.name}-{self.ids.index(identity)}"


def discover(suite: Suite, interpreter: Interpreter) -> tuple[Benchmark, ...]:
    """Return the suite's benchmarks, imported with ``interpreter``, sorted by name.

    Raises MeasurementError with the suite's own last lines when it does not import, ConfigError
    where two of its modules or benchmarks have one name.
    """
    _refuse_hidden_modules(suite.benchmarks)
    request = {"command": "discover", "suite": str(suite.benchmarks)}
    with TemporaryDirectory(prefix="perfkit-") as folder:
        try:
            answer = call_child(
                request, interpreter=interpreter, folder=Path(folder), timeout=DISCOVERY_TIMEOUT
            )
        except ProcessFailedError as error:
            raise MeasurementError(
                f"{suite.benchmarks}: the suite does not import: {error}; fix it, or install what"
                f" it needs.\n{error.output}"
            ) from error
    described = answer["benchmarks"]
    assert isinstance(described, list)  # noqa: S101  # our own child wrote it
    benchmarks = (_benchmark(entry, suite) for entry in described)
    found = tuple(sorted(benchmarks, key=lambda benchmark: benchmark.name))
    for one, other in pairwise(found):
        if one.name == other.name:
            raise ConfigError(
                f"{suite.benchmarks}: two benchmarks are called {one.name}, so their results could"
                " not be told apart; rename one of them."
            )
    return found


def _refuse_hidden_modules(folder: Path) -> None:
    """A package hides the module of its name, and all benchmarks in it, from every import."""
    for path in sorted(folder.rglob("*.py")):
        hiding = path.with_suffix("") / "__init__.py"
        if hiding.is_file():
            raise ConfigError(
                f"{path} and {hiding} have one name, so Python only imports the second one; rename"
                " one of them."
            )


def _benchmark(entry: dict[str, object], suite: Suite) -> Benchmark:
    own = entry.pop("perfkit")
    assert isinstance(own, dict)  # noqa: S101  # our own child wrote it
    parameters = entry.get("params") or []
    timeout = entry.get("timeout")
    cache_timeout = entry.get("setup_cache_timeout")
    return Benchmark(
        name=str(entry["name"]),
        kind=str(entry["type"]),
        unit=UNITS.get(str(entry.get("unit")), Unit.COUNT),
        parameters=tuple(tuple(str(value) for value in axis) for axis in _rows(parameters)),
        version=str(entry.get("version", "")),
        timeout=float(timeout) if isinstance(timeout, int | float) else suite.default_timeout,
        better="higher" if own.get("better") == "higher" else "lower",
        exact=own.get("exact") is True,
        automatic_repeat=entry.get("type") == "time" and entry.get("repeat") == 0,
        automatic_warmup=entry.get("type") == "time" and entry.get("warmup_time") == -1,
        setup_cache=str(entry["setup_cache_key"]) if entry.get("setup_cache_key") else None,
        setup_cache_timeout=(
            float(cache_timeout) if isinstance(cache_timeout, int | float) else None
        ),
        description=entry,
    )


def _rows(value: object) -> Sequence[Sequence[object]]:
    assert isinstance(value, list)  # noqa: S101  # asv_runner's own listing
    return value


def select(identities: Sequence[BenchmarkId], patterns: Sequence[str]) -> list[BenchmarkId]:
    """Return the identities that match any of the regular expressions; all without any.

    A pattern is searched in ``name(param, ...)``, as ``asv run --bench`` does. UsageError where a
    pattern is none, or where nothing matches.
    """
    if not patterns:
        return list(identities)
    wanted = compiled(patterns)
    chosen = [
        identity
        for identity in identities
        if any(pattern.search(str(identity)) for pattern in wanted)
    ]
    if not chosen:
        known = ", ".join(str(identity) for identity in identities[:5]) or "none"
        raise UsageError(
            f"of {plural(len(identities), 'benchmark')} none matches"
            f" {' or '.join(map(repr, patterns))};"
            f" the first ones are {known}."
        )
    return chosen


def compiled(patterns: Sequence[str]) -> list[re.Pattern[str]]:
    """Return the regular expressions that ``patterns`` mean; UsageError where one means none."""
    try:
        return [re.compile(pattern) for pattern in patterns]
    except re.error as error:
        raise UsageError(
            f"{error.pattern!r} is no regular expression for the name of a benchmark: {error}."
        ) from error
