"""The asv suite of a project, as its ``asv.conf.json`` describes it."""

from dataclasses import dataclass
from pathlib import Path

from perfkit.errors import ConfigError, UsageError

NAMES = ("asv.conf.json", "asv.conf.jsonc")
"""The file names that asv 0.6 accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Where a suite's benchmarks are, what they measure, and where results go.

    Paths are absolute. ``subdirectory`` is the project's folder inside the repository (asv's
    ``repo_subdir``), empty for the repository itself. ``default_timeout`` is in seconds.
    """

    config: Path
    project: str
    subdirectory: str
    benchmarks: Path
    results: Path
    default_timeout: float

    def inside(self, old_root: Path, new_root: Path) -> "Suite":
        """Return the same suite in another checkout of the same repository."""

        def moved(path: Path) -> Path:
            return new_root / path.relative_to(old_root)

        return Suite(
            config=moved(self.config),
            project=self.project,
            subdirectory=self.subdirectory,
            benchmarks=moved(self.benchmarks),
            results=self.results,
            default_timeout=self.default_timeout,
        )


def find_suite(folder: Path) -> Suite:
    """Return the suite configured in ``folder`` or in its ``benchmarks`` folder.

    UsageError where there is none or more than one, ConfigError where it cannot be read.
    """
    places = [folder, folder / "benchmarks", folder / "asv_bench"]
    found = [place / name for place in places for name in NAMES if (place / name).is_file()]
    if not found:
        raise UsageError(
            f"{folder}: no asv.conf.json here, in benchmarks/ or in asv_bench/; `perfkit init`"
            " writes a suite that runs."
        )
    if len(found) > 1 and found[0].parent == found[1].parent:
        raise UsageError(f"{found[0]} and {found[1].name} both exist; keep one of them.")
    return read_suite(found[0])


def read_suite(path: Path) -> Suite:
    """Return the suite that one ``asv.conf.json`` describes; ConfigError when it is broken."""
    import json5  # asv's own reader of its configuration, which may hold comments

    try:
        values = json5.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not readable as JSON with comments: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: found {type(values).__name__}, wanted an object of settings.")

    def text(key: str, default: str) -> str:
        value = values.get(key, default)
        if not isinstance(value, str):
            raise ConfigError(f"{path}: {key}: found {value!r}, wanted a string.")
        return value

    timeout = values.get("default_benchmark_timeout", 60.0)
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
        raise ConfigError(
            f"{path}: default_benchmark_timeout: found {timeout!r}, wanted seconds above 0."
        )
    root = path.parent.resolve()
    benchmarks = (root / text("benchmark_dir", "benchmarks")).resolve()
    if not benchmarks.is_dir():
        raise ConfigError(
            f"{path}: benchmark_dir is {benchmarks}, which is no folder; name the folder that holds"
            " the benchmarks."
        )
    return Suite(
        config=path.resolve(),
        project=text("project", "project"),
        subdirectory=text("repo_subdir", "").strip("/"),
        benchmarks=benchmarks,
        results=(root / text("results_dir", "results")).resolve(),
        default_timeout=float(timeout),
    )
