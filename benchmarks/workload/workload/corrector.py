"""Spelling correction of single words against a lexicon."""

import functools

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from workload.lexicon import Lexicon

CACHE_WORDS = 4096
"""Unknown spellings whose answer is kept: some ten lectures' worth, under 1 MiB."""

MIN_LETTERS = 4
"""Code points below which an unknown word is left alone; one edit is then most of the word."""

MIN_SIMILARITY = 0.7
"""Normalised Levenshtein similarity, 0 to 1, that a correction must reach."""


class Corrector:
    """Corrects words against ``lexicon``, remembering the last ``CACHE_WORDS`` searches."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._nearest = functools.lru_cache(maxsize=CACHE_WORDS)(self._search)

    def correct(self, word: str) -> str:
        """Return the standard form of a known word, else the nearest word, else ``word``."""
        known = self._lexicon.standard_form(word)
        return self._nearest(word) if known is None else known

    def _search(self, word: str) -> str:
        """Return the first of the most similar words, ``word`` itself where none is near."""
        if len(word) < MIN_LETTERS:
            return word
        found = process.extractOne(
            word,
            self._lexicon.words,
            scorer=Levenshtein.normalized_similarity,
            score_cutoff=MIN_SIMILARITY,
        )
        return word if found is None else found[0]
