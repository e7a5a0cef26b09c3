"""What a load is and what has to hold under it: sections of both files, and of a plan."""

import re
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, JsonValue, field_validator, model_validator

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

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""Methods and names of headers (RFC 9110, sections 5.6.2 and 9.1)."""

NOT_IN_PATHS = re.compile(r"[\x00-\x20\x7f\\]")
"""Blanks, control characters and backslashes, which programs read differently in an address."""


class PlannedRequest(Section):
    """One kind of request of the mix."""

    weight: int = Field(default=1, ge=1, le=10_000)
    """How often it is sent beside the others."""
    method: Text = "GET"
    """Method of an HTTP request."""
    path: str = ""
    """Path and query on the target's host, from its root (/a) or beside its path (a, ?q=1); HTTP
    only."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Headers of an HTTP request."""
    body: str | None = None
    """Body of an HTTP request, sent as UTF-8."""
    tool: Text | None = None
    """Tool that is called; MCP only."""
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """Arguments of the tool."""

    @field_validator("path")
    @classmethod
    def _on_the_targets_host(cls, path: str) -> str:
        try:
            parts = urlsplit(path)
            leaves = bool(parts.scheme or parts.netloc or path.startswith("//"))
        except ValueError:
            leaves = True
        if leaves or NOT_IN_PATHS.search(path):
            message = (
                f"found {path!r}, wanted a path on the target's host such as /orders?page=2,"
                " percent-encoded"
            )
            raise ValueError(message)
        return path

    @field_validator("method")
    @classmethod
    def _a_token(cls, method: str) -> str:
        if not TOKEN.fullmatch(method):
            message = f"found {method!r}, wanted a method such as GET or POST"
            raise ValueError(message)
        return method

    @field_validator("headers")
    @classmethod
    def _can_be_sent(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not TOKEN.fullmatch(name) or re.search(r"[\r\n\0]", value):
                message = f"found header {name!r}: {value!r}, wanted NAME: VALUE on one line"
                raise ValueError(message)
        return headers


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
    soak: Duration = 0.0
    """Hold for this long instead, and judge whether p99 and memory rise meanwhile."""
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
    most_time: PositiveDuration = 7200.0
    """A plan that takes longer is refused; a ramp to the knee has longest."""

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


class LoadWatch(LoadShape):
    """What perfkit load and perfkit check --load send, where neither options nor a plan say it."""

    target: Text | None = None
    """An http(s) address, mcp:http(s)://..., mcp:stdio:COMMAND or pkg.mod:callable. With serve,
    {port} stands for the port that was found."""
    serve: Text | None = None
    """Command that starts the service, for perfkit check --load: once for each side, in its build.
    {port} is a free port of 127.0.0.1, {python} that side's interpreter."""
    requests: tuple[PlannedRequest, ...] = ()
    """The mix; left out, one GET request. An MCP target needs one with its tool."""
    check_hold: PositiveDuration = 2.0
    """How long perfkit check --load holds the rate in each round of each side."""
    check_budget: PositiveDuration = 180.0
    """Wall-clock time after which perfkit check --load starts no new round."""

    @model_validator(mode="after")
    def _what_is_served_is_asked(self) -> Self:
        if self.serve is not None and (self.target is None or "{port}" not in self.target):
            message = "found serve, wanted a target with {port} in it as well"
            raise ValueError(message)
        return self
