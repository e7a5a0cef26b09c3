"""A revision, built once and ready to be measured."""

import hashlib
import importlib.util
import os
import re
import secrets
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

from perfkit.benchmarking.isolation import isolated
from perfkit.benchmarking.process import Interpreter
from perfkit.benchmarking.suite import Suite
from perfkit.errors import MeasurementError
from perfkit.forge.git import Repository
from perfkit.model import Revision
from perfkit.process_group import end_group
from perfkit.state import STATE, make_folder

LAST_LINES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A built revision: its suite, how to run it, and the requirements its build declares."""

    revision: Revision
    suite: Suite
    interpreter: Interpreter
    requirements: tuple[str, ...]
    checkout: Path | None = None
    """Top folder of its checkout; None for what was installed elsewhere."""


def state_folder(root: Path) -> Path:
    """Return the state folder of a repository, created and hidden from git.

    MeasurementError where it cannot be written.
    """
    folder = root / STATE
    try:
        make_folder(folder)
    except OSError as error:
        raise MeasurementError(
            f"{folder}: cannot hold builds and captures ({error.strerror}); make {root} writable."
        ) from error
    return folder


@contextmanager
def built(
    repository: Repository, revision: Revision, suite: Suite, *, isolate: bool = False
) -> Iterator[Side]:
    """Hold ``revision`` checked out and installed into a folder of its own.

    The project is installed without its dependencies, which come from this interpreter, so that
    both sides of a comparison differ in the project only; with ``isolate`` it gets an environment
    of its own with the dependencies that it asks for. A commit's build is kept under
    ``.perfkit/builds`` and found again by its tree; uncommitted work is put on top of its commit
    and built afresh. ``suite`` is the suite in the repository's own checkout.
    """
    state = state_folder(repository.root)
    _sweep(state)
    # The process id lets a later run tell folders in use from those of a run that was killed.
    name = f"{secrets.token_hex(4)}-{os.getpid()}"
    folder = state / "worktrees" / name
    with repository.checkout(revision.commit, folder):
        if revision.dirty:
            site = state / "builds" / f"dirty-{name}"
            try:
                _copy_changes(repository, folder)
                yield _side(repository, revision, suite, folder, site, isolate=isolate)
            finally:
                shutil.rmtree(site, ignore_errors=True)
            return
        tree = repository.git("rev-parse", f"{revision.commit}^{{tree}}")
        tag = f"{sys.implementation.cache_tag}-{sys.executable}-{suite.subdirectory}-{isolate}"
        key = hashlib.sha256(f"{tree}-{tag}".encode()).hexdigest()[:16]
        site = state / "builds" / key
        yield _side(repository, revision, suite, folder, site, isolate=isolate)


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


def _copy_changes(repository: Repository, folder: Path) -> None:
    """Make a checkout of HEAD equal to the working tree, which building must not litter."""
    for name in repository.changes():
        source, target = repository.root / name, folder / name
        if source.is_dir() and not source.is_symlink():
            continue  # a submodule
        target.unlink(missing_ok=True)
        if source.is_symlink() or source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)


def _side(
    repository: Repository,
    revision: Revision,
    suite: Suite,
    checkout: Path,
    site: Path,
    *,
    isolate: bool,
) -> Side:
    source = checkout / suite.subdirectory
    if isolate:
        return Side(
            revision=revision,
            suite=suite.inside(repository.root, checkout),
            interpreter=isolated(source, site, label=revision.label, run=_run_logged),
            requirements=(),
            checkout=checkout,
        )
    if not (source / "pyproject.toml").exists() and not (source / "setup.py").exists():
        # A project without packaging is imported from its folder, as its users do.
        root = source / "src" if (source / "src").is_dir() else source
        return Side(
            revision=revision,
            suite=suite.inside(repository.root, checkout),
            interpreter=Interpreter(site=root),
            requirements=(),
            checkout=checkout,
        )
    if not site.exists():
        install(source, site, label=revision.label)
    return Side(
        revision=revision,
        suite=suite.inside(repository.root, checkout),
        interpreter=Interpreter(site=site),
        requirements=requirements(site),
        checkout=checkout,
    )


def install(source: Path, site: Path, *, label: str) -> None:
    """Install the project in ``source`` into the folder ``site``, whole or not at all.

    Raises MeasurementError with the last lines of the build and the path of its log.
    """
    partial = site.with_name(f"{site.name}.partial-{secrets.token_hex(4)}-{os.getpid()}")
    log = site.with_name(f"{site.name}.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    command = [*_installer(), "--no-deps", "--target", str(partial), str(source)]
    if _build_system_is_here(source):
        # Saves a download per side, and lets a machine without a network compare.
        command.insert(-1, "--no-build-isolation")
    try:
        if _run_logged(command, log) != 0:
            said = log.read_text(errors="replace")
            tail = "\n".join(said.splitlines()[-LAST_LINES:])
            raise MeasurementError(
                f"{label} does not build{_for_lack_of(said)} (whole log: {log}):\n{tail}"
            )
        if not any(map(_importable, partial.iterdir())):
            # Python would then import an installed copy, whose times would look like this one's.
            raise MeasurementError(
                f"{label} builds, but installs no module (whole log: {log}); its build"
                " configuration leaves the package out."
            )
        log.unlink()
        try:
            partial.rename(site)
        except OSError:
            # Another perfkit built the same commit meanwhile; its build is as good.
            if not site.exists():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


MISSING_COMMAND = re.compile(
    r"(?:error: command|unable to execute) '(?P<command>[^']+)'(?: failed)?: No such file"
)
"""How setuptools says that it found no compiler."""


def _for_lack_of(log: str) -> str:
    """Return what a build lacked, in words; empty where the log does not name a command."""
    found = MISSING_COMMAND.search(log)
    if found is None:
        return ""
    return f", as it needs the compiler {found['command']}, which is not on PATH: install it"


def _run_logged(command: Sequence[str], log: Path) -> int:
    """Run a command to its end in a process group of its own, which is gone when this returns."""
    with log.open("ab") as sink:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return process.wait()
        except BaseException:
            end_group(process)
            raise


def _importable(entry: Path) -> bool:
    if entry.is_dir():
        return entry.suffix != ".dist-info" and entry.name not in {"bin", "__pycache__"}
    return entry.suffix in {".py", ".so", ".pyd"}


def _installer() -> Sequence[str]:
    if importlib.util.find_spec("pip") is not None:
        return (sys.executable, "-m", "pip", "install", "--disable-pip-version-check")
    if uv := shutil.which("uv"):
        return (uv, "pip", "install", "--python", sys.executable)
    raise MeasurementError(
        f"{sys.executable} has no pip and there is no uv on PATH; commits are built with one of"
        " them: run `python -m ensurepip` or install uv."
    )


def _build_system_is_here(source: Path) -> bool:
    """Whether this interpreter has everything that building the project asks for (PEP 518)."""
    system: dict[str, object] = {}
    if (source / "pyproject.toml").exists():
        try:
            values = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise MeasurementError(f"{source / 'pyproject.toml'}: {error}") from error
        system = values.get("build-system", {})
    wanted = system.get("requires", ["setuptools"])
    if not isinstance(wanted, list) or not all(_installed(str(name)) for name in wanted):
        return False
    # Older versions build wheels with the package wheel, which they ask for when they run.
    alone = not any(str(name).startswith("setuptools") for name in wanted)
    return alone or _installed("setuptools>=70.1") or _installed("wheel")


def _installed(requirement: str) -> bool:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        wanted = Requirement(requirement)
        if wanted.marker is not None and not wanted.marker.evaluate():
            return True
        return wanted.specifier.contains(version(wanted.name), prereleases=True)
    except (InvalidRequirement, PackageNotFoundError):
        return False  # the build says what is wrong with it


def requirements(site: Path) -> tuple[str, ...]:
    """Return what the distributions installed in ``site`` require, sorted."""
    found = {
        requirement
        for distribution in distributions(path=[str(site)])
        for requirement in distribution.requires or ()
    }
    return tuple(sorted(found))
