"""``config/monitoring_config.yaml``: how perfkit watches, and where it keeps what it saw."""

from typing import Literal

from pydantic import Field

from perfkit.config.fields import Text
from perfkit.config.section import Section


class Logging(Section):
    """The diary on standard error; ``--verbose`` lowers the level for one run."""

    level: Literal["debug", "info", "warning", "error"] = "warning"
    """Least severe message that is written."""
    format: Literal["text", "json"] = "text"
    """Lines for people, or one JSON object per line."""


class Store(Section):
    """Where raw captures (profiles, memory captures, logs of children) are kept."""

    directory: Text = ".perfkit"
    """Directory, relative to the root of the repository; keep it out of version control."""


class Monitoring(Section):
    """How it is watched: logging, the store of captures, progress."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    """Version of this file's format."""
    logging: Logging = Logging()
    """The diary on standard error."""
    store: Store = Store()
    """Where captures are kept."""
    progress: Literal["auto", "always", "never"] = "auto"
    """Progress on standard error; auto means only on a terminal."""
