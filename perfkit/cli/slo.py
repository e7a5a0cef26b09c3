"""``perfkit slo``: are the objectives met, and how much error budget is left?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options
from perfkit.errors import ExitCode

if TYPE_CHECKING:
    from perfkit.config.objectives import Objective
    from perfkit.monitoring.slo import Row


def slo(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="OBJECTIVE...", help="Only these objectives. Default: all."),
    ] = None,
    *,
    store: options.TelemetryStore = None,
    prometheus: Annotated[
        str | None,
        typer.Option(
            "--prometheus", metavar="URL", help="Count in this Prometheus server instead."
        ),
    ] = None,
    canary: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--canary",
            metavar="BASE NEW",
            help="Compare two versions instead: labels (version=2) or times (2h/1h, 1h/now) of the "
            "store, or CSV files of durations (column seconds, perhaps group).",
        ),
    ] = None,
    component: Annotated[
        str | None,
        typer.Option("--component", metavar="NAME", help="Compare calls of this component only."),
    ] = None,
    call: Annotated[
        str | None,
        typer.Option("--call", metavar="NAME", help="Compare calls of this name only."),
    ] = None,
    lasting: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="DURATION",
            help="How far back calls with a label are compared. Default: 1h.",
        ),
    ] = None,
    tolerance: Annotated[
        str,
        typer.Option(
            "--tolerance", metavar="RATIO", help="Accepted change of the canary's median."
        ),
    ] = "10%",
    tail_tolerance: Annotated[
        str,
        typer.Option(
            "--tail-tolerance", metavar="RATIO", help="Accepted change of the canary's p99."
        ),
    ] = "25%",
    strict: options.Strict = False,
    json: options.Json = False,
) -> ExitCode:
    """Hold what was counted against the objectives, or a new version against an old one.

    An objective is met or exceeded only where the traffic is large enough to tell; 99.9 % takes
    2,995 calls without a bad one. No call at all exits 4.
    """
    from perfkit.monitoring.text import slo_text, slo_values

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    if canary is not None:
        from perfkit.cli.canary import compare

        return compare(
            invocation,
            canary,
            accepted=(tolerance, tail_tolerance),
            of_the_store={"--component": component, "--call": call, "--since": lasting},
            store=store,
            strict=strict,
        )

    import time

    from perfkit.cli.settings import settings_of, store_path
    from perfkit.errors import UsageError
    from perfkit.monitoring.objectives import State, exit_code
    from perfkit.status import Status

    if prometheus is not None and store is not None:
        raise UsageError("--prometheus and --store are two sources: give one of them.")
    settings = settings_of(invocation)
    chosen = _chosen(settings.thresholds.objectives, names or [])
    rows, warnings = _rows(chosen, prometheus, store_path(store, settings), time.time())
    states = [row.assessment.state for row in rows]
    code = exit_code(states, strict=strict)
    open_question = code is ExitCode.PASSED and State.INCONCLUSIVE in states
    return invocation.finish(
        code,
        text=slo_text(rows, warnings),
        values=slo_values(rows, warnings),
        status=Status.INCONCLUSIVE if open_question else None,
    )


def _rows(
    objectives: "tuple[Objective, ...]", url: str | None, store: Path, at: float
) -> "tuple[tuple[Row, ...], list[str]]":
    from perfkit.monitoring.prometheus_server import PrometheusServer
    from perfkit.monitoring.slo import judge, prometheus_counts
    from perfkit.monitoring.store_telemetry import open_store, store_counts

    if url is None:
        with open_store(store) as opened:
            return judge(objectives, store_counts(opened), at), []
    server = PrometheusServer(url)
    return judge(objectives, prometheus_counts(server), at), server.warnings


def _chosen(objectives: "tuple[Objective, ...]", names: list[str]) -> "tuple[Objective, ...]":
    from perfkit.errors import UsageError

    known = [objective.name for objective in objectives]
    if unknown := [name for name in names if name not in known]:
        raise UsageError(
            f"found the objective {unknown[0]!r}, wanted one of {', '.join(known) or '(none)'}."
        )
    if not objectives:
        raise UsageError(
            "found no objective, wanted some under objectives in performance_thresholds.yaml."
        )
    return tuple(one for one in objectives if not names or one.name in names)
