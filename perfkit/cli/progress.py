"""The progress of a measurement on stderr: a bar where someone watches, a few lines in a log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from perfkit.cli.invocation import Invocation

if TYPE_CHECKING:
    from perfkit.benchmarking.session import Progress

FIRST_LINE = 20.0
"""Seconds after which a log gets its first line; what is over before needs none."""

SPACING = 1.25
"""Each line comes when a quarter more of time has passed: 16 lines in 10 minutes, 32 in 6 hours."""

MOST_LINES = 40
"""Lines in a log, whatever happens; reached after a day and a half."""


@contextmanager
def measuring(invocation: Invocation) -> "Iterator[Callable[[Progress], None]]":
    """Hold what shows progress, and yield what moves it."""
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    console = invocation.console(stderr=True)
    if not (invocation.progress and console.is_terminal):
        yield LogLines(saying(invocation), monotonic)
        return
    columns = (
        BarColumn(bar_width=20),
        # Names of benchmarks may hold brackets, which are no markup.
        TextColumn("{task.description}", markup=False),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def move(progress: "Progress") -> None:
            bar.update(
                task,
                completed=progress.done,
                total=progress.planned,
                description=f"{standing_words(progress)}  {progress.current}",
            )

        yield move


class LogLines:
    """Says where a measurement stands, at most ``MOST_LINES`` times and less and less often.

    ``clock`` is in seconds.
    """

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._say, self._clock = say, clock
        self._started = clock()
        self._next = FIRST_LINE
        self._lines = 0

    def __call__(self, progress: "Progress") -> None:
        """Take note of where the measurement stands."""
        elapsed = self._clock() - self._started
        if elapsed < self._next or self._lines >= MOST_LINES:
            return
        self._lines += 1
        self._next = elapsed * SPACING
        self._say(standing_words(progress))


def standing_words(progress: "Progress") -> str:
    """Return round, time left and running verdicts in one line."""
    from perfkit.model import Verdict

    if progress.counting:
        return f"counting allocations: {progress.undecided} open"
    most = progress.rounds if progress.round_number > progress.min_rounds else progress.min_rounds
    words = f"{'confirming, ' if progress.confirming else ''}round {progress.round_number}/{most}"
    if progress.seconds_left is not None:
        # What is still open may take all rounds, and rarely does.
        bound = "at most" if progress.round_number > progress.min_rounds else "about"
        words += f", {bound} {_left(progress.seconds_left)} left"
    known = [
        f"{progress.verdicts[verdict]} {verdict}"
        for verdict in Verdict
        if verdict is not Verdict.INCONCLUSIVE and progress.verdicts.get(verdict)
    ]
    return f"{words}: {', '.join([*known, f'{progress.undecided} open'])}"


def _left(seconds: float) -> str:
    """Return a time to wait, no finer than it is known."""
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes > 1 else f"{round(seconds)} s"


@contextmanager
def working(invocation: Invocation, what: str) -> Iterator[None]:
    """Say on stderr what is being done, while it is done."""
    from rich.text import Text

    console = invocation.console(stderr=True)
    if invocation.progress and console.is_terminal:
        with console.status(Text(what)):
            yield
    else:
        if invocation.progress:
            console.print(Text(what, "dim"))
        yield


def saying(invocation: Invocation) -> Callable[[str], None]:
    """Return what says one step on stderr as a line; for targets that write there themselves."""
    from rich.text import Text

    def say(step: str) -> None:
        if invocation.progress:
            invocation.console(stderr=True).print(Text(step, "dim"), soft_wrap=True)

    return say
