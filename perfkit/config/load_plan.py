"""The plan of a load: a YAML file, options of ``perfkit load``, or both."""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from perfkit.config.complaints import complaints
from perfkit.config.document import Document, Location, Place, Value, read_document
from perfkit.config.fields import Text
from perfkit.config.load import MONITORING_FILE, THRESHOLDS_FILE, Settings
from perfkit.config.load_settings import LoadLimits, LoadShape, PlannedRequest
from perfkit.errors import ConfigError

WHAT_IS_SENT = ("target", "requests")
"""Keys of the configuration that count together: the mix of one target is not that of another."""


class LoadPlan(LoadLimits, LoadShape):
    """What is sent, how much of it, for how long, and what has to hold."""

    target: Text
    """An http(s) address, mcp:stdio:COMMAND, mcp:http(s)://..., or pkg.mod:callable."""
    requests: tuple[PlannedRequest, ...] = ()
    """The mix; left out, one GET request. An MCP target needs one with its tool."""


def read_load_plan(
    path: Path | None,
    given: Mapping[str, tuple[str, Value]],
    settings: Settings | None = None,
) -> LoadPlan:
    """Return what options give, over a plan's file, over what the configuration sets.

    ``given`` maps a key to the option's name and its value as it would stand in the file.

    Raises ConfigError with file and line, the variable or the option, where something cannot be
    used.
    """
    document = read_document(path, str(path)) if path else Document("the options")
    configured = {} if settings is None else _configured(settings)
    if "target" in document.values or "target" in given:
        configured = {key: one for key, one in configured.items() if key not in WHAT_IS_SENT}
    values = {
        **{key: value for key, (value, _) in configured.items()},
        **document.values,
        **{key: value for key, (_, value) in given.items()},
    }
    origins: dict[Location, Place | str] = {(): document.file}
    origins |= {(key,): origin for key, (_, origin) in configured.items()}
    origins |= document.places
    origins |= {(key,): f"option {option}" for key, (option, _) in given.items()}
    try:
        return LoadPlan.model_validate_json(json.dumps(values))
    except ValidationError as error:
        raise ConfigError(complaints(error, LoadPlan, document, origins)) from error


def _configured(settings: Settings) -> dict[str, tuple[Value, Place | str]]:
    """Return the keys of both sections ``load`` that are no defaults, with where they stand."""
    found: dict[str, tuple[Value, Place | str]] = {}
    for name, section in (
        (THRESHOLDS_FILE, settings.thresholds.load),
        (MONITORING_FILE, settings.monitoring.load),
    ):
        for key, value in section.model_dump(mode="json", by_alias=True).items():
            origin = settings.origins.get((name, ("load", key)))
            if origin is not None and key in LoadPlan.model_fields:
                found[key] = (value, origin)
    return found
