"""A collector that scrapes perfkit, takes OTLP, and hands both to Prometheus."""

from collections.abc import Mapping
from typing import Any

from perfkit.config.load import Settings
from perfkit.monitoring.export.prometheus import SCRAPED
from perfkit.monitoring.export.yaml_text import yaml_text
from perfkit.monitoring.promql import span


def otel_collector_files(settings: Settings) -> Mapping[str, str]:
    """Return the configuration of an OpenTelemetry collector (contrib distribution)."""
    return {"otel-collector.yaml": yaml_text(configuration(settings))}


def configuration(settings: Settings) -> dict[str, Any]:
    """Return receivers, processors, exporters and the pipeline between them."""
    interval = span(settings.monitoring.alerts.interval)
    scrape = {
        "job_name": "perfkit",
        "scrape_interval": interval,
        "static_configs": [{"targets": [SCRAPED]}],
    }
    return {
        "receivers": {
            "otlp": {
                "protocols": {
                    "grpc": {"endpoint": "127.0.0.1:4317"},
                    "http": {"endpoint": "127.0.0.1:4318"},
                }
            },
            "prometheus": {"config": {"scrape_configs": [scrape]}},
        },
        "processors": {
            # The limiter stands first, so that it can refuse before anything is kept.
            "memory_limiter": {"check_interval": "1s", "limit_mib": 256, "spike_limit_mib": 64},
            "batch": {},
        },
        "exporters": {
            # Names leave as they came: no suffix is added to what has its unit already.
            "prometheus": {"endpoint": "127.0.0.1:9465", "add_metric_suffixes": False},
        },
        "service": {
            "pipelines": {
                "metrics": {
                    "receivers": ["otlp", "prometheus"],
                    "processors": ["memory_limiter", "batch"],
                    "exporters": ["prometheus"],
                }
            }
        },
    }
