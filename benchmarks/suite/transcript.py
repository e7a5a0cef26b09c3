"""One lecture of 400 cues through the whole path, in this process."""

from workload.pipeline import run_lecture


class InProcess:
    """From SRT to SRT by a function call, with a warm corrector."""

    number = 1
    repeat = (3, 20, 0.5)
    warmup_time = 0.1
    timeout = 30.0

    def setup(self) -> None:
        run_lecture()

    def time_transcript(self) -> None:
        run_lecture()

    def peakmem_transcript(self) -> None:
        """Peak resident memory of the process: the interpreter, the libraries and one lecture."""
        run_lecture()

    def outcome(self) -> str:
        return run_lecture().outcome
