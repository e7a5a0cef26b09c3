"""Which files each tool gets."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from perfkit.config.load import Settings
from perfkit.errors import ConfigError
from perfkit.monitoring.export.alertmanager import alertmanager_files
from perfkit.monitoring.export.grafana import grafana_files
from perfkit.monitoring.export.otel_collector import otel_collector_files
from perfkit.monitoring.export.prometheus import prometheus_files
from perfkit.monitoring.export.sloth import sloth_files
from perfkit.monitoring.rules import rules_of

Tool = Literal["prometheus", "alertmanager", "grafana", "otel-collector", "sloth"]

_NEEDED: Final[Mapping[Tool, tuple[str, str]]] = {
    "grafana": ("components", "monitoring_config.yaml"),
    "sloth": ("objectives", "performance_thresholds.yaml"),
}
"""Tool -> the key, and its file, without which there is nothing to export."""


def files_for(tool: Tool, settings: Settings, now: datetime) -> tuple[Mapping[str, str], list[str]]:
    """Return file name -> text for a tool, and what could not be said in its files.

    Raises:
        ConfigError: the rules contradict each other, or nothing is configured to export.
    """
    rules = rules_of(settings)  # contradictions are told whatever is exported
    objectives = settings.thresholds.objectives
    given = {"components": settings.monitoring.components, "objectives": objectives}
    if tool in _NEEDED and not given[_NEEDED[tool][0]]:
        key, file = _NEEDED[tool]
        raise ConfigError(f"found nothing to export, wanted {key} in {file}")
    if tool == "prometheus" and not rules and not objectives:
        raise ConfigError(
            "found nothing to export, wanted alerts.rules in monitoring_config.yaml or objectives "
            "in performance_thresholds.yaml"
        )
    match tool:
        case "prometheus":
            return prometheus_files(settings), []
        case "alertmanager":
            return alertmanager_files(settings, now)
        case "grafana":
            return grafana_files(settings), []
        case "otel-collector":
            return otel_collector_files(settings), []
        case "sloth":
            return sloth_files(settings), []
