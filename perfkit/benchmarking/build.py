"""A revision, built once and ready to be measured."""

import hashlib
import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from perfkit.benchmarking.process import Interpreter
from perfkit.benchmarking.suite import Suite
from perfkit.errors import MeasurementError
from perfkit.forge.git import Repository
from perfkit.model import Revision

STATE = ".perfkit"
"""Folder at the repository's root for builds, worktrees and captures; ignores itself in git."""

LAST_LINES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A built revision: its suite, how to run it, and the requirements its build declares."""

    revision: Revision
    suite: Suite
    interpreter: Interpreter
    requirements: tuple[str, ...]


def state_folder(root: Path) -> Path:
    """Return the state folder of a repository, created and hidden from git."""
    folder = root / STATE
    folder.mkdir(exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    return folder


@contextmanager
def built(repository: Repository, revision: Revision, suite: Suite) -> Iterator[Side]:
    """Hold ``revision`` checked out and installed into a folder of its own.

    The project is installed without its dependencies, which come from this interpreter, so that
    both sides of a comparison differ in the project only. A commit's build is kept under
    ``.perfkit/builds`` and found again by its tree; uncommitted work is copied and built afresh.
    ``suite`` is the suite in the repository's own checkout.
    """
    state = state_folder(repository.root)
    _sweep(state)
    # The process id lets a later run tell folders in use from those of a run that was killed.
    name = f"{secrets.token_hex(4)}-{os.getpid()}"
    folder = state / "worktrees" / name
    if revision.dirty:
        key = f"dirty-{name}"
        try:
            _copy_files(repository, folder)
            yield _side(repository, revision, suite, folder, state / "builds" / key)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(state / "builds" / key, ignore_errors=True)
        return
    tree = repository.git("rev-parse", f"{revision.commit}^{{tree}}")
    tag = f"{sys.implementation.cache_tag}-{sys.executable}-{suite.subdirectory}"
    key = hashlib.sha256(f"{tree}-{tag}".encode()).hexdigest()[:16]
    with repository.checkout(revision.commit, folder):
        yield _side(repository, revision, suite, folder, state / "builds" / key)


def _sweep(state: Path) -> None:
    """Remove what a killed run left: folders whose name ends in the id of no living process."""
    for folder in (*state.glob("worktrees/*-*"), *state.glob("builds/*-*")):
        number = folder.name.rpartition("-")[2]
        if number.isdecimal() and not _running(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _copy_files(repository: Repository, folder: Path) -> None:
    """Copy the working tree without ignored files; building must not litter the user's tree."""
    for name in repository.files():
        source = repository.root / name
        if not source.is_file():
            continue  # deleted but not committed, or a submodule
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def _side(
    repository: Repository, revision: Revision, suite: Suite, checkout: Path, site: Path
) -> Side:
    source = checkout / suite.subdirectory
    if not (source / "pyproject.toml").exists() and not (source / "setup.py").exists():
        # A project without packaging is imported from its folder, as its users do.
        root = source / "src" if (source / "src").is_dir() else source
        return Side(
            revision=revision,
            suite=suite.inside(repository.root, checkout),
            interpreter=Interpreter(site=root),
            requirements=(),
        )
    if not site.exists():
        install(source, site, label=revision.label)
    return Side(
        revision=revision,
        suite=suite.inside(repository.root, checkout),
        interpreter=Interpreter(site=site),
        requirements=requirements(site),
    )


def install(source: Path, site: Path, *, label: str) -> None:
    """Install the project in ``source`` into the folder ``site``, whole or not at all.

    Raises MeasurementError with the last lines of the build and the path of its log.
    """
    partial = site.with_name(f"{site.name}.partial-{secrets.token_hex(4)}-{os.getpid()}")
    log = site.with_name(f"{site.name}.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [*_installer(), "--no-deps", "--target", str(partial), str(source)]
    if _backend_is_here(source):
        # Saves a download per side, and lets a machine without a network compare.
        command.insert(-1, "--no-build-isolation")
    with log.open("wb") as sink:
        done = subprocess.run(command, stdout=sink, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        shutil.rmtree(partial, ignore_errors=True)
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])
        raise MeasurementError(f"{label} does not build (whole log: {log}):\n{tail}")
    try:
        partial.rename(site)
    except OSError:
        # Another perfkit built the same commit meanwhile; its build is as good.
        shutil.rmtree(partial, ignore_errors=True)
        if not site.exists():
            raise


def _installer() -> Sequence[str]:
    if importlib.util.find_spec("pip") is not None:
        return (sys.executable, "-m", "pip", "install", "--disable-pip-version-check")
    if uv := shutil.which("uv"):
        return (uv, "pip", "install", "--python", sys.executable)
    raise MeasurementError(
        f"{sys.executable} has no pip and there is no uv on PATH; commits are built with one of"
        " them: run `python -m ensurepip` or install uv."
    )


def _backend_is_here(source: Path) -> bool:
    """Whether the project's build backend is importable in this interpreter."""
    backend = "setuptools"
    if (source / "pyproject.toml").exists():
        try:
            values = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise MeasurementError(f"{source / 'pyproject.toml'}: {error}") from error
        system = values.get("build-system", {})
        if "backend-path" in system:
            return False
        backend = str(system.get("build-backend", backend)).partition(":")[0]
    return importlib.util.find_spec(backend.partition(".")[0]) is not None


def requirements(site: Path) -> tuple[str, ...]:
    """Return what the distributions installed in ``site`` require, sorted."""
    found = {
        requirement
        for distribution in distributions(path=[str(site)])
        for requirement in distribution.requires or ()
    }
    return tuple(sorted(found))
