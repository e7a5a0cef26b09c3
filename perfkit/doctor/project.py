"""What a project and its machine offer perfkit: tools, an asv suite, configuration."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perfkit.errors import PerfkitError

_COMPILERS: Final = ("cc", "gcc", "clang")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFacts:
    """What was found.

    ``git``, ``compiler`` and ``uv`` are paths, None where they are not on PATH. The other three
    are ``None`` when all is well and otherwise the sentence that says what is wrong;
    ``configured`` is whether a configuration file exists.
    """

    git: str | None
    compiler: str | None
    uv: str | None
    memray_problem: str | None
    suite_problem: str | None
    config_problem: str | None
    configured: bool


def read_project(
    root: Path,
    config: Path,
    *,
    environ: Mapping[str, str],
    which: Callable[[str], str | None] = shutil.which,
) -> ProjectFacts:
    """Look at PATH, at the project in ``root`` and at its directory of configuration."""
    from perfkit.benchmarking.suite import find_suite
    from perfkit.config.load import MONITORING_FILE, THRESHOLDS_FILE, load_settings

    return ProjectFacts(
        git=which("git"),
        compiler=next((path for name in _COMPILERS if (path := which(name))), None),
        uv=which("uv"),
        memray_problem=_memray_problem(),
        suite_problem=_problem(lambda: find_suite(root)),
        config_problem=_problem(lambda: load_settings(config, environ=environ)),
        configured=any((config / name).exists() for name in (THRESHOLDS_FILE, MONITORING_FILE)),
    )


def _problem(attempt: Callable[[], object]) -> str | None:
    try:
        attempt()
    except PerfkitError as error:
        return str(error)
    return None


def _memray_problem() -> str | None:
    """Importing is the only proof: it loads memray's compiled part."""
    try:
        import memray
    except ImportError as error:
        return f"memray cannot be imported: {error}"
    del memray
    return None
