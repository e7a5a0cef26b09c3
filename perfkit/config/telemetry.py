"""Where telemetry is kept."""

from perfkit.config.fields import Text
from perfkit.config.section import Section


class TelemetryStore(Section):
    """The telemetry store that monitor, slo and alerts read."""

    path: Text = ".perfkit/telemetry.sqlite"
    """The SQLite file that the application names in `perfkit.runtime.start`; relative to where
    perfkit is started."""
