"""Devanagari to IAST, the scholarly romanisation of Sanskrit."""

from vidyut.lipi import Scheme, transliterate

_DANDAS = str.maketrans({"।": "|", "॥": "||"})
"""Dandas as editions in IAST print them; lipi writes full stops."""


def romanise(text: str) -> str:
    """Return ``text`` with its Devanagari written in IAST; other scripts stay as they are."""
    romanised: str = transliterate(text.translate(_DANDAS), Scheme.Devanagari, Scheme.Iast)
    return romanised
