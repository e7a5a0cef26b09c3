"""Options that several verbs share, so that they read and behave the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli.invocation import Invocation


def invocation_of(context: typer.Context) -> Invocation:
    """The invocation that the rim put into the context; also notes which verb is running."""
    invocation = context.find_object(Invocation)
    if invocation is None:
        raise RuntimeError("the rim did not pass an Invocation")
    return invocation


def _set_json(context: typer.Context, value: bool) -> bool:
    invocation = invocation_of(context)
    invocation.json = invocation.json or value
    return value


def _set_config(context: typer.Context, value: Path | None) -> Path | None:
    invocation_of(context).config_directory = value
    return value


def _set_verbosity(context: typer.Context, value: int) -> int:
    invocation_of(context).verbosity = value
    return value


Json = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Put one JSON document on stdout and nothing else.",
        callback=_set_json,
        is_eager=True,
    ),
]

Arguments = Annotated[
    str | None,
    typer.Option(
        "--args",
        metavar="JSON",
        help="Call a callable with this: [...] by position, {...} by name; a tool by name.",
    ),
]

Factory = Annotated[
    str | None,
    typer.Option(
        "--factory",
        metavar="pkg.mod:callable",
        help="Call a callable or a tool with what this returns: a list, tuple or dict.",
    ),
]

Strict = Annotated[
    bool,
    typer.Option("--strict", help="Exit 3 when the measurement could not decide."),
]

ConfigDirectory = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="DIR",
        help="Folder of performance_thresholds.yaml and monitoring_config.yaml. Default: config.",
        callback=_set_config,
    ),
]

Verbosity = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        help="Log more to stderr; twice for debugging.",
        callback=_set_verbosity,
    ),
]

Bench = Annotated[
    list[str] | None,
    typer.Option(
        "--bench",
        "-b",
        metavar="REGEX",
        help="Only benchmarks whose name(params) this matches; may be repeated.",
    ),
]

MinRounds = Annotated[
    int | None,
    typer.Option("--min-rounds", min=2, help="Rounds of every benchmark before any decision."),
]

MaxRounds = Annotated[
    int | None,
    typer.Option("--max-rounds", min=2, help="Rounds after which an open row is inconclusive."),
]

TimeBudget = Annotated[
    str | None,
    typer.Option("--budget", metavar="DURATION", help="Start no new round after this: 10min."),
]

Seed = Annotated[int, typer.Option("--seed", help="Seed of the order of execution.")]

Shard = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="K/N",
        help="Only the K-th of N parts of the suite, for a matrix of CI jobs.",
    ),
]

Culprits = Annotated[
    bool,
    typer.Option(
        "--culprits/--no-culprits",
        help="Profile both sides of the worst regressions, and name the functions behind them.",
    ),
]

ReportFile = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Also write the report as JSON."),
]

HtmlFile = Annotated[
    Path | None,
    typer.Option(
        "--html", metavar="FILE", help="Also write the report as one HTML file with plots."
    ),
]

EveryRow = Annotated[
    bool, typer.Option("--all", help="Show unchanged benchmarks as well, one row each.")
]

LoadWait = Annotated[
    str | None,
    typer.Option(
        "--load-wait",
        metavar="DURATION",
        help="Wait at most this long in all while other programs use the machine: 30s, 0s never.",
    ),
]

CpuAffinity = Annotated[
    str | None,
    typer.Option(
        "--cpu-affinity",
        metavar="CPUS",
        help="Keep measured processes on these processors: 2 or 0,2-3 (Linux).",
    ),
]

Isolate = Annotated[
    bool,
    typer.Option(
        "--isolate",
        help="Give each side an environment of its own with its own dependencies (uv or pip).",
    ),
]

TelemetryStore = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="FILE",
        help="The telemetry store to read. Default: store.path of the configuration.",
    ),
]

PostComment = Annotated[
    bool,
    typer.Option(
        "--comment",
        help="Also post the report under the pull request, as `perfkit comment --post` does.",
    ),
]
