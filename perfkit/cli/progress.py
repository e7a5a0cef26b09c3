"""The progress of a measurement on stderr: a bar where someone watches, silence in a log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from perfkit.cli.invocation import Invocation

if TYPE_CHECKING:
    from perfkit.benchmarking.session import Progress


@contextmanager
def measuring(invocation: Invocation) -> "Iterator[Callable[[Progress], None]]":
    """Hold a progress bar with the time left, and yield what moves it."""
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = invocation.console(stderr=True)
    columns = (
        TextColumn("round {task.fields[round]}"),
        BarColumn(),
        TimeRemainingColumn(),
        # Names of benchmarks may hold brackets, which are no markup.
        TextColumn("{task.fields[undecided]} open  {task.description}", markup=False),
    )
    watched = invocation.progress and console.is_terminal
    with Bar(*columns, console=console, transient=True, disable=not watched) as bar:
        task = bar.add_task("", total=None, round="-", undecided="-")

        def move(progress: "Progress") -> None:
            bar.update(
                task,
                completed=progress.done,
                total=progress.planned,
                description=progress.current,
                round=f"{progress.round_number}/{progress.rounds}",
                undecided=str(progress.undecided),
            )

        yield move


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
