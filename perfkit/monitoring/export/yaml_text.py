"""YAML for other tools to read."""

from typing import Final

import yaml

_HEAD: Final = (
    "# Written by `perfkit export` from config/performance_thresholds.yaml and\n"
    "# config/monitoring_config.yaml. Change those and export again.\n"
)


def yaml_text(document: object) -> str:
    """Return a document as YAML that every parser reads alike, keys in the given order."""
    body = yaml.safe_dump(document, sort_keys=False, allow_unicode=False, width=100)
    return _HEAD + str(body)
