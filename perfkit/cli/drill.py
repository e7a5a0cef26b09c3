"""``perfkit drill``: back up, and rehearse that it comes back."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options
from perfkit.errors import ExitCode
from perfkit.plural import plural

if TYPE_CHECKING:
    from perfkit.model import DrillResult

drill = typer.Typer(help="Back up, and rehearse that it comes back.", no_args_is_help=True)

Archive = Annotated[Path, typer.Argument(metavar="ARCHIVE", help="The file of the backup.")]
Sources = Annotated[
    list[Path],
    typer.Argument(metavar="SOURCE...", help="Files and folders, such as baselines config."),
]
Recovery = Annotated[
    str | None,
    typer.Option("--rto", metavar="TIME", help="Longest time that restoring may take."),
]
Loss = Annotated[
    str | None, typer.Option("--rpo", metavar="TIME", help="Oldest that a backup may be.")
]
Backup = Annotated[
    Path | None,
    typer.Option("--archive", metavar="FILE", help="Rehearse with this backup, not a new one."),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the damages.")]


@drill.command()
def backup(
    context: typer.Context, archive: Archive, sources: Sources, *, json: options.Json = False
) -> ExitCode:
    """Copy files, folders and databases into one file, while they are in use.

    SQLite databases are copied whole as of one moment, with what others have acknowledged.
    """
    from rich.text import Text

    from perfkit.reliability.backup import back_up

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "drill backup"
    found = back_up(sources, archive, taken_at=time.time())
    return invocation.finish(
        ExitCode.PASSED,
        text=Text(f"{plural(len(found.files), 'file')} in {archive}, digest {found.digest[:16]}"),
        values={"files": len(found.files), "digest": found.digest, "taken_at": found.taken_at},
    )


@drill.command()
def verify(context: typer.Context, archive: Archive, *, json: options.Json = False) -> ExitCode:
    """Read a whole backup and say whether every byte is as it was. Exits 1 when not."""
    from rich.text import Text

    from perfkit.reliability.backup import problems, read_manifest

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "drill verify"
    found = read_manifest(archive)
    wrong = problems(archive)
    whole = f"{plural(len(found.files), 'file')}, every byte as it was, digest {found.digest[:16]}"
    return invocation.finish(
        ExitCode.FAILED if wrong else ExitCode.PASSED,
        text=Text("\n".join(wrong) if wrong else whole),
        values={"files": len(found.files), "digest": found.digest, "problems": wrong},
    )


@drill.command()
def restore(
    context: typer.Context,
    archive: Archive,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="New, or empty.")],
    *,
    json: options.Json = False,
) -> ExitCode:
    """Put the content of a backup into a new folder: all of it, or nothing."""
    from rich.text import Text

    from perfkit.reliability.backup import restore as put_back

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "drill restore"
    found = put_back(archive, folder)
    return invocation.finish(
        ExitCode.PASSED,
        text=Text(f"{plural(len(found.files), 'file')} in {folder}, digest {found.digest[:16]}"),
        values={"files": len(found.files), "digest": found.digest},
    )


def _rehearsed(
    sources: list[Path], archive: Path | None, rto: str | None, rpo: str | None, seed: int
) -> "DrillResult":
    from perfkit.config.units import parse_duration
    from perfkit.reliability.drill import rehearse

    return rehearse(
        sources,
        archive=archive,
        longest_recovery=None if rto is None else parse_duration(rto),
        longest_loss=None if rpo is None else parse_duration(rpo),
        seed=seed,
        clock=time.perf_counter,
        now=time.time,
    )


@drill.command()
def rehearse(
    context: typer.Context,
    sources: Sources,
    *,
    archive: Backup = None,
    rto: Recovery = None,
    rpo: Loss = None,
    seed: Seed = 0,
    json: options.Json = False,
) -> ExitCode:
    """Back up, damage copies of the backup on purpose, restore the true one, and compare.

    Everything happens in a temporary folder. Exits 1 when a damage was not noticed, something is
    missing, or a limit is exceeded.
    """
    from perfkit.model import Status
    from perfkit.reporting.drill_text import drill_text, drill_values

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "drill rehearse"
    found = _rehearsed(sources, archive, rto, rpo, seed)
    code = ExitCode.PASSED if found.status is Status.PASSED else ExitCode.FAILED
    return invocation.finish(code, text=drill_text(found), values=drill_values(found))


@drill.command()
def runbook(
    context: typer.Context,
    sources: Sources,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page.")
    ] = Path("RUNBOOK.md"),
    tell: Annotated[
        list[str] | None,
        typer.Option("--tell", metavar="NAME", help="Who has to be told; may be repeated."),
    ] = None,
    archive: Backup = None,
    rto: Recovery = None,
    rpo: Loss = None,
    seed: Seed = 0,
    json: options.Json = False,
) -> ExitCode:
    """Rehearse, and write a page with the commands to type and the measured figures.

    It also says what to do for each configured alert rule.
    """
    from datetime import UTC, datetime

    from rich.text import Text

    from perfkit.cli.settings import settings_of
    from perfkit.durable import write_whole
    from perfkit.model import Status
    from perfkit.reporting.drill_text import drill_values
    from perfkit.reporting.drill_text import runbook as page
    from perfkit.reporting.procedures import procedures

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "drill runbook"
    settings = settings_of(invocation)
    found = _rehearsed(sources, archive, rto, rpo, seed)
    name = str(archive or "backup.tar")
    day = datetime.now(UTC).date().isoformat()
    whole = page(found, archive=name, day=day, told=tuple(tell or ()))
    watched = settings.monitoring
    rules = procedures(watched.alerts.rules, watched.notification, settings.thresholds.objectives)
    write_whole(output, f"{whole}\n{rules}")
    code = ExitCode.PASSED if found.status is Status.PASSED else ExitCode.FAILED
    values = {**drill_values(found), "written": str(output)}
    return invocation.finish(code, text=Text(f"wrote {output}"), values=values)
