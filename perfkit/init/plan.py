"""Which files a repository gets, and what is in them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from perfkit.benchmarking.suite import NAMES

Forge = Literal["github", "gitlab", "none"]
"""Whose CI the files are for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectShape:
    """What the files depend on.

    ``suite`` is the configuration of the asv suite that the project has, below its root;
    ``install`` are the arguments of pip that prepare a measurement; ``pipeline`` is the text of
    the project's ``.gitlab-ci.yml``, None where it has none.
    """

    name: str
    suite: PurePosixPath | None
    install: str
    pipeline: str | None = None


OWN_SUITE: Final = PurePosixPath("benchmarks/asv.conf.json")
"""Where the suite that is written here is configured."""
SUITE_FOLDERS: Final = ("", "benchmarks", "asv_bench")
"""Where a suite's configuration is looked for, as ``find_suite`` does."""
_CONFIG: Final = {
    "config/performance_thresholds.yaml": "performance_thresholds.yaml",
    "config/monitoring_config.yaml": "monitoring_config.yaml",
}
_SUITE: Final = {
    "benchmarks/suite/__init__.py": "suite/__init__.py",
    "benchmarks/suite/example.py": "suite/example.py",
    # The last one: with it the suite exists, and a second run leaves it alone.
    "benchmarks/asv.conf.json": "asv.conf.json",
}
_CI: Final[Mapping[Forge, Mapping[str, str]]] = {
    "github": {
        ".github/workflows/perfkit.yml": "github-perfkit.yml",
        ".github/workflows/perfkit-comment.yml": "github-perfkit-comment.yml",
    },
    "gitlab": {".gitlab/perfkit.yml": "gitlab-perfkit.yml"},
    "none": {},
}
PIPELINE: Final = PurePosixPath(".gitlab-ci.yml")
"""What GitLab runs. One that exists is the project's own, and ``--force`` is not for it."""


def shape_of(root: Path) -> ProjectShape:
    """Look at the project in ``root``."""
    if (root / "pyproject.toml").is_file() or (root / "setup.py").is_file():
        install = "perfkit ."
    elif (root / "requirements.txt").is_file():
        install = "perfkit -r requirements.txt"
    else:
        install = "perfkit"
    return ProjectShape(
        name=root.name, suite=_suite_in(root), install=install, pipeline=_pipeline_in(root)
    )


def _suite_in(root: Path) -> PurePosixPath | None:
    places = (PurePosixPath(folder, name) for folder in SUITE_FOLDERS for name in NAMES)
    return next((place for place in places if (root / place).exists()), None)


def _pipeline_in(root: Path) -> str | None:
    path = root / PIPELINE
    if path.is_file():
        return path.read_text(encoding="utf-8", errors="replace")
    # A dangling link is somebody's file as well.
    return "" if path.exists() or path.is_symlink() else None


def includes_job(shape: ProjectShape) -> bool:
    """Whether the project's own ``.gitlab-ci.yml`` names the file with the job."""
    return any(path in (shape.pipeline or "") for path in _CI["gitlab"])


def planned_files(
    shape: ProjectShape, forge: Forge, *, replace_suite: bool
) -> Mapping[PurePosixPath, str]:
    """Return path below the root -> text.

    A suite is planned where the project has none, or where ``replace_suite`` is given and the
    suite stands where this one would.
    """
    sources = dict(_CONFIG)
    if shape.suite is None or (replace_suite and shape.suite == OWN_SUITE):
        sources |= _SUITE
    sources |= _CI[forge]
    if forge == "gitlab" and shape.pipeline is None:
        sources[str(PIPELINE)] = "gitlab-ci.yml"
    values = {
        "@PROJECT@": json.dumps(shape.name),
        "@INSTALL@": f"python -m pip install {shape.install}",
    }
    planned = {}
    for target, source in sources.items():
        text = (files("perfkit.init") / "templates" / source).read_text(encoding="utf-8")
        for mark, value in values.items():
            text = text.replace(mark, value)
        planned[PurePosixPath(target)] = text
    return planned
