"""What every test of memory needs."""

import pytest


@pytest.fixture(autouse=True)
def _unmeasured(unmeasured: None) -> None:
    """Look at targets without coverage: what it keeps of a process is found as well."""
