"""Which functions the changed lines are in."""

import doctest

import pytest

from perfkit.forge.diff import ChangedFile
from perfkit.profiling import touched
from perfkit.profiling.prose import code_folders, is_prose
from perfkit.profiling.touched import ChangedFunction, changed_functions, functions

TEXT = """\
import os

class Cache:
    @property
    def size(self):
        return len(self.items)

    async def fill(self):
        def one(key):
            return key
        await self.each(one)

LIMIT = 3
"""


def changed(old: str | None, new: str | None, *lines: int, **more: object) -> ChangedFile:
    ranges = tuple(range(line, line + 1) for line in lines)
    return ChangedFile(
        old=old,
        new=new,
        binary=bool(more.get("binary")),
        old_lines=ranges if old else (),
        new_lines=ranges if new else (),
    )


def found(*changes: ChangedFile, text: str = TEXT) -> tuple[list[ChangedFunction], tuple[str, ...]]:
    functions, notes = changed_functions(changes, lambda _: text, lambda _: text)
    return list(functions), notes


@pytest.mark.parametrize(
    ("line", "name", "defined"),
    [
        (1, "<module>", 1),
        (3, "<module>", 1),
        (4, "Cache.size", 4),
        (6, "Cache.size", 4),
        (10, "Cache.fill.one", 9),
        (11, "Cache.fill", 8),
        (13, "<module>", 1),
    ],
)
def test_a_line_is_its_innermost_functions(line: int, name: str, defined: int) -> None:
    [function], notes = found(changed("a.py", "a.py", line))
    assert (function.name, function.line, function.lines) == (name, defined, 1)
    assert notes == ()


def test_a_deleted_file_has_the_functions_it_had() -> None:
    hit, _ = found(changed("a.py", None, *range(1, 14)))
    assert {one.name for one in hit} == {
        "<module>",
        "Cache.size",
        "Cache.fill",
        "Cache.fill.one",
    }
    assert {(one.old, one.new, one.path) for one in hit} == {("a.py", None, "a.py")}


def test_a_renamed_file_without_a_changed_line_touches_nothing() -> None:
    assert found(changed("a.py", "b.py")) == ([], ())


def test_what_is_no_python_is_noted() -> None:
    hit, notes = found(
        changed("x.png", "x.png", binary=True), changed("r.txt", "r.txt"), changed(None, "l.c", 1)
    )
    assert hit == []
    assert notes == ("3 files are no Python, which profiles cannot place: l.c, r.txt, x.png",)
    assert found(changed("r.json", "r.json", 1))[1] == (
        "one file is no Python, which profiles cannot place: r.json",
    )


FOLDERS = code_folders(
    ["setup.py", "shop/__init__.py", "shop/orders.py", "docs/conf.py", "src/lib/x.py", "a/b/c.txt"]
)


def test_which_folders_hold_code() -> None:
    assert {"shop", "src/lib"} == FOLDERS


@pytest.mark.parametrize(
    ("name", "prose"),
    [
        ("README.md", True),
        ("docs/guide/start.RST", True),
        ("LICENSE", True),
        ("src/notes.adoc", True),
        (".github/workflows/ci.yml", True),
        (".github/scripts/run.py", False),
        ("tools/.github/x.yml", False),
        ("requirements.txt", False),
        ("docs/data.json", False),
        ("pyproject.toml", False),
        ("shop/README.md", False),
        ("shop/templates/mail.md", False),
        ("src/lib/LICENSE", False),
    ],
)
def test_prose_is_where_no_code_reads_it(name: str, prose: bool) -> None:
    assert is_prose(name, FOLDERS) is prose
    notes = changed_functions([changed(name, name)], {}.__getitem__, {}.__getitem__, FOLDERS)[1]
    assert (notes == ()) is (prose or name.endswith(".py"))


def test_prose_that_came_from_or_went_into_a_folder_of_code_is_no_prose() -> None:
    for old, new in (("shop/mail.md", "mail.md"), ("mail.md", "shop/mail.md")):
        change = changed(old, new)
        (note,) = changed_functions([change], {}.__getitem__, {}.__getitem__, FOLDERS)[1]
        assert new in note
    gone = changed("README.md", None)
    assert changed_functions([gone], {}.__getitem__, {}.__getitem__, FOLDERS) == ((), ())


def test_a_file_that_does_not_parse_is_noted_and_the_others_are_read() -> None:
    texts = {"bad.py": "def f(:\n", "good.py": TEXT}
    changes = [changed("bad.py", "bad.py", 1), changed("good.py", "good.py", 6)]
    hit, notes = changed_functions(changes, texts.__getitem__, texts.__getitem__)
    assert [one.name for one in hit] == ["Cache.size"]
    assert notes == ("bad.py: not readable as Python (line 1), so left out",)


def test_a_function_that_went_away_is_touched_too() -> None:
    before, after = "def old():\n    pass\n", "def new():\n    pass\n"
    hit, _ = changed_functions([changed("a.py", "a.py", 1)], lambda _: before, lambda _: after)
    assert {one.name for one in hit} == {"old", "new"}


def test_the_example_in_the_docstring_holds() -> None:
    assert doctest.testmod(touched).failed == 0
    assert functions("") == ()
