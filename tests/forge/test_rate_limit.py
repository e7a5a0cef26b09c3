"""How long an answer asks to wait, whatever stands in its headers."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perfkit.forge.answer import Answer
from perfkit.forge.rate_limit import WITHOUT_HEADERS_SECONDS, asked_pause

NOW = 1_767_600_000.0
WORDS = st.text(st.characters(codec="latin-1"), max_size=40)  # what HTTP headers are decoded as
DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Mon", "Mon,", ""]),
    st.integers(0, 99),
    st.sampled_from(["Jan", "Feb", "Foo"]),
    st.integers(-1, 10**13),
    st.integers(0, 99),
    st.integers(0, 99),
    st.integers(0, 99),
    st.sampled_from(["GMT", "-0000", "+99999999", "EST", ""]),
)
NUMBERS = st.integers(-(10**20), 10**20).map(str) | st.integers(1, 6000).map(lambda n: "9" * n)


@given(
    st.sampled_from([403, 429, 503]),
    st.dictionaries(
        st.sampled_from(["retry-after", "x-ratelimit-reset", "ratelimit-reset"]),
        WORDS | DATES | NUMBERS,
        min_size=1,
    ),
)
@example(429, {"retry-after": "²"})
def test_any_header_means_a_wait_or_none(status: int, headers: dict[str, str]) -> None:
    told = {"x-ratelimit-remaining": "0", "ratelimit-remaining": "0", **headers}
    pause = asked_pause(Answer(status, told, b""), NOW)
    assert pause is None or (pause >= 0 and math.isfinite(pause))
    assert pause is not None or "retry-after" not in headers


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("retry-after", "Mon, 01 Jan 99999999999 00:00:00 GMT"),
        ("retry-after", "Mon, 01 Jan 2020 00:00:00 +99999999"),
        ("retry-after", "9" * 400),
        ("retry-after", "-5"),
        ("retry-after", "²"),
        ("retry-after", ""),
        ("x-ratelimit-reset", "9" * 400),
        ("x-ratelimit-reset", "9" * 5000),
        ("ratelimit-reset", "soon"),
    ],
)
def test_a_header_that_cannot_be_meant_is_no_header(header: str, text: str) -> None:
    told = {"x-ratelimit-remaining": "0", "ratelimit-remaining": "0", header: text}
    assert asked_pause(Answer(429, told, b""), NOW) == WITHOUT_HEADERS_SECONDS


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Mon, 05 Jan 2026 08:00:42 -0000", 42.0),  # no zone: as in HTTP, it is GMT
        ("Mon, 01 Jan 0001 00:00:00 -0000", 0.0),
        (" 17 ", 17.0),
    ],
)
def test_what_can_be_meant(text: str, seconds: float) -> None:
    assert asked_pause(Answer(429, {"retry-after": text}, b""), NOW) == seconds
