"""``config/monitoring_config.yaml``: how it is watched."""

from typing import Literal

from pydantic import Field

from perfkit.config.section import Section


class Logging(Section):
    """The diary on standard error; ``--verbose`` lowers the level for one run."""

    level: Literal["debug", "info", "warning", "error"] = "warning"
    """Least severe message that is written."""
    format: Literal["text", "json"] = "text"
    """Lines for people, or one JSON object per line."""


class Monitoring(Section):
    """How it is watched: logging and progress."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    """Version of this file's format."""
    logging: Logging = Logging()
    """The diary on standard error."""
    progress: Literal["auto", "never"] = "auto"
    """Progress on standard error: auto is a bar on a terminal and plain lines in a log."""
