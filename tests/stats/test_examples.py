import doctest
from types import ModuleType

import pytest

from perfkit.stats import max_t, multiplicity, sequential, size_factors, two_sample


@pytest.mark.parametrize("module", [two_sample, sequential, multiplicity, max_t, size_factors])
def test_the_examples_in_the_docstrings_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
