"""``config/monitoring_config.yaml``: how it is watched."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from perfkit.config.alerting import Alerts, Notification
from perfkit.config.components import MOST_PROBES, Component
from perfkit.config.drills import DrillWatch
from perfkit.config.fields import PositiveDuration
from perfkit.config.load_settings import LoadWatch
from perfkit.config.section import Section, refuse_repeats
from perfkit.config.telemetry import TelemetryStore

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$")]
"""Letters, digits, dots, dashes and underscores, at most 40: it stands inside an HTML comment."""


class Logging(Section):
    """The diary on standard error; ``--verbose`` lowers the level for one run."""

    level: Literal["debug", "info", "warning", "error"] = "warning"
    """Least severe message that is written."""
    format: Literal["text", "json"] = "text"
    """Lines for people, or one JSON object per line."""


class Comment(Section):
    """The comment under a pull request, written by ``--post`` and ``--comment``."""

    policy: Literal["always", "on-change", "on-regression", "never"] = "always"
    """When the first comment is written: always, when a row changed, or when a gate failed or could
    not measure. One that exists is kept current, except under never."""
    key: Key = "perfkit"
    """Tells the comments of several jobs of one pull request apart."""
    check_run: bool = False
    """Also create a check run on the head commit, neutral where the report is inconclusive (GitHub
    only, needs the permission checks: write)."""
    max_wait: PositiveDuration = 300.0
    """Time that posting may take in all, waits for rate limits included."""


class Monitoring(Section):
    """How it is watched: logging, progress, comment, store, components, alerts, who is told."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    """Version of this file's format."""
    logging: Logging = Logging()
    """The diary on standard error."""
    progress: Literal["auto", "never"] = "auto"
    """Progress on standard error: auto is a bar on a terminal and plain lines in a log."""
    comment: Comment = Comment()
    """The comment under a pull request."""
    store: TelemetryStore = TelemetryStore()
    """The telemetry store that monitor, slo and alerts read."""
    components: tuple[Component, ...] = ()
    """The parts of the program that are watched one by one."""
    alerts: Alerts = Alerts()
    """What is worth telling a person."""
    notification: Notification = Notification()
    """How alerts become messages."""
    load: LoadWatch = LoadWatch()
    """What is sent by perfkit load and perfkit check --load, how much of it, and for how long."""
    drills: DrillWatch = DrillWatch()
    """What is backed up and rehearsed."""

    @field_validator("components")
    @classmethod
    def _components_have_names_of_their_own(
        cls, components: tuple[Component, ...]
    ) -> tuple[Component, ...]:
        refuse_repeats("name", [component.name for component in components])
        probes = sum(len(component.probes) for component in components)
        if probes > MOST_PROBES:
            message = f"found {probes} probes of all components, wanted at most {MOST_PROBES}"
            raise ValueError(message)
        return components
