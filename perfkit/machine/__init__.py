"""Facts about this machine and interpreter that change timings; what cannot be read is None."""
