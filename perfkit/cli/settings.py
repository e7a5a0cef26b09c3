"""Where a verb finds its settings, its repository and its suite."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.cli.invocation import Invocation

if TYPE_CHECKING:
    from perfkit.benchmarking.suite import Suite
    from perfkit.config.load import Override, Settings
    from perfkit.forge.git import Repository

CONFIG = "config"
"""Folder of the two YAML files, relative to the repository or the current folder."""


def settings_of(
    invocation: Invocation, also: "Sequence[Override]" = (), **options: str | int | None
) -> "Settings":
    """Return the settings: option, environment, file, default, in this order.

    What they say about logging and progress holds from here on.

    ``options`` are keys of the section ``regression`` with what the user typed, None where not
    given; ``also`` are options that set keys of other sections. Without ``--config`` the files are
    looked for in the current folder's ``config``, then in the repository's.
    """
    from perfkit.config.load import Override, load_settings

    overrides = [
        *also,
        *(
            Override(f"regression.{key}", str(value), f"--{_OPTION[key]}")
            for key, value in options.items()
            if value is not None
        ),
    ]
    named = invocation.config_directory
    directory = config_directory(invocation)
    settings = load_settings(
        directory, environ=os.environ, options=overrides, must_exist=named is not None
    )
    monitoring = settings.monitoring
    invocation.start_logging(monitoring.logging.level, monitoring.logging.format)
    invocation.progress = monitoring.progress == "auto"
    return settings


def store_path(option: Path | None, settings: "Settings") -> Path:
    """Return the telemetry store: what ``--store`` names, or the configuration."""
    return Path(settings.monitoring.store.path) if option is None else option


_OPTION = {
    "min_rounds": "min-rounds",
    "max_rounds": "max-rounds",
    "time_budget": "budget",
    "load_wait": "load-wait",
}


def is_configured(invocation: Invocation) -> bool:
    """Whether anything sets a key: a folder that was named, a file, or a variable.

    Where nothing does, a verb that needs few settings may go without: reading none of them takes
    150 ms of a processor, most of it pydantic.
    """
    return (
        invocation.config_directory is not None
        or config_directory(invocation).is_dir()
        or any(name.startswith("PERFKIT_") for name in os.environ)
    )


def config_directory(invocation: Invocation) -> Path:
    """Return the folder of the configuration, named from where the user stands."""
    named = invocation.config_directory
    return named if named is not None else Path(os.path.relpath(_default_directory()))


def _default_directory() -> Path:
    here = Path.cwd()
    if (here / CONFIG).is_dir():
        return here / CONFIG
    # As git looks for a repository; asking it costs a process at every start.
    roots = (folder for folder in (here, *here.parents) if (folder / ".git").exists())
    return next(roots, here) / CONFIG


def repository_and_suite(folder: Path) -> "tuple[Repository, Suite]":
    """Return the repository around ``folder`` and its asv suite.

    The suite is looked for in ``folder`` first, then at the root of the repository.
    """
    from perfkit.benchmarking.suite import find_suite
    from perfkit.forge.git import Repository

    repository = Repository.around(folder)
    return repository, find_suite(folder, repository.root)
