"""``perfkit export``: the same rules for Prometheus, Alertmanager, Grafana and others."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from perfkit.cli import options
from perfkit.errors import ExitCode


def export(
    context: typer.Context,
    tool: Annotated[
        Literal["prometheus", "alertmanager", "grafana", "otel-collector", "sloth"],
        typer.Argument(
            metavar="TOOL", help="prometheus, alertmanager, grafana, otel-collector, sloth."
        ),
    ],
    target: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files are written.")],
    *,
    json: options.Json = False,
) -> ExitCode:
    """Write the configured components, objectives and alerts as files of another tool.

    Files of the same name are replaced, others stay.
    """
    from datetime import UTC, datetime

    from perfkit.cli.invocation import Raw
    from perfkit.cli.settings import settings_of
    from perfkit.durable import write_whole
    from perfkit.monitoring.export.files import files_for

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = f"export {tool}"
    files, notes = files_for(tool, settings_of(invocation), datetime.now(UTC))
    for name, text in files.items():
        write_whole(target / name, text)
    for note in notes:
        invocation.console(stderr=True).print(f"! {note}", soft_wrap=True, markup=False)
    written = [str(target / name) for name in files]
    return invocation.finish(
        ExitCode.PASSED,
        text=Raw("".join(f"wrote {path}\n" for path in written)),
        values={"files": written, "warnings": notes},
    )
