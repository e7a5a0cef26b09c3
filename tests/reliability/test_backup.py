import hashlib
import os
import random
import sqlite3
import subprocess
import sys
import tarfile
import time
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.errors import MeasurementError, UsageError
from perfkit.reliability.backup import back_up, is_restored, problems, read_manifest, restore
from perfkit.reliability.drill import not_held


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "limits.yaml").write_text("p99: 1s\n", "utf-8")
    (folder / "empty").write_bytes(b"")
    (folder / "größe.bin").write_bytes(bytes(range(256)) * 30)
    with closing(sqlite3.connect(folder / "calls.sqlite")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE calls (n)")
        database.executemany("INSERT INTO calls VALUES (?)", [(n,) for n in range(1000)])
        database.commit()
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_what_is_restored_is_what_was_there(shop: Path, tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar"
    made = back_up([shop], archive, taken_at=5.0)
    assert problems(archive) == []
    assert read_manifest(archive) == made
    restore(archive, tmp_path / "restored")
    before, after = contents(shop), contents(tmp_path / "restored" / "shop")
    # A database's bytes differ after its log was folded in; its rows do not.
    assert after.pop("calls.sqlite")
    assert after == {name: one for name, one in before.items() if "sqlite" not in name}
    with closing(sqlite3.connect(tmp_path / "restored/shop/calls.sqlite")) as database:
        assert database.execute("SELECT count(*), sum(n) FROM calls").fetchone() == (1000, 499_500)
    assert is_restored(made, tmp_path / "restored")
    (tmp_path / "restored/shop/empty").write_bytes(b"no more")
    assert not is_restored(made, tmp_path / "restored")


def test_a_backup_is_a_tar_that_others_read(shop: Path, tmp_path: Path) -> None:
    back_up([shop], tmp_path / "backup.tar", taken_at=0)
    with tarfile.open(tmp_path / "backup.tar") as tar:
        assert tar.getnames()[0] == "manifest.json"
        assert "files/shop/config/limits.yaml" in tar.getnames()


WRITER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA journal_mode=WAL")
database.execute("CREATE TABLE pairs (a, b)")
n = 0
while True:
    n += 1
    database.execute("BEGIN")
    database.execute("INSERT INTO pairs VALUES (?, NULL)", (n,))
    database.execute("INSERT INTO pairs VALUES (NULL, ?)", (n,))
    database.execute("COMMIT")
    print(n, flush=True)
"""


def test_a_database_that_is_written_to_is_copied_whole(tmp_path: Path) -> None:
    path = tmp_path / "busy.sqlite"
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        try:
            assert writer.stdout is not None
            for _ in range(20):
                acknowledged = int(writer.stdout.readline())
            back_up([path], tmp_path / "backup.tar", taken_at=time.time())
        finally:
            writer.kill()
    restore(tmp_path / "backup.tar", tmp_path / "restored")
    with closing(sqlite3.connect(tmp_path / "restored/busy.sqlite")) as database:
        a, b = database.execute("SELECT count(a), count(b) FROM pairs").fetchone()
    assert a == b >= acknowledged


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_changed_byte_goes_unnoticed(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("one")
    (folder / "a.txt").write_bytes(b"some words")
    archive = folder / "backup.tar"
    back_up([folder / "a.txt"], archive, taken_at=0)
    content = bytearray(archive.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    archive.write_bytes(content)
    try:
        found = problems(archive)
    except MeasurementError:
        return
    assert found


@pytest.mark.parametrize("left", [0, 1, 511, 512, 600, 3000, -1])
def test_a_cut_backup_is_noticed_and_not_restored(left: int, shop: Path, tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar"
    back_up([shop], archive, taken_at=0)
    os.truncate(archive, left if left >= 0 else archive.stat().st_size + left)
    with pytest.raises(MeasurementError):
        restore(archive, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()
    assert not list(tmp_path.glob(".perfkit-*"))


def test_names_that_lead_outside_are_not_followed(tmp_path: Path) -> None:
    archive = tmp_path / "evil.tar"
    back_up([Path(__file__)], archive, taken_at=0)
    content = archive.read_bytes()
    name = Path(__file__).name.encode()
    assert name in content
    archive.write_bytes(content.replace(b"files/" + name, b"../../" + name))
    with pytest.raises(MeasurementError):
        restore(archive, tmp_path / "restored")
    assert not (tmp_path.parent / Path(__file__).name).exists()


def test_a_failed_backup_leaves_the_one_before(shop: Path, tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar"
    back_up([shop], archive, taken_at=0)
    before = archive.read_bytes()
    (shop / "broken.sqlite").write_bytes(b"SQLite format 3\0" + random.Random(1).randbytes(4000))
    with pytest.raises(MeasurementError, match="the backup was not made"):
        back_up([shop], archive, taken_at=1)
    assert archive.read_bytes() == before
    assert not list(tmp_path.glob(".perfkit-*"))


def test_files_that_a_backup_leaves_out_are_noticed(shop: Path, tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar"
    back_up([shop / "config"], archive, taken_at=time.time() + 60)
    assert list(not_held(read_manifest(archive), [shop / "config"])) == []
    (shop / "config" / "other.yaml").touch()
    assert list(not_held(read_manifest(archive), [shop / "config"])) == [
        f"the backup lacks 1 file that {shop / 'config'} held when it was made: other.yaml"
    ]
    back_up([shop / "config" / "limits.yaml"], archive, taken_at=time.time() - 60)
    assert list(not_held(read_manifest(archive), [shop / "config" / "limits.yaml"])) == []
    gone = tmp_path / "gone"
    found = not_held(read_manifest(archive), [shop / "config", gone])
    assert list(found) == [f"the backup holds nothing of {one}" for one in (shop / "config", gone)]


def test_what_cannot_be_backed_up_or_restored_is_said(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist, so there is nothing"):
        back_up([tmp_path / "gone"], tmp_path / "a.tar", taken_at=0)
    with pytest.raises(UsageError, match="two sources are called shop"):
        back_up([shop, shop], tmp_path / "a.tar", taken_at=0)
    for within in (shop / "a.tar", shop / "deeper" / "a.tar", shop / "empty"):
        with pytest.raises(UsageError, match="each backup would hold those before it"):
            back_up([shop] if within.name == "a.tar" else [within], within, taken_at=0)
    assert not (shop / "deeper").exists()
    assert (shop / "empty").read_bytes() == b""
    back_up([shop], tmp_path / "a.tar", taken_at=0)
    with pytest.raises(UsageError, match="is not empty; restore beside it"):
        restore(tmp_path / "a.tar", shop)
    with pytest.raises(MeasurementError, match="cannot be read as a backup"):
        restore(shop / "größe.bin", tmp_path / "restored")
