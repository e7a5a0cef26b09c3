"""`perfkit leaks`: what keeps memory from one call to the next."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from perfkit.cli import options
from perfkit.errors import ExitCode, UsageError

_T = TypeVar("_T")


def leaks(
    context: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="What is called again and again: pkg.mod:callable (sync or async), bench:NAME,"
            " pytest:NODEID or mcp:pkg.server:TOOL.",
        ),
    ],
    *,
    arguments_json: options.Arguments = None,
    factory: options.Factory = None,
    iterations: Annotated[
        int | None,
        typer.Option(
            "--iterations",
            metavar="N",
            help="Look at runs of N calls only. Default: 1000 under memray, 1000 without it, and"
            " 4000 to confirm growth; fewer where the target is slow.",
        ),
    ] = None,
    ceiling: Annotated[
        str,
        typer.Option(
            "--ceiling", metavar="SIZE", help="Growth per call and line that is accepted."
        ),
    ] = "0 B",
    timeout: Annotated[
        str,
        typer.Option("--timeout", metavar="TIME", help="End a run that takes longer."),
    ] = "5min",
    captures: Annotated[
        Path | None,
        typer.Option(
            "--captures", metavar="DIR", help="Keep memray's captures here, for its reporters."
        ),
    ] = None,
    flamegraph: Annotated[
        Path | None,
        typer.Option(
            "--flamegraph",
            metavar="FILE",
            help="Draw what the calls of the longest run kept: memray's flame graph, an HTML page.",
        ),
    ] = None,
    peak_flamegraph: Annotated[
        Path | None,
        typer.Option(
            "--peak-flamegraph",
            metavar="FILE",
            help="Draw the memory of that run when it held most, likewise.",
        ),
    ] = None,
    native: Annotated[
        bool, typer.Option("--native", help="Record C stacks as well; slower, larger captures.")
    ] = False,
    strict: options.Strict = False,
    json: options.Json = False,
) -> ExitCode:
    """Find the lines whose memory grows with every call.

    The target runs under memray in a process of its own. Growth is called a leak when its slope
    holds as the number of calls doubles and doubles again; a bounded cache that fills up is not.
    """
    import contextlib
    import tempfile

    from rich.text import Text

    from perfkit.config.units import parse_duration, parse_size
    from perfkit.memory.find import find_leaks
    from perfkit.memory.flamegraph import draw_kept, draw_peak, newest_capture
    from perfkit.reporting.leaks_text import leaks_text, leaks_values
    from perfkit.targets.spec import parse_target

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    console = invocation.console(stderr=True)
    cwd = Path.cwd()
    with contextlib.ExitStack() as stack:
        if captures is None and (flamegraph or peak_flamegraph):
            captures = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="perfkit-")))
        result = find_leaks(
            parse_target(target, arguments=arguments_json, factory=factory, cwd=cwd),
            cwd=cwd,
            ceiling=_given("--ceiling", ceiling, parse_size),
            iterations=iterations,
            timeout=_given("--timeout", timeout, parse_duration),
            captures=captures,
            native=native,
            progress=lambda line: console.print(Text(line, "dim")),
        )
        for draw, page in ((draw_kept, flamegraph), (draw_peak, peak_flamegraph)):
            if captures is not None and page is not None:
                draw(newest_capture(captures), page)
    return invocation.finish(
        result.status.exit_code(strict=strict),
        text=leaks_text(result),
        values=leaks_values(result),
        status=result.status,
    )


def _given(option: str, text: str, parse: Callable[[str], _T]) -> _T:
    """Parse an option's value; a complaint names the option."""
    try:
        return parse(text)
    except UsageError as error:
        raise UsageError(f"{option}: {error}") from None
