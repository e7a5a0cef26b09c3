"""asv suites measured through asv_runner, in interleaved rounds of fresh processes."""
