"""The words a lecture may contain: those of the verses, and the forms of common nouns."""

import functools
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from workload import verses

WORD = re.compile(r"[\u0900-\u0963\u0970-\u097f]+")
"""A run of Devanagari without danda (U+0964, U+0965) and without digits (U+0966 to U+096F)."""

_STEMS = """
    नर देव धर्म योग लोक काल वेद मोक्ष शिष्य आचार्य ग्रन्थ पाठ श्लोक अध्याय विचार प्रश्न उपदेश अभ्यास
    विवेक स्वभाव संसार पुरुष ब्राह्मण क्षत्रिय वैश्य अश्व गज सिंह वृक्ष पर्वत समुद्र मेघ सूर्य चन्द्र दीप
    मार्ग ग्राम देश जनपद बालक वृद्ध पण्डित मूर्ख वीर क्रोध लोभ मोह काम द्वेष राग प्रसाद यज्ञ होम मन्त्र छात्र
    स्वर्ग नरक सर्ग सन्देह अर्थ शब्द वर्ण स्वर समास प्रत्यय आश्रम विद्यालय उत्सव जन सेवक
""".split()  # noqa: SIM905 - seventy quoted words would fill two pages
"""Masculine nouns in -a, in their stem form."""

_ENDINGS = ("ः", "ौ", "ाः", "म्", "ान्", "ाभ्याम्", "ैः", "ाय", "ेभ्यः", "ात्", "स्य", "योः", "े", "ेषु")
"""Case endings of such a noun. Those in -ena and -anam are left out: their n depends on the stem
(Panini 8.4.1 to 8.4.2)."""


class Lexicon:
    """Known spellings, each with its standard form.

    ``words`` are the standard forms in code point order. A final anusvara is accepted as a
    spelling of a final m (``धर्मं`` for ``धर्मम्``), as scribes write it.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(sorted({unicodedata.normalize("NFC", word) for word in words}))
        variants = {f"{word.removesuffix('म्')}ं": word for word in self.words if word.endswith("म्")}
        self._forms = variants | {word: word for word in self.words}

    def __len__(self) -> int:
        return len(self._forms)

    def standard_form(self, spelling: str) -> str | None:
        """Return the standard form of a known spelling, None for an unknown one."""
        return self._forms.get(spelling)


@functools.cache
def lecture_lexicon() -> Lexicon:
    """Return the lexicon of the synthetic lecture: the words of the verses and of the nouns."""
    return Lexicon(
        [
            *(word for line in verses.LINES for word in WORD.findall(line)),
            *(stem + ending for stem in _STEMS for ending in _ENDINGS),
        ]
    )


def read_lexicon(path: Path) -> Lexicon:
    """Return the lexicon of a file: a word a line, UTF-8. Raises OSError where there is none."""
    return Lexicon(path.read_text("utf-8").split())
