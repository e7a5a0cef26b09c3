"""The two YAML files as frozen settings."""
