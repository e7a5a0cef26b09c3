"""Artifacts that a stranger made: read if plain, refused if odd, never unpacked."""

import contextlib
import io
import json
import os
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.errors import UsageError
from perfkit.forge import artifact as module
from perfkit.forge.artifact import NESTING, REPORT, nested_deeper, report_text

TEXT = '{"perfkit": {"schema": 1}}'


def zipped(path: Path, *entries: tuple[str | zipfile.ZipInfo, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in entries:
            archive.writestr(name, text)
    return path


def folder(path: Path, text: str = TEXT) -> Path:
    path.mkdir()
    (path / REPORT).write_text(text)
    return path


def refused(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        report_text(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_report_is_read_out_of_a_zip_and_a_folder(tmp_path: Path) -> None:
    assert report_text(folder(tmp_path / "a")) == TEXT
    extra = ("comment.md", "@everyone"), ("number", "99"), ("sub/" + REPORT, "{}")
    assert report_text(zipped(tmp_path / "a.zip", *extra, (REPORT, TEXT))) == TEXT


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = zipped(tmp_path / "a.zip", (REPORT, TEXT), ("other", "x"))
    monkeypatch.chdir(tmp_path)
    report_text(found)
    assert os.listdir(tmp_path) == ["a.zip"]  # noqa: PTH208  # the names alone


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_an_artifact_without_a_report(tmp_path: Path, kind: str) -> None:
    if kind == "zip":
        found = zipped(tmp_path / "a", ("sub/" + REPORT, TEXT), ("report.json", TEXT))
    else:
        found = folder(tmp_path / "a")
        (found / REPORT).rename(found / "report.json")
    assert "found no perfkit-report.json, wanted it at the top" in refused(found)


def test_an_artifact_that_is_not_there(tmp_path: Path) -> None:
    assert "absent: no such file or folder; give the artifact" in refused(tmp_path / "absent")


def test_a_device_or_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        assert "neither a zip file nor a folder" in refused(path)


def test_something_that_is_no_zip(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    for content in (b"", b"PK\x03\x04", b"hello" * 100, os.urandom(1000)):
        path.write_bytes(content)
        assert "not readable as an artifact" in refused(path)


@pytest.mark.parametrize(
    "name",
    [
        "../evil", "a/../../evil", "/etc/passwd", "..\\evil", "C:\\evil", "\\\\host\\share",
        "C:evil", "a/..", "..", f"{REPORT}\0.txt",
    ],
)  # fmt: skip
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.zip"
    zipped(path, (REPORT, TEXT), ("X" * len(name), "x"))
    content = path.read_bytes().replace(b"X" * len(name), name.encode())
    path.write_bytes(content)
    assert "a name that leads out of the artifact" in refused(path)


def test_a_name_is_quoted_short_and_harmless(tmp_path: Path) -> None:
    name = "/\n##[error]" + "x" * 1000
    said = refused(zipped(tmp_path / "a.zip", (name, "x")))
    assert "##[" not in said
    assert len(said) < 300 + len(str(tmp_path))


@pytest.mark.parametrize("name", ["a..b", "..a/b", "a/b/c.txt", "dir/"])
def test_names_that_only_look_odd_are_no_trouble(tmp_path: Path, name: str) -> None:
    assert report_text(zipped(tmp_path / "a.zip", (REPORT, TEXT), (name, ""))) == TEXT


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
@pytest.mark.parametrize("name", [REPORT, "other"])
def test_a_link_or_a_device_in_a_zip_is_refused(tmp_path: Path, kind: int, name: str) -> None:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (kind | 0o777) << 16
    found = zipped(tmp_path / "a.zip", (entry, "/etc/passwd"))
    assert "which is a link or a device" in refused(found)


@pytest.mark.parametrize("kind", [stat.S_IFREG, 0])
def test_a_file_of_unix_is_read(tmp_path: Path, kind: int) -> None:
    entry = zipfile.ZipInfo(REPORT)
    entry.external_attr = (kind | 0o644) << 16
    directory = zipfile.ZipInfo("sub/")
    directory.external_attr = (stat.S_IFDIR | 0o755) << 16
    assert report_text(zipped(tmp_path / "a.zip", (entry, TEXT), (directory, ""))) == TEXT


def test_links_and_pipes_in_a_folder_are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(TEXT)
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / REPORT).symlink_to(secret)
    assert "not readable as an artifact" in refused(linked)
    piped = tmp_path / "piped"
    piped.mkdir()
    os.mkfifo(piped / REPORT)
    assert "not a regular file" in refused(piped)
    nested = tmp_path / "nested"
    (nested / REPORT).mkdir(parents=True)
    assert "not a regular file" in refused(nested)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    zeros = " " * (module.REPORT_BYTES + 1)
    found = zipped(tmp_path / "a.zip", (REPORT, zeros))
    assert found.stat().st_size < 100_000
    assert f"with {module.REPORT_BYTES + 1:,} bytes, wanted at most" in refused(found)
    beside = zipped(tmp_path / "b.zip", (REPORT, TEXT), ("other", zeros))
    assert "'other' with" in refused(beside)


def test_a_bomb_that_lies_about_its_size_is_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPORT_BYTES", 1000)
    found = zipped(tmp_path / "a.zip", (REPORT, " " * 5000))
    size = (5000).to_bytes(4, "little")
    found.write_bytes(found.read_bytes().replace(size, (900).to_bytes(4, "little")))
    said = refused(found)
    assert "larger than 1,000 bytes" in said or "not readable" in said or "not JSON" in said


@pytest.mark.parametrize("size", [999, 1000, 1001])
def test_the_size_of_a_report_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(module, "REPORT_BYTES", 1000)
    text = "[" + " " * (size - 2) + "]"
    places = [folder(tmp_path / "a", text), zipped(tmp_path / "a.zip", (REPORT, text))]
    for found in places:
        if size > 1000:
            assert "1,000" in refused(found)
        else:
            assert report_text(found) == text


def test_the_size_and_the_number_of_files_of_an_archive_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = zipped(tmp_path / "a.zip", (REPORT, TEXT), ("b", ""), ("c", ""))
    monkeypatch.setattr(module, "ENTRIES", 3)
    monkeypatch.setattr(module, "ARTIFACT_BYTES", found.stat().st_size)
    assert report_text(found) == TEXT
    monkeypatch.setattr(module, "ENTRIES", 2)
    assert "more than 2 files" in refused(found)
    monkeypatch.setattr(module, "ARTIFACT_BYTES", found.stat().st_size - 1)
    assert "larger than" in refused(found)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_reports_in_one_archive_are_refused(tmp_path: Path) -> None:
    found = zipped(tmp_path / "a.zip", (REPORT, TEXT), (REPORT, "{}"))
    assert "holds perfkit-report.json 2 times" in refused(found)


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    found = zipped(tmp_path / "a.zip", (REPORT, TEXT))
    content = bytearray(found.read_bytes())
    for at in (content.index(b"PK\x03\x04") + 6, content.index(b"PK\x01\x02") + 8):
        content[at] |= 1
    found.write_bytes(content)
    assert "not readable as an artifact" in refused(found)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    text = json.dumps(list(range(500)))
    found = zipped(tmp_path / "a.zip", (REPORT, text))
    content = bytearray(found.read_bytes())
    content[100] ^= 0xFF
    found.write_bytes(content)
    assert "not readable as an artifact" in refused(found)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_unusual_compression_is_refused(tmp_path: Path, method: int) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr(REPORT, TEXT)
    assert "compressed in an unusual way" in refused(path)


ARCHIVE = io.BytesIO()
with zipfile.ZipFile(ARCHIVE, "w", zipfile.ZIP_DEFLATED) as one:
    one.writestr(REPORT, json.dumps({"perfkit": list(range(40))}))
    one.writestr("other.md", "x")


@given(
    st.lists(
        st.tuples(st.integers(0, len(ARCHIVE.getvalue()) - 1), st.integers(0, 255)),
        min_size=1,
        max_size=4,
    ),
    st.integers(0, len(ARCHIVE.getvalue())),
)
@settings(max_examples=200)
def test_no_damage_leads_to_anything_but_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], cut: int
) -> None:
    content = bytearray(ARCHIVE.getvalue())
    for at, value in changes:
        content[at] = value
    path = tmp_path_factory.getbasetemp() / "damaged.zip"
    for damaged in (content, content[:cut]):
        path.write_bytes(damaged)
        with contextlib.suppress(UsageError):  # and nothing else
            json.loads(report_text(path))


def test_an_archive_in_a_file_is_still_an_archive(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr(REPORT, TEXT)
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(REPORT, inner.getvalue())
    assert "not JSON in UTF-8" in refused(path)


@pytest.mark.parametrize("text", ["", "{", "[1,]", "\ufeff{}", "[" * 100_000, "1" * 5000])
def test_a_report_that_is_no_json(tmp_path: Path, text: str) -> None:
    assert "not JSON in UTF-8" in refused(folder(tmp_path / "a", text))


def test_a_report_that_is_not_utf_8(tmp_path: Path) -> None:
    found = folder(tmp_path / "a")
    (found / REPORT).write_bytes(b'"\xff"')
    assert "not JSON in UTF-8" in refused(found)


@pytest.mark.parametrize("pair", ["[]", '{"a":}'])
def test_the_depth_is_bounded(tmp_path: Path, pair: str) -> None:
    opening, closing = pair[:-1], pair[-1]

    def nested(levels: int) -> str:
        return opening * levels + ("0" if pair != "[]" else "") + closing * levels

    assert report_text(folder(tmp_path / "a", nested(NESTING)))
    deep = folder(tmp_path / "b", nested(NESTING + 1))
    assert f"nested deeper than {NESTING} levels" in refused(deep)


def test_what_is_nested() -> None:
    assert not nested_deeper(5, 0)
    assert nested_deeper([], 0)
    assert not nested_deeper([{"a": 1}, 2], 2)
    assert nested_deeper([1, {"a": [1]}], 2)
    # What stands beside something deep hides nothing of it.
    assert nested_deeper([[[1]], []], 2)
    assert nested_deeper({"a": {"b": {}}, "c": []}, 2)
