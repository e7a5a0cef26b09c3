import pytest
from hypothesis import given
from hypothesis import strategies as st

from workload.subtitles import Cue, SubtitleError, parse, render

lines = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1).filter(
    str.strip
)
times = st.integers(min_value=0, max_value=400 * 3600 * 1000)


@st.composite
def cues(draw: st.DrawFn) -> Cue:
    start_ms, end_ms = sorted((draw(times), draw(times)))
    text = "\n".join(draw(st.lists(lines, max_size=3)))
    return Cue(draw(st.integers(min_value=0, max_value=10**6)), start_ms, end_ms, text)


@given(st.lists(cues(), max_size=6))
def test_what_is_rendered_parses_back(given_cues: list[Cue]) -> None:
    assert list(parse(render(given_cues))) == given_cues


@given(st.lists(cues(), max_size=4), st.sampled_from(["\r\n", "\r"]), st.integers(0, 3))
def test_line_ends_byte_order_mark_and_spare_blank_lines_do_not_matter(
    given_cues: list[Cue], line_end: str, spare: int
) -> None:
    text = "\ufeff" + "\n" * spare + render(given_cues) + " \n" * spare
    assert list(parse(text.replace("\n", line_end))) == given_cues


def test_the_written_form_is_subrip() -> None:
    cue = Cue(7, 3_723_004, 3_725_999, "one\ntwo")
    assert render([cue]) == "7\n01:02:03,004 --> 01:02:05,999\none\ntwo\n\n"


def test_a_file_without_a_last_blank_line_keeps_its_last_cue() -> None:
    assert parse("1\n00:00:01,000 --> 00:00:02,000\nom") == (Cue(1, 1000, 2000, "om"),)


def test_an_empty_file_has_no_cues() -> None:
    assert parse("") == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("one\n", "line 1: found 'one', wanted the number of a cue"),
        ("\n\n-1\n", "line 3: found '-1', wanted the number of a cue"),
        ("1\n", "line 2: found the end of the cue, wanted times such as"),
        ("1\n00:00:01.000 --> 00:00:02.000\n", "line 2: found '00:00:01.000 --> 00:00:02.000'"),
        ("1\n00:00:02,000 --> 00:00:01,000\n", "cue 1 spans 2000 to 1000 ms"),
    ],
)
def test_what_is_not_subrip_is_refused_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(SubtitleError, match=f"^{sentence.replace('.', '[.]')}"):
        parse(text)


@pytest.mark.parametrize("text", ["one\n\ntwo", "one\n", " ", "one\rtwo"])
def test_a_text_that_would_not_read_back_is_refused(text: str) -> None:
    with pytest.raises(SubtitleError, match="wanted lines that are not blank"):
        Cue(1, 0, 1, text)
