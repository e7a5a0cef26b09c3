"""What a suite's benchmarks measure, as asv's ``benchmarks.json`` describes them."""

from collections.abc import Callable
from pathlib import Path

from perfkit.baselines.asv_json import BrokenJsonError, parse
from perfkit.model import Unit

UnitOf = Callable[[str], Unit]
"""Benchmark name -> unit."""

UNITS = {"seconds": Unit.SECONDS, "bytes": Unit.BYTES}
"""asv's words; every other unit is a plain number to us."""

PREFIXES = {
    "time": Unit.SECONDS,
    "timeraw": Unit.SECONDS,
    "mem": Unit.BYTES,
    "peakmem": Unit.BYTES,
}
"""What the names of benchmarks begin with, by which asv_runner tells their kinds."""


def unit_of_results(folder: Path) -> UnitOf:
    """Return the units of the benchmarks stored in ``folder``.

    Where ``benchmarks.json`` is absent, damaged or silent about a benchmark, the name tells.
    """
    try:
        described = parse((folder / "benchmarks.json").read_bytes())
    except (OSError, BrokenJsonError):
        described = {}
    units = {
        name: UNITS.get(str(value.get("unit")), Unit.COUNT)
        for name, value in (described.items() if isinstance(described, dict) else ())
        if isinstance(value, dict)
    }
    return lambda name: units.get(name) or unit_of_name(name)


def unit_of_name(name: str) -> Unit:
    """Return what asv_runner takes a benchmark of this name for."""
    kind = name.rpartition(".")[2].partition("_")[0].lower()
    return PREFIXES.get(kind, Unit.COUNT)
