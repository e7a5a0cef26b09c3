"""A synthetic lecture: verses and strings of nouns as subtitles, with misspelt words."""

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from workload import verses
from workload.lexicon import WORD, Lexicon, lecture_lexicon
from workload.subtitles import Cue, render

_T = TypeVar("_T")

CUES = 400
SEED = 20240101

_VERSE_EVERY = 5
"""One cue in five quotes half a verse, the others talk about it."""

_MISSPELT_SHARE = 0.15

_CONFUSIONS = (
    *(("ी", "ि"), ("ि", "ी"), ("ू", "ु"), ("ु", "ू"), ("ा", ""), ("ः", "")),
    *(("श", "स"), ("ष", "श"), ("ण", "न"), ("थ", "त"), ("ध", "द"), ("भ", "ब"), ("ट", "त")),
)
"""Letters that speech recognition mistakes for each other: vowel length, sibilants, retroflexion,
aspiration, a lost final."""


@dataclass(frozen=True, slots=True)
class Lecture:
    """A lecture as SRT in Devanagari: as heard (``srt``), and as it was meant (``clean``).

    ``misspelt`` counts the words that differ between the two.
    """

    srt: str
    clean: str
    misspelt: int
    first_cue: str


@functools.cache
def synthetic_lecture(cues: int = CUES, seed: int = SEED) -> Lecture:
    """Return the lecture of that many cues; equal arguments, equal text, on every platform."""
    lexicon = lecture_lexicon()
    chance = random.Random(seed)
    heard: list[Cue] = []
    meant: list[Cue] = []
    misspelt = 0
    end_ms = 0
    for number in range(1, cues + 1):
        start_ms = end_ms + _below(chance, 600)
        end_ms = start_ms + 1500 + _below(chance, 3000)
        text = _sentence(chance, lexicon, number)
        said, mistakes = _misheard(chance, lexicon, text)
        meant.append(Cue(number, start_ms, end_ms, text))
        heard.append(Cue(number, start_ms, end_ms, said))
        misspelt += mistakes
    first = heard[0].text if heard else ""
    return Lecture(render(heard), render(meant), misspelt, first)


def _sentence(chance: random.Random, lexicon: Lexicon, number: int) -> str:
    if number % _VERSE_EVERY == 1:
        return verses.LINES[number // _VERSE_EVERY % len(verses.LINES)]
    words = [_pick(chance, lexicon.words) for _ in range(5 + _below(chance, 5))]
    return " ".join(words) + " ।"


def _misheard(chance: random.Random, lexicon: Lexicon, text: str) -> tuple[str, int]:
    """Return ``text`` with about one word in seven misspelt, and how many are."""
    mistakes = 0
    said = []
    for word in text.split(" "):
        wrong = word
        if WORD.fullmatch(word) and chance.random() < _MISSPELT_SHARE:
            wrong = _misspell(chance, word)
        if wrong != word and lexicon.standard_form(wrong) is None:
            mistakes += 1
            said.append(wrong)
        else:
            said.append(word)
    return " ".join(said), mistakes


def _misspell(chance: random.Random, word: str) -> str:
    """Return ``word`` with one letter confused, or ``word`` where none can be."""
    possible = [pair for pair in _CONFUSIONS if pair[0] in word]
    if not possible:
        return word
    right, wrong = _pick(chance, possible)
    return word.replace(right, wrong, 1)


def _below(chance: random.Random, limit: int) -> int:
    """Return an integer in ``[0, limit)``.

    Of :class:`random.Random` only ``random`` is promised to repeat across Python versions.
    """
    return int(chance.random() * limit)


def _pick(chance: random.Random, options: Sequence[_T]) -> _T:
    return options[_below(chance, len(options))]
