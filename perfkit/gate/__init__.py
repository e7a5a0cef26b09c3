"""Samples and thresholds in, a report out: the one place where pass or fail is decided."""
