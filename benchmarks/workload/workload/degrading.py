"""What the service answers with: guarded, cached, and less than all of it rather than nothing.

Needs perfkit, which is loaded where :class:`Answers` is made.
"""

import contextlib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from workload import pipeline
from workload.corrector import Corrector
from workload.lexicon import read_lexicon
from workload.subtitles import SubtitleError

LEXICON = "workload.lexicon"
"""Failpoint: the lexicon is missing."""

DEADLINE = 1.0
"""Seconds for one answer: the limit for keeping a train of thought."""

AT_ONCE = 256
"""Calls under way at which more are refused: two seconds of the production rate."""

KEPT_SECONDS = 30.0
KEPT = 4096
"""Cues that are kept: those of ten lectures."""

Tool: TypeAlias = Callable[[Any], Any]


class Answers:
    """The two functions of the pipeline as a service gives them.

    ``cue`` and ``transcript`` return what the pipeline returns, or a ``Degraded`` of
    perfkit.runtime: romanised only where the lexicon is missing. ``around`` is put around each, as
    :mod:`workload.telemetry` does.

    Args:
        lexicon: A file with a word a line, read anew when it changes; None for the built-in one.
        around: Decorates both.
    """

    def __init__(
        self, lexicon: Path | None = None, around: Callable[[Tool], Tool] = lambda tool: tool
    ) -> None:
        from perfkit import runtime  # noqa: PLC0415  # only a service needs perfkit

        self._lexicon = lexicon
        self._inject = runtime.inject

        def process_cue(text: str) -> pipeline.ProcessedText:
            return pipeline.process_text(text, self.corrector())

        def process_transcript(srt: str) -> pipeline.ProcessedTranscript | SubtitleError:
            corrector = self.corrector()
            try:
                return pipeline.process_transcript(srt, corrector)
            except SubtitleError as error:
                return error  # an answer about the input, which no fallback is for

        cue = runtime.guard(
            "cue", component="text", deadline=DEADLINE, bulkhead=AT_ONCE, fallback=romanised_cue
        )(process_cue)
        transcript = runtime.guard(
            "transcript",
            component="text",
            deadline=DEADLINE,
            bulkhead=AT_ONCE,
            fallback=romanised_transcript,
        )(process_transcript)
        kept = runtime.cached("cue", component="text", ttl=KEPT_SECONDS, max_items=KEPT)(cue)
        self.cue: Callable[[str], Any] = around(kept)
        self.transcript: Callable[[str], Any] = around(transcript)

    def warm(self) -> None:
        """Load what the first answer would wait for, where it is there."""
        with contextlib.suppress(OSError):  # the answers say that it is missing
            self.corrector().correct("धर्म")

    def corrector(self) -> Corrector:
        """Return the corrector for the lexicon as it is now. Raises OSError where it is missing."""
        self._inject(LEXICON, FileNotFoundError)
        if self._lexicon is None:
            return pipeline.warm_corrector()
        return _corrector(self._lexicon, self._lexicon.stat().st_mtime_ns)


@functools.lru_cache(maxsize=2)
def _corrector(path: Path, mtime_ns: int) -> Corrector:
    del mtime_ns  # tells the states of the file apart
    return Corrector(read_lexicon(path))


class _Unchanging(Corrector):
    """Corrects nothing: what is left without a lexicon."""

    def __init__(self) -> None:
        """Know no word."""

    def correct(self, word: str) -> str:
        """Return the word."""
        return word


def reason_of(degraded: Any) -> str:  # noqa: ANN401  # a Degraded, whose class perfkit has
    """Return why an answer is degraded, as clients are told: ``lexicon`` where that is missing."""
    return "lexicon" if isinstance(degraded.cause, OSError) else str(degraded.reason)


def romanised_cue(text: str) -> pipeline.ProcessedText:
    """Return the text romanised, with its spelling as it is."""
    return pipeline.process_text(text, _Unchanging())


def romanised_transcript(srt: str) -> pipeline.ProcessedTranscript | SubtitleError:
    """Return the transcript romanised, with its spelling as it is."""
    try:
        return pipeline.process_transcript(srt, _Unchanging())
    except SubtitleError as error:
        return error
