import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from perfkit.model import Interval, Unit
from perfkit.reporting.quantity import (
    SCALES,
    SCIENTIFIC,
    change,
    change_interval,
    duration,
    quantity,
    scale_of,
)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, Unit.SECONDS, "0.000 ns"),
        (1.5e-9, Unit.SECONDS, "1.500 ns"),
        (999.95e-6, Unit.SECONDS, "1.000 ms"),
        (999.4e-6, Unit.SECONDS, "999.4 us"),
        (0.01234, Unit.SECONDS, "12.34 ms"),
        (59.99, Unit.SECONDS, "59.99 s"),
        (300.0, Unit.SECONDS, "300.0 s"),
        (600.0, Unit.SECONDS, "10.00 min"),
        (0.0, Unit.BYTES, "0 B"),
        (1000.0, Unit.BYTES, "1000 B"),
        (1024.0, Unit.BYTES, "1.000 KiB"),
        (2.0**20 * 49.587, Unit.BYTES, "49.59 MiB"),
        (12.0, Unit.COUNT, "12"),
        (0.0123, Unit.COUNT, "0.012"),
        (1e-7, Unit.COUNT, "1.000e-07"),
        (12.5, Unit.COUNT, "12.50"),
        (-3.0, Unit.COUNT, "-3"),
        (123456.0, Unit.COUNT, "123.5 k"),
    ],
)
def test_examples(value: float, unit: Unit, text: str) -> None:
    assert quantity(value, unit) == text


@given(st.floats(1e-12, 1e12), st.sampled_from(Unit))
def test_what_is_shown_is_the_value_within_the_shown_digits(value: float, unit: Unit) -> None:
    factor, symbol, decimals = scale_of([value], unit)
    text = quantity(value, unit)
    number = text.removesuffix(f" {symbol}") if symbol else text
    digit = value * 1e-3 if decimals == SCIENTIFIC else 10.0**-decimals * factor
    assert math.isclose(float(number) * factor, value, abs_tol=0.5001 * digit)
    scales = [scale for scale, _ in SCALES[unit]]
    after = scales.index(factor) + 1
    if after < len(scales) and symbol != "s":
        # It never shows as many of one unit as make the next one.
        assert float(number) < scales[after] / factor


@given(st.lists(st.floats(1e-9, 1e9), min_size=2, max_size=5), st.sampled_from(Unit))
def test_side_by_side_the_order_of_numbers_is_that_of_values(
    values: list[float], unit: Unit
) -> None:
    scale = scale_of(values, unit)
    shown = [quantity(value, unit, scale) for value in sorted(values)]
    assert len({text.partition(" ")[2] for text in shown}) == 1
    numbers = [float(text.partition(" ")[0]) for text in shown]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (1.0, "+0.0 %"),
        (0.9999, "+0.0 %"),
        (1.123, "+12 %"),
        (0.9001, "-10 %"),
        (1.0449, "+4.5 %"),
        (1.999, "+100 %"),
        (2.0, "x2"),
        (2.314, "x2.31"),
        (1234.0, "x1,230"),
        (999.9, "x1,000"),
        (54321.0, "x54,300"),
        (3e9, "x3e+09"),
        (0.5, "-50 %"),
        (0.0051, "x0.0051"),
        (0.0, "-100 %"),
        (-0.5, "-150 %"),
        (math.inf, "unbounded"),
        (-math.inf, "unbounded"),
    ],
)
def test_changes(ratio: float, text: str) -> None:
    assert change(ratio) == text


@given(st.floats(0.001, 1000), st.floats(0.001, 1000))
def test_a_sign_is_never_wrong(one: float, other: float) -> None:
    assume(abs(one - 1) > 0.001)
    text = change(one)
    assert text.startswith(("-", "x0.")) == (one < 1)
    low, high = sorted((one, other))
    assert change_interval(Interval(low, low, high, 0.95)) == f"[{change(low)}, {change(high)}]"


def test_unbounded_intervals() -> None:
    assert change_interval(Interval(-math.inf, 1.0, math.inf, 0.95)) == "[-100 %, unbounded]"
    assert change_interval(Interval(0.0, 1.0, 3.0, 0.95)) == "[-100 %, x3]"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.85, "850 ms"),
        (0.9996, "1 s"),
        (42.4, "42 s"),
        (119.4, "119 s"),
        (119.6, "2 min"),
        (200, "3 min 20 s"),
        (3600, "60 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
