"""Diffs of real repositories."""

import os

import pytest
from tiny_project import Project

from perfkit.errors import UsageError
from perfkit.forge.diff import ChangedFile, changed_files, renames, tracked
from perfkit.forge.git import Repository

TEN = "".join(f"line {number}\n" for number in range(1, 11))


def test_every_kind_of_change_with_its_lines(project: Project) -> None:
    project.write("kept.py", TEN)
    project.write("gone.py", TEN.replace("line", "word"))
    project.write("old name.py", TEN.replace("line", "verse"))
    (project.root / "logo.png").write_bytes(b"\0\1")
    base = project.commit("before")
    project.write("kept.py", TEN.replace("line 2\n", "").replace("line 9", "line nine"))
    (project.root / "gone.py").unlink()
    (project.root / "old name.py").rename(project.root / "ñew.py")
    project.write(
        "ñew.py", TEN.replace("line", "verse").replace("verse 5", "@@ -1,9 +1,9 @@\nfive")
    )
    (project.root / "logo.png").write_bytes(b"\0\2")
    project.write("fresh.py", "one\ntwo\n")
    repository = Repository(project.root)
    index = (project.root / ".git" / "index").read_bytes()
    found = {change.new or change.old: change for change in changed_files(repository, base)}
    assert set(found) == {"kept.py", "gone.py", "ñew.py", "logo.png", "fresh.py"}
    assert found["kept.py"] == ChangedFile(
        old="kept.py",
        new="kept.py",
        binary=False,
        old_lines=(range(2, 3), range(9, 10)),
        new_lines=(range(1, 3), range(8, 9)),
    )
    assert (found["gone.py"].old, found["gone.py"].new) == ("gone.py", None)
    assert (found["ñew.py"].old, found["ñew.py"].new) == ("old name.py", "ñew.py")
    assert found["ñew.py"].new_lines == (range(5, 7),)
    assert found["logo.png"].binary
    assert (found["fresh.py"].old, found["fresh.py"].new_lines) == (None, (range(1, 3),))
    assert renames(repository, base) == {"old name.py": "ñew.py"}
    assert "fresh.py" in tracked(repository)
    assert (project.root / ".git" / "index").read_bytes() == index


def test_nothing_changed_is_an_empty_diff(project: Project) -> None:
    base = project.commit("before")
    assert changed_files(Repository(project.root), base) == ()


def test_a_file_that_changed_in_the_instant_of_the_commit_has_changed(project: Project) -> None:
    logo, index = project.root / "logo.png", project.root / ".git" / "index"
    instant = 1_700_000_000 * 10**9
    project.git("config", "core.trustctime", "false")  # which no test can set
    for content in (b"\0\1", b"\0\2"):
        logo.write_bytes(content)
        os.utime(logo, ns=(instant, instant))
        if content == b"\0\1":
            base = project.commit("before")
    # The file is no younger than its entry, and the index no younger than the file.
    os.utime(index, ns=(instant, instant))
    assert [change.new for change in changed_files(Repository(project.root), base)] == ["logo.png"]


def test_what_git_refuses_is_said_in_its_first_words(project: Project) -> None:
    project.commit("before")
    repository = Repository(project.root)
    for read in (changed_files, renames):
        with pytest.raises(UsageError) as caught:
            read(repository, "absent")
        assert str(caught.value).startswith(f"git diff failed in {project.root}: bad revision")
        assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_lines_all_the_same(project: Project) -> None:
    name = "cafe.py"
    (project.root / name).write_bytes(b"one = 1  # \xe9\ntwo = 2\n")
    base = project.commit("before")
    (project.root / name).write_bytes(b"one = 1  # \xe9\ntwo = 3  # \xff\n")
    (change,) = changed_files(Repository(project.root), base)
    assert (change.old, change.new, change.new_lines) == (name, name, (range(2, 3),))


def test_only_renames_are_listed_as_such(project: Project) -> None:
    project.write("kept.py", TEN)
    project.write("gone.py", TEN.replace("line", "word"))
    base = project.commit("before")
    (project.root / "gone.py").unlink()
    project.write("kept.py", TEN + "more\n")
    project.write("fresh.py", "one\ntwo\n")
    assert renames(Repository(project.root), base) == {}
