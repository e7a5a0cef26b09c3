"""The critical path: parse, correct each word, romanise, normalise to NFC, render."""

import functools
import hashlib
import re
import unicodedata
from dataclasses import dataclass

from workload.corrector import Corrector
from workload.lecture import synthetic_lecture
from workload.lexicon import WORD, lecture_lexicon
from workload.romanise import romanise
from workload.subtitles import Cue, parse, render


@dataclass(frozen=True, slots=True)
class ProcessedText:
    """The text of one cue in IAST and NFC, and the number of words that were changed on the way."""

    text: str
    corrections: int


@dataclass(frozen=True, slots=True)
class ProcessedTranscript:
    """A finished transcript: its SRT ``text`` in NFC, its size, and the words changed."""

    text: str
    cues: int
    corrections: int

    @property
    def digest(self) -> str:
        """The SHA-256 of ``text`` in UTF-8, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def outcome(self) -> str:
        """What was done, in one line: equal lines, equal work."""
        return f"{self.cues} cues, {self.corrections} corrections, sha256 {self.digest}"


def process_transcript(text: str, corrector: Corrector | None = None) -> ProcessedTranscript:
    """Return the SRT transcript with its words corrected and its Devanagari in IAST.

    ``corrector`` is the process's own warm one by default.

    Raises:
        SubtitleError: ``text`` is not SRT.
    """
    corrector = corrector or warm_corrector()
    cues = []
    corrections = 0
    for cue in parse(text):
        processed = process_text(cue.text, corrector)
        corrections += processed.corrections
        cues.append(Cue(cue.number, cue.start_ms, cue.end_ms, processed.text))
    return ProcessedTranscript(render(cues), len(cues), corrections)


def process_text(text: str, corrector: Corrector | None = None) -> ProcessedText:
    """Return the text of one cue, corrected and romanised."""
    corrector = corrector or warm_corrector()
    changed = 0

    def corrected(match: re.Match[str]) -> str:
        nonlocal changed
        found = match[0]
        wanted = corrector.correct(found)
        changed += wanted != found
        return wanted

    in_devanagari = WORD.sub(corrected, text)
    return ProcessedText(unicodedata.normalize("NFC", romanise(in_devanagari)), changed)


@functools.cache
def warm_corrector() -> Corrector:
    """Return this process's corrector for lectures, made on first use."""
    return Corrector(lecture_lexicon())


def run_lecture() -> ProcessedTranscript:
    """Process the synthetic lecture once with the warm corrector; a target for perfkit."""
    return process_transcript(synthetic_lecture().srt)


def run_cue() -> ProcessedText:
    """Process the first cue of the synthetic lecture; a target for perfkit."""
    return process_text(synthetic_lecture().first_cue)
