"""What runs inside a measured process: asv_runner's discovery, cache and run protocol.

Executed by path with the interpreter of the measured side, where perfkit itself need not be
installed; so this file uses the standard library and asv_runner only. Each command reads one
request (JSON) and writes one result (JSON, through a rename, so that half a file is never read).
"""

import hashlib
import importlib
import io
import json
import math
import os
import pickle
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any


def main() -> None:
    """Serve one request: ``child.py REQUEST.json RESULT.json``."""
    # The folder of this file is not a place to import from: it holds modules of perfkit.
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != here]
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if request.get("affinity"):
        os.sched_setaffinity(0, request["affinity"])
    commands = {
        "discover": discover,
        "cache": cache,
        "run": run,
        "count": count,
        "installed": installed,
    }
    answer = commands[request["command"]](request)
    result = Path(sys.argv[2])
    partial = result.with_suffix(".partial")
    partial.write_text(json.dumps(answer), encoding="utf-8")
    partial.replace(result)


def discover(request: dict[str, object]) -> dict[str, object]:
    """Return asv_runner's description of every benchmark, and each one's perfkit attributes."""
    from asv_runner import discovery

    listing = io.StringIO()
    discovery.list_benchmarks(str(request["suite"]), listing)
    described = json.loads(listing.getvalue())
    for entry in described:
        benchmark = discovery.get_benchmark_from_name(str(request["suite"]), entry["name"])
        entry["perfkit"] = {
            name: value
            for name, value in (
                ("better", attribute(benchmark, "better")),
                ("exact", attribute(benchmark, "exact")),
            )
            if value is not None
        }
    return {"benchmarks": described}


def installed(request: dict[str, object]) -> dict[str, object]:
    """Return name and version of every package that is measured with, asv_runner's, and Python's.

    ``facts`` is the file that describes an interpreter, the same for perfkit's own. The project
    itself is left out: it is what is measured, and found in ``site`` or installed from a folder
    (PEP 610).
    """
    from importlib.metadata import distributions, version

    path = [entry for entry in sys.path if entry != request["site"]]
    found = {
        (str(one.metadata["Name"]), one.version)
        for one in distributions(path=path)
        if "dir_info" not in json.loads(one.read_text("direct_url.json") or "{}")
    }
    return {
        "packages": sorted(found),
        "asv_runner": version("asv_runner"),
        "python": str(runpy.run_path(str(request["facts"]))["read_interpreter"]()),
    }


def attribute(benchmark: object, name: str) -> object:
    """Return what the benchmark function, its class or its module says for ``name``."""
    function = benchmark.func  # type: ignore[attr-defined]
    for source in (function, getattr(function, "__self__", None)):
        value = getattr(source, name, None)
        if isinstance(value, str | bool):
            return value
    return None


def cache(request: dict[str, object]) -> dict[str, object]:
    """Run ``setup_cache`` and leave its pickle in the working folder, as asv does."""
    from asv_runner import discovery

    benchmark = discovery.get_benchmark_from_name(str(request["suite"]), str(request["benchmark"]))
    value = benchmark.do_setup_cache()
    with Path("cache.pickle").open("wb") as file:
        pickle.dump(value, file)
    return {}


def run(request: dict[str, object]) -> dict[str, object]:
    """Measure one benchmark at one parameter combination, then ask for its outcome.

    A class may define ``reset(self)``, called once before everything else: it puts back what
    earlier rounds left outside of the process, such as files.
    """
    benchmark, stored = prepared(request)
    from asv_runner.benchmarks.mark import SkipNotImplemented

    outcome = peak = None
    held = resident_bytes() if request.get("kind") == "time" else None
    skipped = bool(benchmark.do_setup())
    result: object = None
    try:
        if not skipped:
            try:
                result = benchmark.do_run()
                peak = peak_bytes() if held is not None else None
                outcome = outcome_digest(benchmark, stored)
            except SkipNotImplemented:
                skipped = True
    finally:
        benchmark.do_teardown()
    values, number = values_of(result)
    return {
        "values": values,
        "number": number,
        "warmup": warmup_of(benchmark),
        "skipped": skipped,
        "outcome": outcome,
        "peak": None if peak is None or held is None else max(peak - held, 0),
        "foreign": foreign_modules(request),
    }


def prepared(request: dict[str, object]) -> tuple[Any, object]:
    """Return the benchmark before its ``setup``, and what ``setup_cache`` returned for it."""
    with only_for(str(request["kind"])):
        from asv_runner import discovery

        importlib.import_module("asv_runner.benchmarks.mark")
    overrides = request["overrides"]
    assert isinstance(overrides, dict)  # noqa: S101  # perfkit wrote it
    if sys.implementation.name != "cpython":
        overrides.pop("warmup_time", None)  # asv_runner knows how long their compilers need
    benchmark = discovery.get_benchmark_from_name(
        str(request["suite"]), str(request["benchmark"]), extra_params=overrides
    )
    stored = None
    if benchmark.setup_cache_key is not None:
        with Path("cache.pickle").open("rb") as file:
            stored = pickle.load(file)  # noqa: S301  # written by this run's own cache command
    benchmark.set_cache(stored)
    if callable(reset := getattr(getattr(benchmark.func, "__self__", None), "reset", None)):
        reset()
    return benchmark, stored


