import re
import sys
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.config import units
from perfkit.config.units import Amount, UnitError

LARGEST = sys.float_info.max
quantities = st.floats(0, LARGEST / 100, allow_nan=False)
sizes = st.integers(0, 2**62)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0.0),
        ("250ms", 0.25),
        ("250 ms", 0.25),
        (" 1.5s ", 1.5),
        ("0.1ms", 0.0001),
        ("3us", 3e-6),
        ("3µs", 3e-6),
        ("7ns", 7e-9),
        ("10min", 600.0),
        ("2h", 7200.0),
        ("1d", 86400.0),
        ("1e-3s", 0.001),
    ],
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert units.parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0B", 0),
        ("64MiB", 64 * 2**20),
        ("1.5KiB", 1536),
        ("1kB", 1000),
        ("2GB", 2 * 10**9),
        ("1TiB", 2**40),
        ("1.1MiB", 1153434),
    ],
)
def test_sizes_are_whole_bytes(text: str, size: int) -> None:
    assert units.parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "rate"), [("200/s", 200.0), ("30/min", 0.5), ("1.5 /s", 1.5), ("3600/h", 1.0)]
)
def test_rates_are_per_second(text: str, rate: float) -> None:
    assert units.parse_rate(text) == rate


def test_ratios_are_shares_of_one() -> None:
    assert [units.parse_ratio(text) for text in ("5%", "0%", "12.5 %", "150%")] == [
        0.05,
        0.0,
        0.125,
        1.5,
    ]


def test_amounts_are_told_apart_by_their_unit() -> None:
    assert units.parse_amount("1s") == Amount(1.0, "s")
    assert units.parse_amount("1KiB") == Amount(1024, "B")
    assert units.parse_amount("12count") == Amount(12.0, "count")


@pytest.mark.parametrize(
    ("parse", "text", "sentence"),
    [
        (
            units.parse_duration,
            "250",
            "found 250 without a unit, wanted a duration such as 250ms or 1.5s",
        ),
        (
            units.parse_duration,
            "5m",
            (
                "found '5m' with unknown unit 'm', wanted a duration such as 250ms or 1.5s; "
                "did you mean min or ms?"
            ),
        ),
        (
            units.parse_duration,
            "5parsec",
            (
                "found '5parsec' with unknown unit 'parsec', wanted a duration such as 250ms or "
                "1.5s (units: ns, us, µs, ms, s, min, h, d)"
            ),
        ),
        (
            units.parse_size,
            "5mb",
            (
                "found '5mb' with unknown unit 'mb', wanted a size such as 64MiB or 0B; "
                "did you mean MB?"
            ),
        ),
        (units.parse_size, "0.3B", "found '0.3B', wanted a whole number of bytes"),
        (units.parse_size, "1e30TiB", "found '1e30TiB', wanted a size below 8388608TiB"),
        (
            units.parse_duration,
            "1e309s",
            "found '1e309s', which is too large, wanted a duration such as 250ms or 1.5s",
        ),
        (units.parse_ratio, "0.05", "found 0.05 without a unit, wanted a percentage such as 5%"),
        (units.parse_ratio, "-5%", "found '-5%', wanted a percentage such as 5%"),
        (units.parse_rate, "", "found '', wanted a rate such as 200/s"),
        (units.parse_rate, "nan/s", "found 'nan/s', wanted a rate such as 200/s"),
        (
            units.parse_duration,
            "9" * 70 + "s",
            f"found '{'9' * 64}...', wanted a duration such as 250ms or 1.5s",
        ),
        (
            units.parse_duration,
            "٣s",
            "found '٣s', wanted a duration such as 250ms or 1.5s",
        ),
    ],
)
def test_what_is_no_quantity_gets_a_sentence(
    parse: Callable[[str], object], text: str, sentence: str
) -> None:
    with pytest.raises(UnitError) as caught:
        parse(text)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (0.25, "250ms"),
        (1.0, "1s"),
        (90.0, "90s"),
        (600.0, "10min"),
        (7200.0, "2h"),
        (86400.0, "1d"),
        (2.5e-6, "2.5us"),
        (1e-12, "0.001ns"),
    ],
)
def test_durations_read_as_people_write_them(seconds: float, text: str) -> None:
    assert units.format_duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0B"), (1023, "1023B"), (1536, "1.5KiB"), (10**6, "1000000B"), (64 << 20, "64MiB")],
)
def test_sizes_read_as_people_write_them(size: int, text: str) -> None:
    assert units.format_size(size) == text


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_what_is_no_quantity_has_no_spelling(value: float) -> None:
    with pytest.raises(ValueError, match="finite and at least 0"):
        units.format_ratio(value)


@given(quantities)
def test_a_float_survives_the_trip_through_text(value: float) -> None:
    assert units.parse_duration(units.format_duration(value)) == value
    assert units.parse_rate(units.format_rate(value)) == value
    assert units.parse_ratio(units.format_ratio(value)) == value
    for unit in ("s", "count"):
        amount = Amount(value, unit)
        assert units.parse_amount(units.format_amount(amount)) == amount


@given(sizes)
def test_a_size_survives_the_trip_through_text(size: int) -> None:
    assert units.parse_size(units.format_size(size)) == size
    assert units.parse_amount(units.format_amount(Amount(size, "B"))) == Amount(size, "B")


@given(
    st.decimals(0, 10**6, places=3),
    st.sampled_from(["ns", "us", "ms", "s", "min", "KiB", "MB", "/s", "%", "count", "", "m", "x"]),
    st.sampled_from(
        [
            ("duration", units.parse_duration),
            ("size", units.parse_size),
            ("rate", units.parse_rate),
            ("ratio", units.parse_ratio),
            ("amount", units.parse_amount),
        ]
    ),
)
def test_the_schema_pattern_accepts_what_the_parser_accepts(
    number: Decimal, unit: str, kind: tuple[units.Kind, Callable[[str], object]]
) -> None:
    text = f"{number:f}{unit}"
    name, parse = kind
    try:
        parse(text)
    except UnitError:
        parsed = False
    else:
        parsed = True
    assert (re.search(units.pattern(name), text) is not None) == parsed
