"""``perfkit monitor``: what the running program does now."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options
from perfkit.errors import ExitCode

if TYPE_CHECKING:
    from perfkit.model.dashboard import Dashboard

SHORTEST_WINDOW = 10.0
LONGEST_WINDOW = 31 * 86400.0
"""Seconds; longer ones are the work of a time-series database."""


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
    store: options.TelemetryStore = None,
    json: options.Json = False,
) -> ExitCode:
    """Show rate, errors, latency, saturation, caches, quality, budgets and alerts by component.

    A live view, drawn anew every second, until `q` or Ctrl-C. One frame (--once, --html, --json)
    exits 1 where an alert fires or an objective is exceeded, and 4 where nothing was measured.
    """
    import time
    from dataclasses import asdict

    from perfkit.cli.monitor_live import keyboard, live
    from perfkit.cli.settings import settings_of, store_path
    from perfkit.durable import write_whole
    from perfkit.monitoring.dashboard import Observer
    from perfkit.reporting.dashboard_html import dashboard_html
    from perfkit.reporting.dashboard_text import dashboard_text

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    settings = settings_of(invocation)
    observer = Observer(
        store_path(store, settings), settings, window=_window(window), only=component or ()
    )
    console = invocation.console()
    if not (once or html or invocation.json) and console.is_terminal:
        with keyboard() as pressed:
            return live(
                console,
                observer.look,
                clock=time.time,
                monotonic=time.monotonic,
                pressed=pressed,
            )
    shown = observer.look(time.time())
    if html is not None:
        write_whole(html, dashboard_html(shown))
    return invocation.finish(
        _code(shown),
        text=dashboard_text(shown, columns=console.width),
        values=asdict(shown),
    )


def _code(shown: "Dashboard") -> ExitCode:
    if not shown.measured:
        return ExitCode.MEASUREMENT
    return ExitCode.FAILED if shown.failing else ExitCode.PASSED


def _window(text: str) -> float:
    from perfkit.config.units import parse_duration
    from perfkit.errors import UsageError

    try:
        seconds = parse_duration(text)
    except UsageError as error:
        raise UsageError(f"--window: {error}") from None
    if not SHORTEST_WINDOW <= seconds <= LONGEST_WINDOW:
        raise UsageError(f"--window: found {text!r}, wanted 10s to 31d")
    return seconds
