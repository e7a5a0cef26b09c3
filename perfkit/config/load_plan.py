"""The plan of a load: a YAML file, options of ``perfkit load``, or both."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, JsonValue, ValidationError, field_validator, model_validator

from perfkit.config.complaints import complaints
from perfkit.config.document import Document, Location, Place, Value, read_document
from perfkit.config.fields import (
    Duration,
    PositiveDuration,
    PositiveRatio,
    Rate,
    Ratio,
    Size,
    Text,
)
from perfkit.config.section import Section
from perfkit.errors import ConfigError


class PlannedRequest(Section):
    """One kind of request of the mix."""

    weight: int = Field(default=1, ge=1, le=10_000)
    """How often it is sent beside the others."""
    method: Text = "GET"
    """Method of an HTTP request."""
    path: str = ""
    """Path and query, put after the target's address; HTTP only."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Headers of an HTTP request."""
    body: str | None = None
    """Body of an HTTP request, sent as UTF-8."""
    tool: Text | None = None
    """Tool that is called; MCP only."""
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """Arguments of the tool."""


class LoadLimits(Section):
    """What has to hold under load; what is left out is not asked."""

    p50: PositiveDuration | None = None
    """Largest median of the latency, from when a request was due."""
    p95: PositiveDuration | None = None
    """Largest 0.95 quantile of it."""
    p99: PositiveDuration | None = None
    """Largest 0.99 quantile of it."""
    max: PositiveDuration | None = None
    """Largest latency of all."""
    availability: Ratio | None = None
    """Smallest share of requests that do not fail."""
    capacity: Rate | None = None
    """Smallest rate that has to hold, for a ramp to the knee."""
    p99_rise: PositiveRatio = 0.2
    """Largest rise of p99 over a soak, of its usual value."""
    memory_rise: Size = 8 * 2**20
    """Largest rise of resident memory over a soak."""
    why: str = ""
    """Where the limits come from."""

    @field_validator("availability")
    @classmethod
    def _a_share(cls, share: float | None) -> float | None:
        if share is not None and share > 1:
            message = "found more than everything, wanted at most 100%"
            raise ValueError(message)
        return share


class LoadShape(Section):
    """How much is sent, how, and for how long."""

    arrivals: Literal["poisson", "constant"] = "poisson"
    """Independent users, or equal distances."""
    seed: int = Field(default=0, ge=0)
    """Seed of the arrivals and of the order of the mix."""
    rate: Rate = 10.0
    """Requests that are due in a unit of time while holding; the first step of a ramp to the
    knee."""
    hold: PositiveDuration = 10.0
    """How long the rate is held."""
    ramp: Duration = 0.0
    """Time over which the rate rises to it beforehand; not judged."""
    warm: Duration = 1.0
    """Time at the rate before anything is judged."""
    spike_rate: Rate = 0.0
    """Rate of a spike after holding; needs spike."""
    spike: Duration = 0.0
    """Length of that spike; shown and not judged."""
    recover: Duration = 0.0
    """Time at the normal rate after the spike; judged."""
    step: PositiveDuration = 3.0
    """Length of a step of a ramp to the knee; longer where requests are few or slow."""
    longest: PositiveDuration = 300.0
    """A ramp to the knee starts no step after this."""
    timeout: PositiveDuration = 10.0
    """Time after which a request that was sent counts as failed."""
    most_waiting: int = Field(default=1000, ge=1, le=100_000)
    """Requests that may wait for an answer at once; one more is missed, which is a failure."""
    most_requests: int = Field(default=1_000_000, ge=1)
    """A plan with more requests is refused; a ramp to the knee ends before them."""

    @field_validator("rate")
    @classmethod
    def _something_is_due(cls, rate: float) -> float:
        if rate <= 0:
            message = "found zero, wanted more than zero"
            raise ValueError(message)
        return rate

    @model_validator(mode="after")
    def _spike_is_whole(self) -> Self:
        if (self.spike > 0) != (self.spike_rate > 0):
            message = "found one of spike and spike_rate, wanted both or neither"
            raise ValueError(message)
        return self


class LoadPlan(LoadLimits, LoadShape):
    """What is sent, how much of it, for how long, and what has to hold."""

    target: Text
    """An http(s) address, mcp:stdio:COMMAND, mcp:http(s)://..., or pkg.mod:callable."""
    requests: tuple[PlannedRequest, ...] = ()
    """The mix; left out, one GET request. An MCP target needs one with its tool."""


def read_load_plan(path: Path | None, given: Mapping[str, tuple[str, Value]]) -> LoadPlan:
    """Return the plan of a file with what options give laid over it.

    ``given`` maps a key to the option's name and its value as it would stand in the file.

    Raises ConfigError with file and line, or the option, where something cannot be used.
    """
    document = read_document(path, str(path)) if path else Document("the options")
    values = {**document.values, **{key: value for key, (_, value) in given.items()}}
    origins: dict[Location, Place | str] = {(): document.file, **document.places}
    origins |= {(key,): f"option {option}" for key, (option, _) in given.items()}
    try:
        return LoadPlan.model_validate_json(json.dumps(values))
    except ValidationError as error:
        raise ConfigError(complaints(error, LoadPlan, document, origins)) from error
