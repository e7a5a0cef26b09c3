"""Write the generated parts of the pages: options, exit codes, keys, variables.

`python docs/generate.py` writes what stands between `<!-- generated: WHAT -->` and `<!-- end -->`
in README.md and docs/*.md; `tests/docs` fails where a page is not current.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, get_args

import typer
import yaml

from perfkit.cli.app import EXIT_CODES, app
from perfkit.config.load import variables
from perfkit.config.meanings import meanings
from perfkit.config.monitoring import Monitoring
from perfkit.config.section import Section
from perfkit.config.thresholds import Thresholds
from perfkit.init.plan import Forge, ProjectShape, planned_files
from perfkit.reporting.document import from_text
from perfkit.reporting.markdown import report_markdown

ROOT = Path(__file__).resolve().parents[1]
CI_FILES: dict[str, tuple[Forge, str]] = {
    "check": ("github", ".github/workflows/perfkit.yml"),
    "comment": ("github", ".github/workflows/perfkit-comment.yml"),
    "gitlab": ("gitlab", ".gitlab/perfkit.yml"),
}
FILES: dict[str, type[Section]] = {"thresholds": Thresholds, "monitoring": Monitoring}
PART = re.compile(r"(<!-- generated: (?P<what>[a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def pages() -> list[Path]:
    """Return README.md and every page below docs."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def current(page: str) -> str:
    """Return the text of a page with its generated parts written anew."""
    return PART.sub(lambda part: f"{part[1]}{generated(part['what'])}{part[3]}", page)


def generated(what: str) -> str:
    """Return the text of one part: ``options VERB``, ``exit codes``, ``keys FILE``..."""
    kind, _, argument = what.partition(" ")
    parts: dict[str, Callable[[], str]] = {
        "options": lambda: options(argument),
        "exit": exit_codes,
        "keys": lambda: keys(FILES[argument]),
        "variables": environment,
        "workflow": lambda: workflow(argument),
        "inputs": inputs,
        "comment": comment,
    }
    return parts[kind]()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines
    )


def options(verb: str) -> str:
    """Return the arguments and options of a verb, as its ``--help`` has them; "all" is global."""
    command: Any = typer.main.get_command(app)
    for word in verb.split() if verb != "all" else ():
        command = command.commands[word]
    context = command.context_class(command)
    records = (parameter.get_help_record(context) for parameter in command.get_params(context))
    rows = [(f"`{name}`", text) for name, text in records if "--help" not in name]
    return table(("option", "meaning"), rows)


def exit_codes() -> str:
    """Return the exit codes, as ``perfkit --help`` has them."""
    rows = re.findall(r"^ +(\d+) +(.+)$", EXIT_CODES, re.MULTILINE)
    return table(("code", "meaning"), [(f"`{code}`", meaning) for code, meaning in rows])


def keys(model: type[Section]) -> str:
    """Return every key of a file: its name, default and meaning, from the settings' own text."""
    return table(("key", "default", "meaning"), list(_keys(model, "")))


def _keys(model: type[Section], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        meaning = " ".join(meanings(model).get(name, "").split())
        inner = [kind for kind in (field.annotation, *get_args(field.annotation)) if _section(kind)]
        if inner:
            repeated = "[]" if get_args(field.annotation) else ""
            yield f"`{key}{repeated}`", "none" if repeated else "", meaning
            yield from _keys(inner[0], f"{key}{repeated}.")
        elif field.is_required():
            yield f"`{key}`", "required", meaning
        else:
            value = _in_the_file(model, name, field.get_default(call_default_factory=True))
            given = value not in (None, "", [], {})
            yield f"`{key}`", f"`{value}`" if given else "not set", meaning


def _section(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def _in_the_file(model: type[Section], name: str, default: object) -> object:
    """Return a default as the file would spell it: ``10min``, not 600.0."""
    values: dict[str, Any] = {name: default}
    value = model.model_construct(**values).model_dump(mode="json", include={name})[name]
    return str(value).lower() if isinstance(value, bool) else value


def environment() -> str:
    """Return every variable with the key that it sets."""
    return table(
        ("variable", "key"), [(f"`{name}`", f"`{key}`") for name, key in variables().items()]
    )


def workflow(name: str) -> str:
    """Return a file that ``perfkit init --ci`` writes for a project with packaging."""
    shape = ProjectShape(name="shop", suite=None, install="perfkit .")
    forge, path = CI_FILES[name]
    planned = planned_files(shape, forge, replace_suite=False)
    return f"```yaml\n{planned[PurePosixPath(path)]}```\n"


def inputs() -> str:
    """Return the inputs of the action, as its file describes them."""
    text = (ROOT / ".github" / "actions" / "perfkit" / "action.yml").read_text(encoding="utf-8")
    rows = [
        (f"`{name}`", f"`{spec['default']}`" if spec["default"] else "", spec["description"])
        for name, spec in yaml.safe_load(text)["inputs"].items()
    ]
    return table(("input", "default", "meaning"), rows)


def comment() -> str:
    """Return the comment made of the stored report, as GitHub shows it."""
    report = ROOT / "docs" / "example" / "report.json"
    return report_markdown(from_text(report.read_text(encoding="utf-8"), report.name))


def main() -> None:
    """Write every page that is not current."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if (new := current(text)) != text:
            page.write_text(new, encoding="utf-8")
            print(f"wrote {page.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
