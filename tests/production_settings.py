"""Settings of a small program in production, for the tests of monitoring."""

import json
from pathlib import Path
from typing import Any

from perfkit.config.load import Settings, load_settings

EXAMPLE = Path(__file__).parents[1] / "docs" / "example" / "production"


def settings(
    folder: Path,
    *rules: dict[str, Any],
    components: tuple[str, ...] = ("shop",),
    objectives: tuple[dict[str, Any], ...] = (),
    **monitoring: Any,  # noqa: ANN401  # whatever YAML holds
) -> Settings:
    """Write both files and load them; ``monitoring`` may hold alerts beside the rules."""
    alerts = {"rules": list(rules), **monitoring.pop("alerts", {})}
    given = {"components": [{"name": name} for name in components], "alerts": alerts, **monitoring}
    folder.mkdir(exist_ok=True)
    (folder / "monitoring_config.yaml").write_text(json.dumps(given), encoding="utf-8")
    (folder / "performance_thresholds.yaml").write_text(
        json.dumps({"objectives": list(objectives)}), encoding="utf-8"
    )
    return load_settings(folder, environ={})


def example() -> Settings:
    """Load what the pages show."""
    return load_settings(EXAMPLE, environ={}, must_exist=True)
