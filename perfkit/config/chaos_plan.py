"""The plan of an experiment with faults: a YAML file for ``perfkit chaos run``."""

import json
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator

from perfkit.config.complaints import complaints
from perfkit.config.document import Location, Place, read_document
from perfkit.config.fields import Duration, PositiveDuration, Ratio, Text
from perfkit.config.load_plan import LoadPlan
from perfkit.config.section import Section
from perfkit.errors import ConfigError

Kind = Literal[
    "latency", "error", "reset", "down", "hang", "slow", "truncate", "kill", "stop"
]  # fmt: skip


OF_OTHER_LOADS = (
    *("hold", "soak", "ramp", "spike", "spike_rate", "recover", "step", "longest"),
    *("capacity", "p99_rise", "memory_rise"),
)
"""Keys of a load that an experiment has no use for: its lengths are steady and method."""


class PlannedFault(Section):
    """One fault of the method."""

    kind: Kind
    """What is done."""
    at: Duration
    """When, from the start of the method."""
    lasts: Duration = 0.0
    """For how long; a killed process is started anew after it."""
    measures: dict[str, str] = Field(default_factory=dict)
    """How much: delay, jitter, status, rate, share, as its kind has them; count at a failpoint."""
    failpoint: str = ""
    """Named place of the started program where it happens, instead of before its server."""


class Expected(Section):
    """What has to hold while faults happen; what is left out is only shown."""

    availability: Ratio | None = None
    """Smallest share of requests that do not fail."""
    p99: PositiveDuration | None = None
    """Largest 0.99 quantile of the latency."""


class ChaosPlan(Section):
    """A steady state, faults, and the steady state again."""

    name: Text
    """What the experiment is called in reports and the journal."""
    load: LoadPlan
    """The load that shows the state; its objectives are the steady state."""
    start: str = ""
    """Command of the server, started before and ended after; kill, stop and failpoints need it."""
    ready: str = ""
    """HOST:PORT that has to accept connections first; left out, that of the target."""
    ready_within: PositiveDuration = 10.0
    """Time that the server has until it accepts connections."""
    steady: PositiveDuration = 5.0
    """Length of the load before and after."""
    method: PositiveDuration = 10.0
    """Length of the load while faults happen."""
    faults: tuple[PlannedFault, ...]
    """What is done, and when."""
    during: Expected = Expected()
    """What has to hold meanwhile."""

    @field_validator("load")
    @classmethod
    def _nothing_is_left_out_in_silence(cls, load: LoadPlan) -> LoadPlan:
        if given := [key for key in OF_OTHER_LOADS if key in load.model_fields_set]:
            message = (
                f"found {', '.join(given)}, which an experiment has no use for, wanted a load"
                " without it: steady and method say how long it is"
            )
            raise ValueError(message)
        return load

    @field_validator("ready")
    @classmethod
    def _a_place(cls, ready: str) -> str:
        try:
            parts = urlsplit(f"//{ready}")
            good = parts.hostname and parts.port and not (parts.path or parts.query)
        except ValueError:
            good = False
        if ready and not good:
            message = f"found {ready!r}, wanted HOST:PORT"
            raise ValueError(message)
        return ready

    @model_validator(mode="after")
    def _within_the_method(self) -> Self:
        if not self.faults:
            message = "found no fault, wanted one at least"
            raise ValueError(message)
        taken = 0.0
        for fault in sorted(self.faults, key=lambda one: one.at):
            if fault.at < taken:
                message = f"found a {fault.kind} while another fault goes on, wanted one at a time"
                raise ValueError(message)
            taken = fault.at + fault.lasts
            if fault.at + fault.lasts > self.method:
                message = (
                    f"found a {fault.kind} until {fault.at + fault.lasts:g}s, wanted all within"
                    f" the method of {self.method:g}s"
                )
                raise ValueError(message)
            if (fault.failpoint or fault.kind in {"kill", "stop"}) and not self.start:
                what = f"a failpoint ({fault.failpoint})" if fault.failpoint else fault.kind
                message = f"found {what} without start, wanted the command of the process"
                raise ValueError(message)
        return self


def read_chaos_plan(path: Path) -> ChaosPlan:
    """Return the plan of a file. Raises ConfigError with file and line."""
    document = read_document(path, str(path))
    try:
        return ChaosPlan.model_validate_json(json.dumps(document.values))
    except ValidationError as error:
        origins: dict[Location, Place | str] = {(): document.file, **document.places}
        raise ConfigError(complaints(error, ChaosPlan, document, origins)) from error
