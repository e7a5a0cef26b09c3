"""``perfkit profile``: where does the time go?"""

from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli import options
from perfkit.profiling.form import Form


def profile(
    context: typer.Context,
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET",
            help="app.py, -m NAME, pkg.mod:callable, bench:NAME(PARAMETERS), pytest:NODEID"
            " or mcp:pkg.server:TOOL.",
        ),
    ] = None,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- ARGS", help="What the program gets."),
    ] = None,
    *,
    module: Annotated[
        bool, typer.Option("--module", "-m", help="TARGET is a module, as in `python -m`.")
    ] = False,
    arguments_json: options.Arguments = None,
    factory: options.Factory = None,
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
    threads: Annotated[
        bool, typer.Option("--threads", help="Record every thread, by processor time.")
    ] = False,
    children: Annotated[
        bool,
        typer.Option(
            "--children", help="Record Python processes that it starts, by processor time."
        ),
    ] = False,
    top: Annotated[int, typer.Option(min=1, help="Hotspots to show.")] = 15,
    only_mine: Annotated[
        bool, typer.Option("--only-mine", help="Charge libraries to the own code that calls them.")
    ] = False,
    show: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Show these functions or files whatever else is said; may be repeated.",
        ),
    ] = None,
    hide: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Charge these functions or files to their callers; may be repeated.",
        ),
    ] = None,
    show_all: Annotated[
        bool, typer.Option("--show-all", help="Unfold libraries in the call tree.")
    ] = False,
    paths: Annotated[
        str | None,
        typer.Option(
            metavar="FUNCTION", help="Show the cost of each call path to it, in place of the tree."
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write a flame graph, one offline page."),
    ] = None,
    speedscope: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write JSON for speedscope.app.")
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Also write a file of the form its suffix says: .html, .json (speedscope),"
            " .pyisession, .folded, .pstats; may be repeated.",
        ),
    ] = None,
    form: Annotated[
        Form | None, typer.Option("--format", help="Form of --output, whatever its suffix.")
    ] = None,
    open_file: Annotated[
        Path | None,
        typer.Option(
            "--open", metavar="FILE", help="Show a profile that --output FILE.pyisession kept."
        ),
    ] = None,
    budget: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[p95=]DURATION",
            help="Exit 1 when a call takes longer: its median, or p95; may be repeated.",
        ),
    ] = None,
    strict: options.Strict = False,
    import_time: Annotated[
        bool,
        typer.Option(
            "--import-time", help="Show what the start and the imports of TARGET cost instead."
        ),
    ] = False,
    memory: Annotated[
        bool,
        typer.Option(
            "--memory", help="Also show which functions hold the memory of one call at its peak."
        ),
    ] = False,
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
    from rich.console import Group

    from perfkit.cli.profile_budget import budgets_of, judged
    from perfkit.cli.profile_imports import started
    from perfkit.cli.profile_memory import peak_shown
    from perfkit.cli.profile_options import duration, repeats
    from perfkit.cli.profile_shown import Shown, files_asked_for, opened
    from perfkit.cli.profile_shown import show as shown_as
    from perfkit.cli.progress import saying
    from perfkit.cli.settings import is_configured, settings_of
    from perfkit.errors import ExitCode, PerfkitError, UsageError
    from perfkit.profiling.capture import Scope, capture
    from perfkit.profiling.view import View
    from perfkit.targets.spec import parse_target

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    settings = settings_of(invocation) if is_configured(invocation) else None
    say = saying(invocation)
    shown = Shown(
        top=top,
        view=View(
            only_mine=only_mine, show=tuple(show or ()), hide=tuple(hide or ()), fold=not show_all
        ),
        paths=paths,
        files=files_asked_for(html, speedscope, output or [], form),
    )
    if open_file is not None:
        others = {"--compare": compare, "--save": save, "--sessions": sessions, "--budget": budget}
        others |= dict.fromkeys(["--import-time"] * import_time + ["--memory"] * memory, "")
        wrong = [name for name, value in others.items() if value is not None]
        if target is not None or wrong:
            raise UsageError(
                f"--open {open_file} shows a saved profile and runs nothing; leave out"
                f" {' and '.join([*([target] if target else []), *wrong])}."
            )
        return opened(invocation, open_file, shown)
    if target is None:
        raise UsageError("found no TARGET, wanted a program to run, or --open FILE.")
    shown.check()
    named = parse_target(
        target,
        module=module,
        args=tuple(arguments or ()),
        arguments=arguments_json,
        factory=factory,
        cwd=Path.cwd(),
    )
    seconds = None if timeout is None else duration(timeout, "--timeout")
    if import_time:
        return started(invocation, named, timeout=seconds, top=top)
    if not (compare is None and save is None and sessions is None):
        from perfkit.cli.profile_compare import Sessions, check_options, compared, saved_set

        check_options(
            sessions,
            {"--compare": compare is not None, "--save": save is not None},
            {
                "--speedscope": speedscope is not None,
                "--output": bool(output),
                "--html": html is not None and compare is None,
                "--threads": threads,
                "--children": children,
                "--budget": bool(budget),
                "--memory": memory and compare is None,
            },
        )
        taken = Sessions(
            target=named,
            count=sessions,
            seed=seed,
            interval=duration(interval, "--interval"),
            repeat=repeats(repeat),
            warmup=warmup,
            timeout=seconds,
            memory=memory,
        )
        if save is not None:
            return saved_set(invocation, taken, save, top=top)
        return compared(invocation, taken, str(compare), html=html, top=top)
    calls = repeats(repeat)
    limits = budgets_of(named, budget or (), settings)
    recording = capture(
        named,
        cwd=Path.cwd(),
        interval=duration(interval, "--interval"),
        repeat=calls,
        warmup=warmup,
        timeout=seconds,
        scope=Scope(threads=threads, children=children),
        progress=say,
    )
    text, values = shown_as(invocation, recording, shown)
    failure = None
    if memory and not recording.cut_off:
        try:
            held, found = peak_shown(invocation, named, warmup=warmup, timeout=seconds, top=top)
            text, values = Group(text, held), {**values, **found}
        except PerfkitError as error:
            failure = error  # the profile is of a run that succeeded, and is not lost by this one
    if failure or recording.cut_off or not limits:
        ended = ExitCode.MEASUREMENT if recording.cut_off else ExitCode.PASSED
        return invocation.finish(
            failure.exit_code if failure else ended, text=text, values=values, failure=failure
        )
    kept = judged(invocation, named, limits, repeat=calls, warmup=warmup, timeout=seconds)
    return invocation.finish(
        kept.exit_code(strict=strict),
        text=Group(kept.text(), text),
        values={"budgets": kept.values(), **values},
        status=kept.status,
    )
