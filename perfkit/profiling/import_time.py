"""The cold start of a program: what its imports cost in fresh processes, by ``-X importtime``."""

import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from perfkit.errors import InterruptedMeasurementError, MeasurementError, UsageError
from perfkit.model import ImportCost, ImportTimes
from perfkit.process_group import MOST_SECONDS, end_group, end_stragglers, wait
from perfkit.targets.spec import Target, TargetKind

PROCESSES = 5
"""Fresh processes of each kind: enough for a median and to see the spread."""

_LINE = re.compile(r"^import time: +(\d+) \| +(\d+) \| ( *)(\S.*)$")
"""Self and cumulative microseconds, indent by depth, module; the header has no numbers."""

EMPTY = ("-c", "pass")


@dataclass(frozen=True, slots=True)
class Import:
    """One import as a process reported it; times in seconds. ``depth`` 0 is the outermost."""

    module: str
    depth: int
    own: float
    total: float


def parsed(text: str) -> tuple[Import, ...]:
    """Return the imports of one ``-X importtime`` log; a module stands behind what it imports."""
    found = []
    for line in text.splitlines():
        if matched := _LINE.match(line):
            own, total, indent, module = matched.groups()
            found.append(Import(module, len(indent) // 2, int(own) / 1e6, int(total) / 1e6))
    return tuple(found)


def costs(
    runs: Sequence[Sequence[Import]], ignored: frozenset[str] = frozenset()
) -> tuple[ImportCost, ...]:
    """Return the imports of several processes as one tree, in pre-order, the costly ones first.

    Times are medians, with the least and the largest. Modules in ``ignored``, which every
    interpreter imports at its start, are left out, and so is what not every process imported.
    """
    seen: dict[str, list[Import]] = {}
    for run in runs:
        # A module that failed and was imported again is in a log twice.
        for module, one in {one.module: one for one in run}.items():
            seen.setdefault(module, []).append(one)
    whole = {
        module: found
        for module, found in seen.items()
        if len(found) == len(runs) and module not in ignored
    }
    parents = _parents(runs[0]) if runs else {}
    children: dict[str | None, list[str]] = {}
    for module in whole:
        parent = parents.get(module)
        while parent is not None and parent not in whole:
            parent = parents.get(parent)
        children.setdefault(parent, []).append(module)
    totals = {
        module: statistics.median(one.total for one in found) for module, found in whole.items()
    }

    def rising(modules: list[str]) -> list[str]:
        return sorted(modules, key=lambda module: (totals[module], module))

    rows: list[ImportCost] = []
    waiting = [(0, module) for module in rising(children.get(None, []))]
    while waiting:
        depth, module = waiting.pop()
        found = whole[module]
        rows.append(
            ImportCost(
                module=module,
                depth=depth,
                self_seconds=statistics.median(one.own for one in found),
                total_seconds=totals[module],
                total_range=(min(one.total for one in found), max(one.total for one in found)),
            )
        )
        waiting += [(depth + 1, below) for below in rising(children.get(module, []))]
    return tuple(rows)


def _parents(run: Sequence[Import]) -> dict[str, str | None]:
    """Return who imported each module; a log names a module after those that it imported."""
    found: dict[str, str | None] = {}
    open_at: list[tuple[int, str]] = []
    for one in reversed(run):
        while open_at and open_at[-1][0] >= one.depth:
            open_at.pop()
        found[one.module] = open_at[-1][1] if open_at else None
        open_at.append((one.depth, one.module))
    return found


def command_of(target: Target) -> tuple[str, ...]:
    """Return what starts a target anew: a program itself, or the import of a callable's module."""
    match target.kind:
        case TargetKind.SCRIPT:
            return (target.name, *target.args)
        case TargetKind.MODULE:
            return ("-m", target.name, *target.args)
        case TargetKind.CALLABLE:
            return ("-c", f"import {target.name.partition(':')[0]}")
        case _:
            raise UsageError(
                f"--import-time: {target} is a {target.kind}, whose start is its runner's, wanted a"
                " script, -m NAME or pkg.mod:callable"
            )


def import_times(
    target: Target,
    *,
    cwd: Path,
    timeout: float | None,
    clock: Callable[[], float],
    python: str = sys.executable,
) -> ImportTimes:
    """Return what the start of a target costs.

    Three kinds of processes take turns: an empty one, the target, and the target with
    ``-X importtime``, after one start of the target that is shown apart, as it may write bytecode.

    Raises:
        UsageError: The target is of a kind that has no start of its own.
        MeasurementError: It ended with another status than 0, or ran out of time.
    """
    command = command_of(target)

    def run(words: Sequence[str]) -> tuple[float, str]:
        return _run((python, *words), name=str(target), cwd=cwd, timeout=timeout, clock=clock)

    first, _ = run(command)
    empty: list[float] = []
    started: list[float] = []
    logs: list[tuple[Import, ...]] = []
    for _ in range(PROCESSES):
        empty.append(run(EMPTY)[0])
        started.append(run(command)[0])
        logs.append(parsed(run(("-X", "importtime", *command))[1]))
    base = parsed(run(("-X", "importtime", *EMPTY))[1])
    return ImportTimes(
        target=str(target),
        first_seconds=first,
        start_seconds=tuple(started),
        empty_seconds=tuple(empty),
        imports=costs(logs, frozenset(one.module for one in base)),
    )


def _run(
    words: Sequence[str],
    *,
    name: str,
    cwd: Path,
    timeout: float | None,
    clock: Callable[[], float],
) -> tuple[float, str]:
    """Return the wall-clock seconds of one process, and what it wrote to stderr."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        began = clock()
        process = subprocess.Popen(
            list(words),
            cwd=cwd,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
        status: int | None = None
        try:
            status = wait(process, MOST_SECONDS if timeout is None else timeout)
        except subprocess.TimeoutExpired:
            raise MeasurementError(
                f"{name} did not end within {timeout:g} s and was ended: raise --timeout, or name a"
                " callable, whose module is imported and not run"
            ) from None
        except KeyboardInterrupt:
            raise InterruptedMeasurementError(
                f"interrupted while {name} ran; it was ended, and nothing was kept"
            ) from None
        finally:
            if status is None:
                end_group(process)
            end_stragglers(process)
        seconds = clock() - began
        errors.seek(0)
        text = errors.read().decode("utf-8", "replace")
    if status:
        said = [line for line in text.splitlines() if line.strip() and not _LINE.match(line)]
        reason = f": {said[-1].strip()}" if said else ""
        raise MeasurementError(f"{name} ended with status {status} at its start{reason}")
    return seconds, text


def _environment() -> Mapping[str, str]:
    """Return the variables of here, without what would log imports twice."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONPROFILEIMPORTTIME"}
