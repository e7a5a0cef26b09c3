"""``perfkit chaos``: what happens when something fails, on purpose and undone."""

from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli import options
from perfkit.errors import ExitCode, UsageError

chaos = typer.Typer(help="Make something fail on purpose, and undo it.", no_args_is_help=True)


@chaos.command()
def run(
    context: typer.Context,
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="A YAML file.")],
    *,
    journal: Annotated[
        Path | None,
        typer.Option(
            "--journal", metavar="FILE", help="Diary. Default: .perfkit/chaos/journal.jsonl."
        ),
    ] = None,
    i_own_this_host: Annotated[
        bool,
        typer.Option("--i-own-this-host", help="Load a host outside private networks."),
    ] = False,
    strict: options.Strict = False,
    json: options.Json = False,
) -> ExitCode:
    """Show that the state is steady, do the faults of a plan under load, and show it again.

    Nothing is done where the state is not steady before. Every fault is undone, also on Ctrl-C.
    """
    import time

    from rich.text import Text

    from perfkit.config.chaos_plan import read_chaos_plan
    from perfkit.reliability.experiment import run_experiment
    from perfkit.reliability.journal import Journal
    from perfkit.reporting.chaos_text import chaos_text, chaos_values

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "chaos run"
    console = invocation.console(stderr=True)
    settled = read_chaos_plan(plan)
    diary = Journal(journal or Path(".perfkit", "chaos", "journal.jsonl"), time.time)
    try:
        result = run_experiment(
            settled,
            cwd=Path.cwd(),
            owned=i_own_this_host,
            journal=diary,
            say=lambda line: console.print(Text(line, "dim")),
        )
    finally:
        diary.close()
    return invocation.finish(
        result.status.exit_code(strict=strict, interrupted=result.interrupted),
        text=chaos_text(result),
        values=chaos_values(result),
        status=result.status,
    )


@chaos.command()
def inject(
    context: typer.Context,
    fault: Annotated[
        str,
        typer.Argument(
            metavar="FAULT",
            help="latency, error, reset, down, hang, slow, truncate, kill, stop, enospc or memory.",
        ),
    ],
    command: Annotated[
        list[str], typer.Argument(metavar="-- COMMAND", help="What runs under the fault.")
    ],
    *,
    upstream: Annotated[
        str | None,
        typer.Option(
            "--upstream",
            metavar="ADDRESS",
            help="What the command talks to: http://HOST:PORT or HOST:PORT.",
        ),
    ] = None,
    failpoint: Annotated[
        str,
        typer.Option(
            "--failpoint",
            metavar="NAME",
            help="Place of the command's perfkit.runtime.inject: latency, error or hang there.",
        ),
    ] = "",
    measures: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="How much: delay, jitter, status, rate, size, share, count; may be repeated.",
        ),
    ] = None,
    after: Annotated[str, typer.Option("--after", metavar="TIME", help="When it begins.")] = "0s",
    lasts: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help="For how long. Default: to the end."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of what a share hits.")] = 0,
    i_own_this_host: Annotated[
        bool,
        typer.Option("--i-own-this-host", help="Reach an upstream outside private networks."),
    ] = False,
    json: options.Json = False,
) -> ExitCode:
    """Run a command while something fails around it, and say how it ended.

    In its arguments {proxy} is the address of the faulty server and {disk} the folder of the full
    disk.
    """
    from rich.text import Text

    from perfkit.config.units import parse_duration
    from perfkit.reliability.faults import fault_of
    from perfkit.reliability.inject import Injection
    from perfkit.reliability.inject import inject as run_under

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "chaos inject"
    console = invocation.console(stderr=True)
    pairs = [one.partition("=") for one in measures or []]
    if bad := [name for name, sign, _ in pairs if not sign]:
        raise UsageError(f"--set {bad[0]}: wanted NAME=VALUE, such as delay=200ms")
    injection = Injection(
        fault=fault_of(fault, {name: value for name, _, value in pairs}, failpoint),
        command=tuple(command),
        upstream=upstream,
        after=parse_duration(after),
        lasts=None if lasts is None else parse_duration(lasts),
        seed=seed,
        owned=i_own_this_host,
    )
    found = run_under(injection, cwd=Path.cwd(), say=lambda line: console.print(Text(line, "dim")))
    code = ExitCode.PASSED if found.code == 0 else ExitCode.MEASUREMENT
    ended = f"with {found.code}" if found.code >= 0 else f"by signal {-found.code}"
    if not found.hits and found.code and not found.interrupted:
        ended += ", by itself"
    times = f"{found.hits} times" if found.hits != 1 else "once"
    return invocation.finish(
        ExitCode.INTERRUPTED if found.interrupted else code,
        text=Text(f"{found.fault}: happened {times}; the command ended {ended}"),
        values={"fault": found.fault, "hits": found.hits, "code": found.code},
    )
