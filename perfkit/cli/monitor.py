"""``perfkit monitor``: what the running program does now."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options
from perfkit.errors import ExitCode

if TYPE_CHECKING:
    from perfkit.cli.invocation import Invocation
    from perfkit.cli.monitor_beside import Beside
    from perfkit.model.dashboard import Dashboard
    from perfkit.monitoring.dashboard import Observer

SHORTEST_WINDOW = 10.0
LONGEST_WINDOW = 31 * 86400.0
"""Seconds; longer ones are the work of a time-series database."""
MOST_TOLD = 20
"""Lines of probes and pushes that are shown when the live view has ended."""


def monitor(
    context: typer.Context,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Print one frame and end; so where stdout is a pipe.")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", help="Write one frame as a page with plots; works offline."
        ),
    ] = None,
    window: Annotated[
        str,
        typer.Option("--window", metavar="DURATION", help="How far back: 10s to 31d."),
    ] = "15min",
    component: Annotated[
        list[str] | None,
        typer.Option("--component", metavar="NAME", help="Only this component; may be repeated."),
    ] = None,
    serve: Annotated[
        str | None,
        typer.Option(
            "--serve",
            metavar="ADDRESS",
            help="Serve a live page, /metrics and /healthz at 127.0.0.1:9464 until Ctrl-C.",
        ),
    ] = None,
    allow_remote: Annotated[
        bool,
        typer.Option("--allow-remote", help="Let --serve listen where other machines reach it."),
    ] = False,
    lasting: Annotated[
        str | None,
        typer.Option("--for", metavar="DURATION", help="End --serve after this: 10min."),
    ] = None,
    probe: Annotated[
        bool,
        typer.Option("--probe", help="Also run the configured probes, and record what they find."),
    ] = False,
    otlp: Annotated[
        str | None,
        typer.Option(
            "--otlp", metavar="URL", help="Also push the metrics to this OpenTelemetry collector."
        ),
    ] = None,
    store: options.TelemetryStore = None,
    json: options.Json = False,
) -> ExitCode:
    """Show rate, errors, latency, saturation, caches, quality, budgets and alerts by component.

    A live view, drawn anew every second, until `q` or Ctrl-C. One frame (--once, --html, --json)
    exits 1 where an alert fires or an objective is exceeded, and 4 where nothing was measured.
    A served page ends with 0, on Ctrl-C and SIGTERM as well.
    """
    from perfkit.cli.monitor_beside import Beside
    from perfkit.cli.settings import settings_of, store_path
    from perfkit.errors import UsageError
    from perfkit.monitoring.dashboard import Observer

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    frame = once or html is not None or invocation.json
    if serve is None and (allow_remote or lasting is not None):
        raise UsageError("--allow-remote and --for are about --serve: add it, or leave them out.")
    if serve is not None and frame:
        raise UsageError("--serve and --once, --html or --json are two outputs: give one of them.")
    settings = settings_of(invocation)
    path = store_path(store, settings)
    observer = Observer(path, settings, window=_window(window), only=component or ())
    besides = Beside(settings, path, probe=probe, otlp=otlp)
    if serve is not None:
        limit = None if lasting is None else _seconds("--for", lasting)
        return _serve(invocation, observer, besides, serve, allow_remote=allow_remote, limit=limit)
    if not frame and invocation.console().is_terminal:
        return _live(invocation, observer, besides)
    return _frame(invocation, observer, besides, html)


def _serve(
    invocation: "Invocation",
    observer: "Observer",
    besides: "Beside",
    address: str,
    *,
    allow_remote: bool,
    limit: float | None,
) -> ExitCode:
    import time

    from perfkit.cli.monitor_serve import serve, site_of
    from perfkit.errors import MeasurementError

    tell = _teller(invocation)
    with besides.running(tell):
        try:
            observer.look(time.time())
        except MeasurementError as error:
            tell(f"! {error}")  # the application may begin later
        return serve(
            site_of(besides.path, besides.settings, observer.look),
            address,
            allow_remote=allow_remote,
            lasting=limit,
            tell=tell,
        )


def _live(invocation: "Invocation", observer: "Observer", besides: "Beside") -> ExitCode:
    import time

    from perfkit.cli.monitor_live import keyboard, live

    told: list[str] = []
    try:
        with besides.running(told.append), keyboard() as pressed:
            return live(
                invocation.console(),
                observer.look,
                clock=time.time,
                monotonic=time.monotonic,
                pressed=pressed,
            )
    finally:
        # The screen was the dashboard's until here.
        for line in told[-MOST_TOLD:]:
            _teller(invocation)(line)


def _frame(
    invocation: "Invocation", observer: "Observer", besides: "Beside", html: Path | None
) -> ExitCode:
    import time
    from dataclasses import asdict

    from perfkit.durable import write_whole
    from perfkit.reporting.dashboard_html import dashboard_html
    from perfkit.reporting.dashboard_text import dashboard_text

    besides.once(_teller(invocation))
    shown = observer.look(time.time())
    if html is not None:
        write_whole(html, dashboard_html(shown))
    return invocation.finish(
        _code(shown),
        text=dashboard_text(shown, columns=invocation.console().width),
        values=asdict(shown),
    )


def _teller(invocation: "Invocation") -> Callable[[str], None]:
    """What writes a line to stderr."""
    from perfkit.reporting.visible import visible

    console = invocation.console(stderr=True)
    return lambda line: console.print(visible(line), soft_wrap=True, markup=False)


def _code(shown: "Dashboard") -> ExitCode:
    if not shown.measured:
        return ExitCode.MEASUREMENT
    return ExitCode.FAILED if shown.failing else ExitCode.PASSED


def _window(text: str) -> float:
    from perfkit.errors import UsageError

    seconds = _seconds("--window", text)
    if not SHORTEST_WINDOW <= seconds <= LONGEST_WINDOW:
        raise UsageError(f"--window: found {text!r}, wanted 10s to 31d")
    return seconds


def _seconds(option: str, text: str) -> float:
    from perfkit.config.units import parse_duration
    from perfkit.errors import UsageError

    try:
        return parse_duration(text)
    except UsageError as error:
        raise UsageError(f"{option}: {error}") from None
