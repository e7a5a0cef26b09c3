"""Pushing a store's metrics over OTLP/HTTP; OpenTelemetry's exporter encodes and retries."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from perfkit import __version__
from perfkit.config.components import Component
from perfkit.errors import PerfkitError, UsageError
from perfkit.monitoring.otlp.metrics import metrics_of
from perfkit.monitoring.store_metrics import Totals

if TYPE_CHECKING:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

PATH: Final = "/v1/metrics"
"""Where a collector takes metrics. Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp-request."""
TIMEOUT: Final = 5.0
"""Seconds for a push, its retries included."""


@dataclass(slots=True)
class Push:
    """What is pushed and where; ``tell`` gets one line where pushing begins to fail or works again.

    Raises:
        UsageError: the address is none, or the extra ``otel`` is not installed.
    """

    url: str
    totals: Callable[[], Totals]
    components: Sequence[Component]
    bounds: Sequence[float]
    tell: Callable[[str], None]
    clock: Callable[[], float] = time.time
    _exporter: "OTLPMetricExporter" = field(init=False)
    _failing: bool = False

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise UsageError(
                f"--otlp: found {self.url!r}, wanted an address such as http://127.0.0.1:4318"
            )
        try:
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        except ModuleNotFoundError as error:
            raise UsageError(f"--otlp needs {error.name}: install perfkit[otel].") from error
        # It logs each failure by itself; here it is told once.
        logging.getLogger("opentelemetry.exporter.otlp.proto.http").setLevel(logging.CRITICAL)
        endpoint = self.url if parts.path.strip("/") else self.url.rstrip("/") + PATH
        self._exporter = OTLPMetricExporter(endpoint=endpoint, timeout=TIMEOUT)

    def step(self) -> bool:
        """Push once; return whether it was accepted."""
        from opentelemetry.sdk.metrics.export import (
            MetricExportResult,
            MetricsData,
            ResourceMetrics,
            ScopeMetrics,
        )
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        try:
            metrics = metrics_of(self.totals(), self.components, self.bounds, self.clock())
        except PerfkitError as error:
            self._say(str(error))
            return False
        scope = ScopeMetrics(InstrumentationScope("perfkit", __version__), metrics, "")
        # Reads OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES as every exporter does.
        resource = Resource.create({"telemetry.distro.name": "perfkit"})
        data = MetricsData([ResourceMetrics(resource, [scope], "")])
        accepted = self._exporter.export(data) is MetricExportResult.SUCCESS
        self._say("" if accepted else "did not accept the metrics, or cannot be reached")
        return accepted

    def run(self, ended: threading.Event, interval: float) -> None:
        """Push every ``interval`` seconds until ``ended`` is set, and once more then."""
        while not ended.wait(interval):
            self.step()
        self.step()
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._exporter.shutdown()

    def _say(self, trouble: str) -> None:
        if trouble and not self._failing:
            self.tell(f"{self.url}: {trouble}")
        elif not trouble and self._failing:
            self.tell(f"{self.url}: accepts metrics again")
        self._failing = bool(trouble)
