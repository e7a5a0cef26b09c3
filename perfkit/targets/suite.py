"""Where the asv suite of a project stands."""

from pathlib import Path

from perfkit.errors import UsageError

CONFIG_NAMES = ("asv.conf.json", "asv.conf.jsonc")
"""asv's own names for its configuration file."""


def find_asv_config(cwd: Path) -> Path:
    """Return the asv configuration in ``cwd`` or ``cwd/benchmarks``.

    Raises:
        UsageError: There is none.
    """
    for folder in (cwd, cwd / "benchmarks"):
        for name in CONFIG_NAMES:
            if (folder / name).is_file():
                return folder / name
    raise UsageError(
        f"no asv.conf.json in {cwd} or {cwd / 'benchmarks'}: start perfkit in the project's "
        "folder, or write a suite with `perfkit init`"
    )


def find_benchmark_folder(cwd: Path) -> Path:
    """Return the absolute folder of the asv suite that the configuration names.

    Raises:
        UsageError: There is no configuration, it cannot be read, or the folder does not exist.
    """
    import json5  # asv's own dependency: its configuration may hold comments

    config = find_asv_config(cwd)
    try:
        values = json5.loads(config.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise UsageError(f"{config} cannot be read ({error}): repair it") from error
    if not isinstance(values, dict):
        raise UsageError(f"{config} holds no object: asv wants one, see `asv quickstart`")
    folder = (config.parent / str(values.get("benchmark_dir", "benchmarks"))).resolve()
    if not folder.is_dir():
        raise UsageError(f"{config} names the benchmark_dir {folder}, which is no folder")
    return folder
