"""A store's metrics to an OpenTelemetry collector, under the names of its semantic conventions."""
