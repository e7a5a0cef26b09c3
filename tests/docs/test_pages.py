"""The documentation does what it says: commands, links, generated parts, a page per verb."""

import html
import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from consoles import ELSEWHERE, blocks, run, scratch_repository
from generate import ROOT, current, pages
from perfkit.cli.app import app

pytestmark = pytest.mark.usefixtures("unmeasured")

PAGES = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in pages()}
SHOWING = [name for name, text in PAGES.items() if blocks(text)]
VERBS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  # a group has them

LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
ENVELOPE = {"perfkit", "status", "exit_code"}
"""Keys of every document, which docs/index.md explains once."""


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOWING)
def test_the_commands_of_a_page_do_what_it_shows(name: str, tmp_path: Path) -> None:
    text = PAGES[name]
    shop = scratch_repository(tmp_path, text)
    for block in blocks(text):
        for step in block.steps:
            if step.command in ELSEWHERE:
                continue
            # Profiling every regression that a page shows would take the tests minutes.
            ran = run(step, shop, PERFKIT_CULPRITS_BENCHMARKS="0")
            assert ran.code == step.code, f"{name}: $ {step.command}\n{ran.output}"
            if block.exact:
                assert ran.output == step.output, f"{name}: python docs/consoles.py {name}"
    written = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(tmp_path.glob("*.json"))
        if path.name != "report.json"
    ]
    documented = _documented_keys(text)
    assert bool(written) == bool(documented), f"{name}: a table of keys needs a document"
    for document in written:
        _check_keys(name, document, documented)


def _documented_keys(text: str) -> list[str]:
    """Return the keys in the first column of the table under ``## JSON``."""
    found = re.search(r"^## JSON\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    if found is None or "| `perfkit.schema` |" in found[1]:
        return []  # the keys of every document
    rows = re.findall(r"^\| (`.*?) \|", found[1], re.MULTILINE)
    return [key for row in rows for key in re.findall(r"`([^`]+)`", row)]


def _check_keys(name: str, document: dict[str, Any], documented: list[str]) -> None:
    for key in documented:
        assert list(_values(document, key.split("."))), f"{name}: {key} is in no document"
    top = {re.split(r"[.\[]", key)[0] for key in documented}
    assert set(document) - ENVELOPE == top, f"{name}: keys of the document and of the table"


def _values(value: Any, path: list[str]) -> Iterator[Any]:  # noqa: ANN401  # any JSON value
    if not path:
        yield value
        return
    key, repeated = path[0].removesuffix("[]"), path[0].endswith("[]")
    if isinstance(value, dict) and key in value:
        for inner in value[key] if repeated else [value[key]]:
            yield from _values(inner, path[1:])


def test_what_does_not_run_here_runs_where_it_is_said_to() -> None:
    shown = {step.command for text in PAGES.values() for b in blocks(text) for step in b.steps}
    for command, (place, words) in ELSEWHERE.items():
        assert command in shown
        assert words in (ROOT / place).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_the_generated_parts_of_a_page_are_current(name: str) -> None:
    assert PAGES[name] == current(PAGES[name]), "python docs/generate.py writes them"


@pytest.mark.parametrize("name", PAGES)
def test_internal_links_resolve(name: str) -> None:
    folder = (ROOT / name).parent
    prose = re.sub(r"^```.*?^```$", "", PAGES[name], flags=re.DOTALL | re.MULTILINE)
    for link in LINK.finditer(prose):
        target, _, anchor = link["target"].partition("#")
        if ":" in target:
            continue
        path = folder / target if target else ROOT / name
        assert path.exists(), f"{name}: {link[0]}"
        if anchor:
            assert anchor in _anchors(path.read_text(encoding="utf-8")), f"{name}: {link[0]}"


def _anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_page_of_the_same_build(verb: str) -> None:
    text = PAGES[f"docs/{verb}.md"]
    assert f"# perfkit {verb}\n" in text
    assert any(f"perfkit {verb}" in step.command for block in blocks(text) for step in block.steps)
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert sections[-4:] == ["Options", "Exit codes", "JSON", "What bad input gets"]
    assert f"<!-- generated: options {verb}" in text
    assert f"]({verb}.md)" in PAGES["docs/index.md"]


@pytest.mark.parametrize("name", ["picture.svg", "monitor.svg"])
def test_a_picture_shows_what_is_stored(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    picture = importlib.import_module("picture")
    svg = (ROOT / "docs" / name).read_text(encoding="utf-8")
    body = svg[svg.index('<g class="perfkit-matrix">') :]
    drawn = html.unescape("".join(re.findall(r"<text[^>]*>(.*?)</text>", body)))
    _, printed = picture.terminals()[name]
    shown = picture.recorded(printed).export_text()
    assert "".join(drawn.split()) == "".join(shown.split()), "python benchmarks/picture.py"


def test_a_block_is_read_as_commands_codes_and_output() -> None:
    (block,) = blocks("```console exact\n$ one --two  # exits 4\nout\n$ three # four\n```\n")
    assert block.exact
    assert [(s.command, s.code, s.output) for s in block.steps] == [
        ("one --two", 4, "out\n"),
        ("three # four", 0, ""),
    ]
    assert block.text == "```console exact\n$ one --two  # exits 4\nout\n$ three # four\n```"
    with pytest.raises(ValueError, match="starts with output"):
        blocks("```console\nout\n```\n")


def test_a_command_runs_in_the_repository_and_is_recorded_without_its_place(
    tmp_path: Path,
) -> None:
    shop = scratch_repository(tmp_path, "")
    (block,) = blocks("```console\n$ pwd; git branch --show-current; exit 3\n```\n")
    ran = run(block.steps[0], shop)
    assert (ran.code, ran.output) == (3, "/home/you/shop\nany-date\n")
    plain = scratch_repository(tmp_path / "other", "<!-- repository: plain -->")
    assert sorted(path.name for path in plain.iterdir()) == [".git", ".gitignore", "shop"]
