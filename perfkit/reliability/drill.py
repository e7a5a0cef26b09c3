"""A disaster rehearsed: back up, damage a copy, notice, restore, compare, and measure."""

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from perfkit.errors import MeasurementError
from perfkit.model import DrillResult, Status
from perfkit.plural import plural
from perfkit.reliability.backup import (
    Manifest,
    back_up,
    files_of,
    is_restored,
    problems,
    read_manifest,
    restore,
)

DAMAGES = ("a bit turned", "the end cut off", "a block of zeros", "emptied")
BLOCK = 512


def rehearse(
    sources: Sequence[Path],
    *,
    archive: Path | None,
    longest_recovery: float | None,
    longest_loss: float | None,
    seed: int,
    clock: Callable[[], float],
    now: Callable[[], float],
) -> DrillResult:
    """Rehearse with a new backup of ``sources``, or with the one at ``archive``.

    Nothing outside a temporary folder is written. ``clock`` is monotonic, ``now`` in seconds since
    1970, which is what a backup is dated with.
    """
    with tempfile.TemporaryDirectory(prefix="perfkit-drill-") as scratch:
        folder = Path(scratch)
        begun = clock()
        if archive is None:
            archive = folder / "backup.tar"
            back_up(sources, archive, taken_at=now())
        backup_seconds = clock() - begun
        manifest = read_manifest(archive)
        missing = tuple(not_held(manifest, sources))
        declared = now()
        rng = random.Random(seed)
        detected = sum(_noticed(archive, folder / "damaged.tar", kind, rng) for kind in DAMAGES)
        begun = clock()
        restored = folder / "restored"
        restore(archive, restored)
        recovery_seconds = clock() - begun
        same = is_restored(manifest, restored)
        rows = sum(_rows(path) for path in restored.rglob("*") if path.is_file())
    result = DrillResult(
        sources=tuple(map(str, sources)),
        files=len(manifest.files),
        size=sum(one.size for one in manifest.files),
        rows=rows,
        backup_seconds=backup_seconds,
        damages=len(DAMAGES),
        detected=detected,
        recovery_seconds=recovery_seconds,
        lost_seconds=max(0.0, declared - manifest.taken_at),
        same=same,
        digest=manifest.digest,
        missing=missing,
        longest_recovery=longest_recovery,
        longest_loss=longest_loss,
        status=Status.PASSED,
        reasons=(),
    )
    found = tuple(reasons(result))
    return replace(result, status=Status.FAILED if found else Status.PASSED, reasons=found)


def reasons(drill: DrillResult) -> Iterator[str]:
    """Yield what failed in a drill, a sentence each; pure."""
    if not drill.files:
        yield "the backup holds no file"
    yield from drill.missing
    if drill.detected < drill.damages:
        yield f"{drill.damages - drill.detected} of {drill.damages} damages were not noticed"
    if not drill.same:
        yield "what was restored is not what was backed up"
    allowed, took = drill.longest_recovery, drill.recovery_seconds
    if allowed is not None and took > allowed:
        yield f"restoring took {took:.3g} s, wanted at most {allowed:g} s"
    allowed, lost = drill.longest_loss, drill.lost_seconds
    if allowed is not None and lost > allowed:
        yield f"the backup was {lost:.3g} s old, wanted at most {allowed:g} s"


def not_held(manifest: Manifest, sources: Sequence[Path]) -> Iterator[str]:
    """Yield what ``sources`` held when a backup was made and it does not hold, a clause each.

    A file that appeared since is no fault of the backup; how old that is, is its RPO. When a file
    appeared is when its inode last changed (stat(2), st_ctim): its content may be older.
    """
    held = {one.path for one in manifest.files}
    for source in sources:
        name = source.resolve().name
        there = list(files_of(source.resolve())) if source.exists() else []
        nothing = not any(one == name or one.startswith(f"{name}/") for one in held)
        if nothing and (there or not source.exists()):
            yield f"the backup holds nothing of {source}"
            continue
        lost = [
            path
            for path, one in there
            if one not in held and path.stat().st_ctime < manifest.taken_at
        ]
        if lost:
            count = plural(len(lost), "file")
            yield f"the backup lacks {count} that {source} held when it was made: {lost[0].name}"


def damage(archive: Path, kind: str, rng: random.Random) -> None:
    """Damage a backup in its place, anywhere in it."""
    size = archive.stat().st_size
    with archive.open("r+b") as file:
        place = rng.randrange(size)
        match kind:
            case "a bit turned":
                file.seek(place)
                old = file.read(1)
                file.seek(place)
                file.write(bytes([old[0] ^ (1 << rng.randrange(8))]))
            case "the end cut off":
                file.truncate(place)
            case "a block of zeros":
                file.seek(place // BLOCK * BLOCK)
                file.write(bytes(min(BLOCK, size - place // BLOCK * BLOCK)))
            case _:
                file.truncate(0)


def _noticed(archive: Path, copy: Path, kind: str, rng: random.Random) -> bool:
    shutil.copyfile(archive, copy)
    before = copy.read_bytes()
    while copy.read_bytes() == before:  # a block of zeros may meet zeros
        damage(copy, kind, rng)
    try:
        return bool(problems(copy))
    except MeasurementError:
        return True


def _rows(path: Path) -> int:
    """Return the rows of all tables of a database that is whole; 0 for other files."""
    with path.open("rb") as file:
        if not file.read(16).startswith(b"SQLite format 3"):
            return 0
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        (answer,) = database.execute("PRAGMA integrity_check").fetchone()
        if answer != "ok":
            raise MeasurementError(f"{path.name}: the restored database is damaged: {answer}")
        tables = [
            name
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        counts = [
            database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608
            for name in tables
        ]
        return sum(counts)
