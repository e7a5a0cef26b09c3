"""``perfkit drill``: back up, and rehearse that it comes back."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options
from perfkit.errors import ExitCode, UsageError
from perfkit.plural import plural

if TYPE_CHECKING:
    from perfkit.cli.invocation import Invocation
    from perfkit.config.load import Settings
    from perfkit.model import DrillResult

drill = typer.Typer(help="Back up, and rehearse that it comes back.", no_args_is_help=True)

Archive = Annotated[Path, typer.Argument(metavar="ARCHIVE", help="The file of the backup.")]
Sources = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="SOURCE...",
        help="Files and folders. Default: drills.sources, else telemetry store, baselines, config.",
    ),
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
    context: typer.Context, archive: Archive, sources: Sources = None, *, json: options.Json = False
) -> ExitCode:
    """Copy files, folders and databases into one file, while they are in use.

    SQLite databases are copied whole as of one moment, with what others have acknowledged.
    """
    from rich.text import Text

    from perfkit.reliability.backup import back_up

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "drill backup"
    chosen = sources or _kept(invocation, _settings(invocation, None, None))
    found = back_up(chosen, archive, taken_at=time.time())
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


def _settings(invocation: "Invocation", rto: str | None, rpo: str | None) -> "Settings":
    """Return the settings with the limits that options give over them."""
    from perfkit.cli.settings import settings_of
    from perfkit.config.load import Override

    given = {"rto": rto, "rpo": rpo}
    return settings_of(
        invocation,
        [
            Override(f"drills.{key}", text, f"--{key}")
            for key, text in given.items()
            if text is not None
        ],
    )


def _kept(invocation: "Invocation", settings: "Settings") -> list[Path]:
    """Return the configured sources; without any what perfkit itself keeps and exists.

    Raises UsageError where there is nothing.
    """
    from rich.text import Text

    from perfkit.cli.settings import config_directory, store_path

    if configured := settings.monitoring.drills.sources:
        return [Path(one) for one in configured]
    config = config_directory(invocation)
    own = [store_path(None, settings), config.parent / "baselines", config]
    found = [one for one in own if one.exists()]
    if not found:
        raise UsageError(
            "a drill needs a SOURCE, or drills.sources in config/monitoring_config.yaml"
        )
    for one in own:
        if one not in found:
            line = f"{one}: does not exist, so it is not backed up"
            invocation.console(stderr=True).print(Text(line, "dim"))
    return found


def _rehearsed(
    invocation: "Invocation",
    settings: "Settings",
    sources: list[Path] | None,
    archive: Path | None,
    seed: int,
) -> "DrillResult":
    from perfkit.reliability.drill import rehearse

    limits, watched = settings.thresholds.drills, settings.monitoring.drills
    chosen = sources or _kept(invocation, settings)
    if archive is None and not sources and watched.archive is not None:
        archive = Path(watched.archive)
    return rehearse(
        chosen,
        archive=archive,
        longest_recovery=limits.rto,
        longest_loss=limits.rpo,
        seed=seed,
        clock=time.perf_counter,
        now=time.time,
    )


@drill.command()
def rehearse(
    context: typer.Context,
    sources: Sources = None,
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
    found = _rehearsed(invocation, _settings(invocation, rto, rpo), sources, archive, seed)
    code = ExitCode.PASSED if found.status is Status.PASSED else ExitCode.FAILED
    return invocation.finish(code, text=drill_text(found), values=drill_values(found))


@drill.command()
def runbook(
    context: typer.Context,
    sources: Sources = None,
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

    from perfkit.durable import write_whole
    from perfkit.model import Status
    from perfkit.reporting.drill_text import drill_values
    from perfkit.reporting.drill_text import runbook as page
    from perfkit.reporting.procedures import procedures

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "drill runbook"
    settings = _settings(invocation, rto, rpo)
    watched = settings.monitoring
    found = _rehearsed(invocation, settings, sources, archive, seed)
    name = str(archive or watched.drills.archive or "backup.tar")
    day = datetime.now(UTC).date().isoformat()
    whole = page(found, archive=name, day=day, told=tuple(tell or watched.drills.tell))
    rules = procedures(watched.alerts.rules, watched.notification, settings.thresholds.objectives)
    write_whole(output, f"{whole}\n{rules}")
    code = ExitCode.PASSED if found.status is Status.PASSED else ExitCode.FAILED
    values = {**drill_values(found), "written": str(output)}
    return invocation.finish(code, text=Text(f"wrote {output}"), values=values)
