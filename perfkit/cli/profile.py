"""``perfkit profile``: where does the time go?"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from perfkit.cli import options


def profile(
    context: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="app.py, -m NAME, pkg.mod:callable, bench:NAME(PARAMETERS), pytest:NODEID"
            " or mcp:pkg.server:TOOL.",
        ),
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- ARGS", help="What the program gets."),
    ] = None,
    *,
    module: Annotated[
        bool, typer.Option("--module", "-m", help="TARGET is a module, as in `python -m`.")
    ] = False,
    arguments_json: Annotated[
        str | None,
        typer.Option(
            "--args",
            metavar="JSON",
            help="Call a callable with this: [...] by position, {...} by name; a tool by name.",
        ),
    ] = None,
    factory: Annotated[
        str | None,
        typer.Option(
            metavar="pkg.mod:callable",
            help="Call a callable or a tool with what this returns: a list, tuple or dict.",
        ),
    ] = None,
    repeat: Annotated[
        str,
        typer.Option(
            metavar="N|auto", help="Calls of the target; auto: until there are 1000 samples."
        ),
    ] = "1",
    warmup: Annotated[int, typer.Option(min=0, help="Calls before anything is measured.")] = 0,
    interval: Annotated[
        str, typer.Option(metavar="DURATION", help="Time between two samples.")
    ] = "1ms",
    timeout: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="End the target after this, such as 30s. It is run twice: timed, then profiled.",
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Hotspots to show.")] = 15,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write an interactive page.")
    ] = None,
    speedscope: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write JSON for speedscope.app.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Also write a session for `pyinstrument --load`."
        ),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            "--compare",
            metavar="BASE",
            help="Show which functions made the difference to this commit, or to a --save folder.",
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep the sessions in a folder, for --compare."),
    ] = None,
    sessions: Annotated[
        int | None,
        typer.Option(metavar="N", help="Sessions a side for --compare and --save.  [default: 10]"),
    ] = None,
    seed: options.Seed = 0,
    json: options.Json = False,
) -> int:
    """Show where the time of a program goes.

    The target is run in processes of its own: first without a profiler, for its time, then with
    pyinstrument, for the shares of its functions. What it prints goes to stderr.

    With --compare both sides are run several times in turns, and a test over all functions tells
    which of them made the difference.
    """
    from dataclasses import asdict

    from perfkit.cli.progress import saying
    from perfkit.cli.settings import settings_of
    from perfkit.durable import write_whole
    from perfkit.errors import ExitCode
    from perfkit.profiling import export
    from perfkit.profiling.capture import capture
    from perfkit.profiling.origin import origin_of
    from perfkit.profiling.reading import read
    from perfkit.profiling.saved import session_text
    from perfkit.reporting.profile_text import profile_text
    from perfkit.targets import parse_target

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    settings_of(invocation)
    say = saying(invocation)
    files = [
        (html, export.html),
        (speedscope, export.speedscope),
        (output, lambda one: session_text(one, origin_of(Path.cwd()))),
    ]
    for path, _ in files:
        if path is not None:
            export.check_writable(path)
    named = parse_target(
        target,
        module=module,
        args=tuple(arguments or ()),
        arguments=arguments_json,
        factory=factory,
        cwd=Path.cwd(),
    )
    seconds = None if timeout is None else _duration(timeout, "--timeout")
    if not (compare is None and save is None and sessions is None):
        from perfkit.cli.profile_compare import Sessions, check_options, compared, saved_set

        check_options(
            sessions,
            {"--compare": compare is not None, "--save": save is not None},
            {
                "--speedscope": speedscope is not None,
                "--output": output is not None,
                "--html": html is not None and compare is None,
            },
        )
        taken = Sessions(
            target=named,
            count=sessions,
            seed=seed,
            interval=_duration(interval, "--interval"),
            repeat=_repeat(repeat),
            warmup=warmup,
            timeout=seconds,
        )
        if save is not None:
            return saved_set(invocation, taken, save, top=top)
        return compared(invocation, taken, str(compare), html=html, top=top)
    recording = capture(
        named,
        cwd=Path.cwd(),
        interval=_duration(interval, "--interval"),
        repeat=_repeat(repeat),
        warmup=warmup,
        timeout=seconds,
        progress=say,
    )
    for path, rendered in files:
        if path is not None:
            write_whole(path, rendered(recording))
            say(f"wrote {path}")
    found = read(recording)
    return invocation.finish(
        ExitCode.PASSED, text=profile_text(found, top=top), values={"profile": asdict(found)}
    )


def _repeat(text: str) -> int | Literal["auto"]:
    from perfkit.errors import UsageError

    if text == "auto":
        return "auto"
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise UsageError(f"--repeat: found {text!r}, wanted a number of calls above 0, or auto.")
    return int(text)


def _duration(text: str, option: str) -> float:
    """Return seconds above 0."""
    from perfkit.config.units import UnitError, parse_duration
    from perfkit.errors import UsageError

    try:
        seconds = parse_duration(text)
    except UnitError as error:
        raise UsageError(f"{option}: {error}") from error
    if not seconds:
        raise UsageError(f"{option}: found {text}, wanted a time above 0, such as 30s.")
    return seconds
