"""Numbers in, verdicts out: numpy and scipy only, no files, no clock, deterministic."""
