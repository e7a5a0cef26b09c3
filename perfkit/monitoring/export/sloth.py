"""Objectives as specifications for Sloth, one file for each component."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from perfkit.config.load import Settings
from perfkit.config.objectives import Objective
from perfkit.monitoring.export.templates import literal
from perfkit.monitoring.export.yaml_text import yaml_text
from perfkit.monitoring.promql import all_calls, bad_calls
from perfkit.monitoring.rules import good_of

_WINDOW: Final = "\x00"
"""Stands for Sloth's window until the rest is escaped: no query has a NUL."""


def sloth_files(settings: Settings) -> Mapping[str, str]:
    """Return a specification (prometheus/v1) for every component with objectives.

    Source: https://sloth.dev/specs/default/.
    """
    files: dict[str, str] = {}
    by_component: dict[str, list[Objective]] = {}
    for objective in settings.thresholds.objectives:
        by_component.setdefault(objective.component, []).append(objective)
    for component, objectives in by_component.items():
        name = _unused(f"sloth-{slug(component)}", files)
        files[f"{name}.yaml"] = yaml_text(specification(component, objectives))
    return files


def specification(component: str, objectives: Sequence[Objective]) -> dict[str, Any]:
    """Return the specification of one component."""
    slos: dict[str, Any] = {}
    for objective in objectives:
        good = good_of(objective)
        name = _unused(slug(objective.name), slos)
        slos[name] = {
            "name": name,
            "objective": round(objective.target * 100, 10),
            "description": objective.why or objective.name,
            "sli": {
                "events": {
                    "error_query": _template(bad_calls(good, _WINDOW)),
                    "total_query": _template(all_calls(good, _WINDOW)),
                }
            },
            "alerting": {
                "name": f"{name}-budget",
                "page_alert": {"labels": {"severity": "page"}},
                "ticket_alert": {"labels": {"severity": "ticket"}},
            },
        }
    return {"version": "prometheus/v1", "service": slug(component), "slos": list(slos.values())}


def _template(query: str) -> str:
    """A query as the template that Sloth reads: only its window is filled in."""
    return literal(query).replace(_WINDOW, "{{.window}}")


def slug(text: str) -> str:
    """Return letters, digits and dashes, as Sloth wants names.

    >>> slug('lectures: "fast"')
    'lectures-fast'
    """
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-") or "unnamed"


def _unused(name: str, taken: Mapping[str, object]) -> str:
    used = {key.removesuffix(".yaml") for key in taken}
    numbered = (name if index == 1 else f"{name}-{index}" for index in range(1, len(used) + 2))
    return next(candidate for candidate in numbered if candidate not in used)
