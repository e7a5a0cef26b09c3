"""The corrector alone, over the words of the lecture in order."""

from workload.corrector import Corrector
from workload.lecture import synthetic_lecture
from workload.lexicon import WORD, lecture_lexicon
from workload.pipeline import run_lecture, warm_corrector


class _Correction:
    number = 1
    repeat = (3, 20, 0.5)
    warmup_time = 0.1
    timeout = 30.0

    def setup(self) -> None:
        self.words = WORD.findall(synthetic_lecture().srt)
        self.lexicon = lecture_lexicon()

    def outcome(self) -> str:
        changed = sum(Corrector(self.lexicon).correct(word) != word for word in self.words)
        return f"{len(self.words)} words, {changed} corrections"


class ColdCorrector(_Correction):
    """Every misspelling is searched for once: the first lecture of a process."""

    def time_lecture(self) -> None:
        corrector = Corrector(self.lexicon)
        for word in self.words:
            corrector.correct(word)


class WarmCorrector(_Correction):
    """Every misspelling is in the cache: each later lecture."""

    def setup(self) -> None:
        super().setup()
        self.corrector = warm_corrector()
        for word in self.words:
            self.corrector.correct(word)

    def time_lecture(self) -> None:
        correct = self.corrector.correct
        for word in self.words:
            correct(word)


class Corrections:
    """How many words of the lecture are corrected: what the time is spent for."""

    unit = "corrections"
    timeout = 30.0

    def track_corrections(self) -> int:
        return run_lecture().corrections
