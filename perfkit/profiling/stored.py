"""The stored profiles of a repository, laid under its present change."""

import hashlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from perfkit.benchmarking.build import Side
from perfkit.durable import write_whole
from perfkit.errors import MeasurementError, UsageError
from perfkit.forge.diff import changed_files
from perfkit.forge.git import Repository
from perfkit.model import BenchmarkId, Impact, Revision
from perfkit.profiling.builds import checkout_of, place
from perfkit.profiling.capture import INTERVAL_SECONDS, recorded, timed
from perfkit.profiling.impact import KnownPath, impact
from perfkit.profiling.origin import sources_of
from perfkit.profiling.prose import code_folders
from perfkit.profiling.saved import SUFFIX, Origin, Saved, load, load_all, session_text
from perfkit.profiling.touched import changed_functions
from perfkit.targets.spec import Target, TargetKind

RECORD = (
    "record some with `perfkit impact --record`, or one with `perfkit profile TARGET --output FILE`"
)

LONGEST_SECONDS = 120.0
"""Time that timing, and then recording, one benchmark may take."""


def profile_file(folder: Path, target: str) -> Path:
    """Return where the profile of a target is kept: its name made safe, and a hash of it."""
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", target).strip("-.")[:80]
    return folder / f"{safe}-{hashlib.sha256(target.encode()).hexdigest()[:8]}{SUFFIX}"


def stored_profiles(where: Path) -> tuple[Saved, ...]:
    """Return the stored profiles of a file or a folder; UsageError where there is none."""
    if not where.exists():
        raise UsageError(f"{where}: found no stored profile there; {RECORD}.")
    return (load(where),) if where.is_file() else load_all(where)


def impact_of_change(repository: Repository, base: Revision, stored: Iterable[Saved]) -> Impact:
    """Return what the change from ``base`` to the working tree touches of the stored profiles."""

    def before(name: str) -> str:
        return _readable(repository.git("show", f"{base.commit}:{name}"))

    def now(name: str) -> str:
        return _readable((repository.root / name).read_text("utf-8", errors="surrogateescape"))

    changes = changed_files(repository, base.commit)
    files = repository.git("ls-tree", "-r", "-z", "--name-only", base.commit).split("\0")
    known = {*files, *(change.new for change in changes if change.new), ""} - {""}
    functions, unplaced = changed_functions(changes, before, now, code_folders(known))
    paths = [
        KnownPath(
            recording=one.recording,
            sources=sources_of(
                one.origin, repository if repository.knows(one.origin.commit or "-") else None
            ),
            commit=one.origin.commit,
            behind=commits_behind(repository, one.origin.commit, base.commit),
        )
        for one in stored
    ]
    renamed = [change for change in changes if change.old and change.new != change.old]
    moved = [f"{change.old} -> {change.new}" for change in renamed if change.new]
    notes = list(unplaced)
    if moved:
        notes.append(f"followed where git sees a renamed file: {', '.join(moved)}")
    return impact(base.label, functions, paths, notes, unplaced)


def record_benchmarks(
    side: Side, identities: Iterable[BenchmarkId], folder: Path, *, say: Callable[[str], None]
) -> None:
    """Profile each benchmark of a build once and keep it in ``folder``, over an older one.

    One that fails is said, and the others go on. MeasurementError where none was recorded.
    """
    kept = 0
    for identity in identities:
        target = Target(TargetKind.BENCHMARK, str(identity))
        where = place(side, side, target, Path())
        say(f"profiling {target}")
        try:
            timing = timed(target, where, repeat="auto", warmup=0, timeout=LONGEST_SECONDS)
            recording = recorded(
                target,
                where,
                timing=timing,
                interval=INTERVAL_SECONDS,
                repeat="auto",
                warmup=0,
                timeout=LONGEST_SECONDS,
            )
        except MeasurementError as error:
            say(f"not stored: {error}")
            continue
        roots = (checkout_of(side), side.interpreter.site)
        origin = Origin(
            roots=tuple(dict.fromkeys(str(root) for root in roots if root is not None)),
            commit=side.revision.commit,
            dirty=side.revision.dirty,
        )
        write_whole(profile_file(folder, str(target)), session_text(recording, origin))
        kept += 1
    if not kept:
        raise MeasurementError(f"no benchmark could be profiled, so {folder} got nothing new")


def commits_behind(repository: Repository, commit: str, base: str) -> int | None:
    """Return how many commits ``base`` has that ``commit`` has not; None where it is not known."""
    if not commit or not repository.knows(commit):
        return None
    return int(repository.git("rev-list", "--count", f"{commit}..{base}"))


def _readable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
