"""Where a list goes on: Link headers as RFC 8288 allows them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.forge.address import next_link


@pytest.mark.parametrize(
    ("header", "place"),
    [
        ('<https://a/2>; rel="next"', "https://a/2"),
        ('<https://a/2>; rel="prev next"', "https://a/2"),
        ('<https://a/2>; rel="\tnext  prev "', "https://a/2"),
        ('<https://a/2>; REL="next"', "https://a/2"),
        ('<https://a/2>; rel="NEXT"', "https://a/2"),
        ("<https://a/2>; rel='next'", "https://a/2"),
        ("<https://a/2>;rel=next", "https://a/2"),
        ("<https://a/2> ; rel = next", "https://a/2"),
        ("<>; rel=next", ""),
        ('<https://a/9>; rel="last", <https://a/3>; rel="next"', "https://a/3"),
        ("<https://a/9>; rel=last,<https://a/3>; rel=next", "https://a/3"),
        ('<https://a/2>; title="a \\" b, <x>; c"; rel="next"', "https://a/2"),
        ('<https://a/2>; title; rel="next"', "https://a/2"),
        ("<https://a/2,3;4>; rel=next", "https://a/2,3;4"),
        ('<https://a/2>; rel="first"; title="rel=next"', None),
        ('<https://a/2>; title="<https://b/>; rel=next"', None),
        ('<https://a/2>; rel="first"; rel="next"', None),  # section 3.3: later ones are ignored
        ('<https://a/2>; rel="nextfoo"', None),
        ('<https://a/2>; rel="http://a/next"', None),
        ('<https://a/2>; xrel="next"', None),
        ("<https://a/2>", None),
        ("<https://a/2; rel=next", None),
        ("", None),
    ],
)
def test_the_next_page(header: str, place: str | None) -> None:
    assert next_link(header) == place


NAMES = st.sampled_from(["rel", "title", "type", "x-a"])
SAID = st.text(st.characters(codec="latin-1"), max_size=8)
QUOTED = SAID.map(lambda text: '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"')


@given(st.lists(st.lists(st.tuples(NAMES, QUOTED), max_size=3), max_size=3))
def test_no_quoted_text_hides_the_link_behind_it(links: list[list[tuple[str, str]]]) -> None:
    told = [
        f"<https://a/{at}>" + "".join(f"; {name}={text}" for name, text in parameters)
        for at, parameters in enumerate(links)
        if not any(name == "rel" and "next" in text.lower() for name, text in parameters)
    ]
    assert next_link(", ".join([*told, '<https://b/>; rel="next"'])) == "https://b/"
