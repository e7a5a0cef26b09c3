"""The parts of a program that are watched one by one."""

from typing import Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from perfkit.config.fields import PositiveDuration, Text
from perfkit.config.section import Section, refuse_repeats

Convention = Literal["mcp-server", "mcp-client", "gen-ai-tool"]
"""What calls are to OpenTelemetry."""

ProbeKind = Literal["http", "mcp", "command", "python"]

_KEYS: Final[dict[ProbeKind, tuple[set[str], set[str]]]] = {
    "http": ({"url"}, {"status", "contains"}),
    "mcp": (set(), {"url", "command", "tool", "arguments"}),
    "command": ({"command"}, {"exit_code"}),
    "python": ({"function"}, set()),
}
"""Kind -> the keys that it needs, and those that it understands beside those of every kind."""

MOST_PROBES: Final = 50
"""Of all components; each may leave a thread behind that does not end."""


class Probe(Section):
    """A look from outside, on a schedule; it counts as a call of the component."""

    name: Text
    """What the call is called in telemetry; unique in its component."""
    kind: ProbeKind
    """An HTTP address, a session of an MCP server, a command, or a Python function."""
    url: Text | None = None
    """Address that is asked: http, and mcp over HTTP."""
    status: int | None = Field(default=None, ge=100, le=599)
    """Wanted status (http); any of 200 to 299 by default. Redirects are not followed."""
    contains: Text | None = None
    """Text that has to be in the first MiB of the answer (http)."""
    command: tuple[Text, ...] = ()
    """Program and its arguments (command), or those of a server that speaks stdio (mcp)."""
    exit_code: int | None = Field(default=None, ge=0, le=255)
    """Wanted exit code (command); 0 by default."""
    tool: Text | None = None
    """Tool that is called once the session is initialized (mcp); none by default."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """What the tool is called with (mcp)."""
    function: Text | None = None
    """pkg.mod:function, called in a process of its own (python); raising or False is a failure."""
    interval: PositiveDuration = 30.0
    """How often it looks."""
    timeout: PositiveDuration = 5.0
    """How long an answer may take; at most the interval."""

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> Self:
        needed, also = _KEYS[self.kind]
        own = {key for one in _KEYS.values() for keys in one for key in keys}
        given = {key for key in own if getattr(self, key) not in (None, (), {})}
        if foreign := sorted(given - needed - also):
            message = f"found the key {foreign[0]!r} with kind {self.kind}, wanted it left out"
            raise ValueError(message)
        if missing := sorted(needed - given):
            message = f"found no key {missing[0]!r} with kind {self.kind}, wanted it"
            raise ValueError(message)
        if self.kind == "mcp" and ("url" in given) == ("command" in given):
            raise ValueError("wanted one of url and command with kind mcp, and not both")
        if self.arguments and self.tool is None:
            raise ValueError("found arguments without a tool, wanted the tool that gets them")
        return self

    @model_validator(mode="after")
    def _values_can_be_used(self) -> Self:
        if self.url is not None and not self.url.startswith(("http://", "https://")):
            raise ValueError("found an address that starts with neither http:// nor https://")
        if self.function is not None and not all(self.function.partition(":")):
            message = f"found {self.function!r}, wanted a function such as shop.checks:can_sum"
            raise ValueError(message)
        if self.timeout > self.interval:
            raise ValueError("found a timeout above the interval, wanted it at most as long")
        return self


class Component(Section):
    """A part of the program with telemetry, alerts and a row in dashboards of its own."""

    name: Text
    """The component that the program names in perfkit.runtime; unique."""
    why: str = ""
    """What it does, shown in dashboards."""
    convention: Convention | None = None
    """What its calls are to OpenTelemetry, each name a tool: calls that an MCP server answers or an
    MCP client makes, or tools that an agent executes. By default no convention is followed."""
    probes: tuple[Probe, ...] = ()
    """How it is looked at from outside, by perfkit monitor --probe."""

    @field_validator("probes")
    @classmethod
    def _probes_have_names_of_their_own(cls, probes: tuple[Probe, ...]) -> tuple[Probe, ...]:
        refuse_repeats("name", [probe.name for probe in probes])
        return probes