def count(request: dict[str, object]) -> dict[str, object]:
    """Return what single calls of a time benchmark allocate, or why that cannot be counted.

    No time is taken in this process, and no count in one that takes times.
    """
    counting = runpy.run_path(str(Path(__file__).with_name("counting.py")))
    if why := counting["missing"]():
        return {"why": why, "counts": [], "foreign": []}
    benchmark, _ = prepared(request)
    counts: list[int] = []
    skipped = bool(benchmark.do_setup())
    try:
        if not skipped:
            counts = counting["allocations"](benchmark, Path.cwd())
    finally:
        benchmark.do_teardown()
    return {"why": "", "counts": counts, "foreign": foreign_modules(request)}


@contextmanager
def only_for(kind: str) -> Iterator[None]:
    """Let asv_runner import nothing that a benchmark that takes times does without.

    In every process it imports pympler, and with it numpy, for ``mem_`` benchmarks, and reads all
    installed distributions to find plug-ins: two thirds of what starting a process costs. The
    kind is known from ``discover``, which lets it see everything. A ``peakmem_`` benchmark
    measures the process as it is, so there too everything is imported.
    """
    if kind != "time" or plugins_on_path():
        yield
        return
    metadata = ModuleType("importlib.metadata")
    metadata.distributions = tuple  # type: ignore[attr-defined]  # called, it lists none
    # None makes importing a module fail, which asv_runner takes for pympler not being installed.
    hidden = {"importlib.metadata": metadata, "pympler": None}
    before = {name: sys.modules[name] for name in hidden if name in sys.modules}
    sys.modules.update(hidden)  # type: ignore[arg-type]  # None is documented, but not typed
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
        sys.modules.update(before)


def plugins_on_path() -> bool:
    """Whether a distribution is installed that asv_runner takes for a plug-in, by its name."""
    return any(
        entry.name.lower().startswith("asv_bench")
        for folder in sys.path
        if folder and Path(folder).is_dir()
        for entry in Path(folder).iterdir()
    )


def resident_bytes() -> int | None:
    """Return the memory that this process holds now, and let its peak start anew from here.

    None where the system has no such file (Linux has it since 4.0) or does not let it be written.
    The peak that getrusage gives cannot start anew, and begins with the parent's.
    """
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return None
    return status_bytes("VmRSS")


def peak_bytes() -> int | None:
    """Return the most memory that this process held since :func:`resident_bytes`."""
    return status_bytes("VmHWM")


def status_bytes(name: str) -> int | None:
    """Return a size that Linux tells of this process; None where it does not."""
    try:
        text = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0]) * 1024
    return None


def values_of(result: object) -> tuple[list[float | str | None], int]:
    """Return a run's values and the calls per value; what is no finite number becomes text."""
    if isinstance(result, dict):
        samples, number = result.get("samples", []), result.get("number", 1)
    else:
        samples, number = ([] if result is None else [result]), 1
    values: list[float | str | None] = []
    for sample in samples:
        try:
            if isinstance(sample, str | bytes):
                raise TypeError  # noqa: TRY301  # text is no measurement, even if it holds digits
            value = float(sample)
        except (TypeError, ValueError):
            values.append(repr(sample)[:80])
        else:
            values.append(value if math.isfinite(value) else repr(value))
    return values, number


def warmup_of(benchmark: object) -> float | None:
    """Return for how many seconds a benchmark is called before its first value.

    None for a kind that is not warmed up. What is negative stands for asv_runner's own choice.
    """
    seconds = getattr(benchmark, "warmup_time", None)
    if seconds is None or seconds >= 0:
        return None if seconds is None else float(seconds)
    return {"pypy": 1.0, "graalpy": 5.0}.get(sys.implementation.name, 0.1)


def outcome_digest(benchmark: object, stored: object) -> str | None:
    """Return what the benchmark says it did: a count as such, anything else as a digest."""
    owner = getattr(benchmark.func, "__self__", None)  # type: ignore[attr-defined]
    method = getattr(owner, "outcome", None)
    if method is None:
        return None
    parameters = tuple(benchmark._current_params)  # type: ignore[attr-defined]  # noqa: SLF001  # asv_runner offers no public name for it
    outcome = method(*(() if stored is None else (stored,)), *parameters)
    if isinstance(outcome, int):
        return f"count {outcome}"
    data = outcome if isinstance(outcome, bytes) else str(outcome).encode()
    return f"sha256 {hashlib.sha256(data).hexdigest()[:16]}"


def foreign_modules(request: dict[str, object]) -> list[str]:
    """Return imported modules of the project that come from elsewhere than the built side.

    Measuring an installed copy instead of the commit is the classic silent mistake of
    comparisons; an entry here makes the measurement invalid.
    """
    site = request.get("site")
    if not site:
        return []
    root = Path(str(site)).resolve()
    # The suite itself may lie inside the project; both sides run the same one, of head.
    suite = Path(str(request["suite"])).resolve()
    owned = {entry.name.partition(".")[0] for entry in root.iterdir() if is_module(entry)}
    wrong = []
    for name in sorted(owned & set(sys.modules)):
        origin = getattr(sys.modules[name], "__file__", None)
        if origin and not {root, suite} & set(Path(origin).resolve().parents):
            wrong.append(f"{name} from {origin}")
    return wrong


def is_module(entry: Path) -> bool:
    """Whether a file or folder is what Python imports under its name."""
    if entry.is_dir():
        return (entry / "__init__.py").exists()
    return entry.suffix in {".py", ".so", ".pyd"}


if __name__ == "__main__":
    main()
