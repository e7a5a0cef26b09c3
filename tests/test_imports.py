"""The arrows of CONTRIBUTING.md, read from every import, those inside functions included."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import perfkit

PACKAGE = Path(perfkit.__file__).parent

VOCABULARY = {"plural", "errors", "model", "status"}
BASE = VOCABULARY | {"config", "durable", "process_group", "state"}
"""What everybody but the pure folders may import."""

ARROWS: Mapping[str, set[str]] = {
    "errors": set(),
    "plural": set(),
    "status": {"errors"},
    "durable": {"errors", "state"},
    "state": set(),
    "process_group": set(),
    "model": {"errors", "status"},
    "config": {"errors"},
    "stats": VOCABULARY,
    "gate": VOCABULARY | {"config", "stats"},
    "reporting": VOCABULARY | {"baselines", "config", "stats"},
    "machine": BASE,
    "forge": BASE,
    "benchmarking": BASE | {"forge", "gate", "machine", "stats"},
    "baselines": BASE | {"forge", "stats"},
    "targets": BASE | {"benchmarking"},
    "profiling": BASE | {"benchmarking", "forge", "stats", "targets"},
    "memory": BASE | {"stats", "targets"},
    "reliability": BASE | {"runtime", "stats", "targets"},
    "doctor": BASE | {"benchmarking", "machine"},
    "monitoring": BASE | {"runtime", "stats"},
    "init": BASE | {"benchmarking"},
    "checking": BASE | {"benchmarking", "gate", "memory", "targets"},
    "load_check": BASE | {"benchmarking", "gate", "reliability"},
    "runtime": {"errors", "state"},
    "pytest_plugin": VOCABULARY | {"config", "memory", "reporting", "targets"},
}
"""Folder or module of perfkit -> what it may import of the others. cli may import all of these."""

PURE = ("model", "stats", "gate", "reporting")

IMPURE_MODULES = {
    # tools
    "asv", "asv_runner", "memray", "pyinstrument", "mcp", "httpx", "json5",
    # clocks, processes, the machine
    "time", "sched", "subprocess", "multiprocessing", "signal", "socket", "threading", "platform",
    "os", "tempfile", "shutil", "random", "secrets", "uuid", "logging",
}  # fmt: skip

EXCEPTIONS = {
    # Many series are analysed on all cores; the numbers are the same on one.
    "perfkit.stats.change_points": {"multiprocessing"},
}

CLOCKS = {"now", "utcnow", "today", "monotonic", "perf_counter"}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {
    module_name(path): ast.parse(path.read_text("utf-8"))
    for path in PACKAGE.rglob("*.py")
    if "templates" not in path.parts
}


def imports_of(module: str) -> set[str]:
    """Return the dotted names that a module imports, wherever the import stands."""
    found: set[str] = set()
    for node in ast.walk(SOURCES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative imports are not followed here"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in SOURCES else str(node.module) for name in names}
    return found


def folder_of(module: str) -> str:
    return [*module.split("."), ""][1]


def test_the_sources_are_seen() -> None:
    assert len(SOURCES) > 50
    assert "perfkit.stats" in imports_of("perfkit.gate.comparisons")
    # Inside a function, and as a module taken from its package.
    assert "perfkit.config.load" in imports_of("perfkit.cli.settings")
    assert "perfkit.targets.load" in imports_of("perfkit.memory.read")


@pytest.mark.parametrize("module", sorted(SOURCES))
def test_imports_follow_the_arrows(module: str) -> None:
    folder = folder_of(module)
    if folder in {"", "__main__", "cli"}:
        return
    wanted = {
        folder_of(name)
        for name in imports_of(module)
        if name.startswith("perfkit.") and folder_of(name) != folder
    }
    assert wanted <= ARROWS[folder], f"{module} imports {sorted(wanted - ARROWS[folder])}"


def test_nothing_imports_the_command_line_and_every_folder_has_its_arrows() -> None:
    importers = {
        folder_of(module)
        for module in SOURCES
        if any(name.startswith("perfkit.cli") for name in imports_of(module))
    }
    assert importers == {"__main__", "cli"}
    assert {folder_of(module) for module in SOURCES} == {*ARROWS, "", "__main__", "cli"}


def test_there_is_no_cycle_of_folders_or_of_modules() -> None:
    # Raises CycleError, which names the cycle.
    tuple(TopologicalSorter(ARROWS).static_order())
    graph = {
        module: {name for name in imports_of(module) if name in SOURCES and name != module}
        for module in SOURCES
    }
    # A package's __init__ gathers its modules, and they import siblings by their own names.
    tuple(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("module", sorted(m for m in SOURCES if folder_of(m) in PURE))
def test_pure_folders_import_no_tool_clock_or_process(module: str) -> None:
    tops = {name.partition(".")[0] for name in imports_of(module)}
    assert tops & IMPURE_MODULES == EXCEPTIONS.get(module, set())
    called = {
        node.func.attr
        for node in ast.walk(SOURCES[module])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not called & CLOCKS, f"{module} reads a clock"
    assert "open" not in called


HEAVY = (
    "scipy",
    "numpy",
    "asv",
    "asv_runner",
    "memray",
    "mcp",
    "pyinstrument",
    "pydantic",
    "json5",
)


OF_TYPER = {"pydantic"}
"""typer itself loads it to describe the options of a verb, though not for the list of verbs."""


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (["--help"], set()),
        (["--version"], set()),
        ([], set()),
        (["compare", "--help"], OF_TYPER),
        (["check", "--help"], OF_TYPER),
    ],
)
def test_help_loads_nothing_heavy(words: list[str], allowed: set[str]) -> None:
    program = (
        "import json, sys\n"
        "from perfkit.__main__ import run\n"
        "try:\n"
        "    run(sys.argv[1:])\n"
        "finally:\n"
        "    print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        capture_output=True,
        text=True,
        check=False,
        # coverage's own start-up would load modules of its own into the process under test
        env={k: v for k, v in os.environ.items() if not k.startswith("COV")},
    )
    loaded = json.loads(done.stderr.splitlines()[-1])
    assert "perfkit.cli.app" in loaded
    assert not [name for name in loaded if name in HEAVY and name not in allowed]


def test_the_runtime_loads_nothing_but_the_standard_library() -> None:
    program = "import json, sys; import perfkit.runtime; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={k: v for k, v in os.environ.items() if not k.startswith("COV")},
    )
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert "perfkit" in loaded
    foreign = loaded - set(sys.stdlib_module_names) - {"perfkit"}
    # An interpreter's start-up files may load what makes an editable install importable.
    assert not [
        name for name in foreign if not name.startswith(("_", "sitecustomize", "distutils"))
    ]
    # Of the standard library these take longest, and are loaded where they are used.
    assert not loaded & {"asyncio", "multiprocessing", "concurrent", "socket", "tempfile"}
