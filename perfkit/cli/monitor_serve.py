"""``perfkit monitor --serve``: the dashboard as a page, and metrics for those who scrape."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.errors import ExitCode, PerfkitError, UsageError

if TYPE_CHECKING:
    from perfkit.config.load import Settings
    from perfkit.model.dashboard import Dashboard
    from perfkit.monitoring.exposition import Family
    from perfkit.monitoring.web import Site

RELOAD_SECONDS = 5
"""How often a browser without JavaScript loads the page anew."""


def serve(
    site: "Site",
    address: str,
    *,
    allow_remote: bool,
    lasting: float | None,
    tell: Callable[[str], None],
) -> ExitCode:
    """Serve until Ctrl-C, SIGTERM or the end of ``lasting`` seconds, all of which end well.

    Raises:
        UsageError: the address is none, is taken, or is reached by other machines without leave.
    """
    from perfkit.monitoring.web import Web, is_loopback, parse_address

    host, port = parse_address(address)
    if not is_loopback(host):
        if not allow_remote:
            raise UsageError(
                f"--serve: other machines reach {host}, and there is no login; serve on 127.0.0.1, "
                "or add --allow-remote where everybody there may read names, rates and errors."
            )
        tell(f"! everybody who reaches {host} reads names, rates and errors: there is no login")
    server = Web(host, port, site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
    thread.start()
    try:
        tell(f"{server.url} with /metrics and /healthz; Ctrl-C ends")
        server.ended.wait(lasting)
    except KeyboardInterrupt:
        pass  # which is how a server is ended
    finally:
        server.end()
        thread.join()
    return ExitCode.PASSED


def site_of(path: Path, settings: "Settings", look: "Callable[[float], Dashboard]") -> "Site":
    """Return what is served of a store; each look is shared by all who ask within a second."""
    from perfkit.monitoring.exposition import (
        OPENMETRICS,
        openmetrics_text,
        prometheus_text,
        wanted_format,
    )
    from perfkit.monitoring.store_metrics import families, read_totals, store_bounds
    from perfkit.monitoring.store_telemetry import open_store
    from perfkit.monitoring.web import Shared, Site
    from perfkit.reporting.dashboard_html import dashboard_body, dashboard_html, live_script

    def read() -> "tuple[Family, ...]":
        with open_store(path) as store:
            return families(read_totals(store, time.time()), store_bounds(settings))

    shown, found = Shared(lambda: look(time.time())), Shared(read)

    def metrics(accept: str) -> tuple[str, str]:
        kind = wanted_format(accept)
        write = openmetrics_text if kind == OPENMETRICS else prometheus_text
        return kind, write(found())

    def health() -> Mapping[str, object]:
        try:
            with open_store(path):
                pass  # now: what is shared may be older than the file's end
            found()
            shown()
        except PerfkitError as error:
            return {"live": True, "ready": False, "detail": str(error)}
        return {"live": True, "ready": True, "detail": ""}

    return Site(
        metrics=metrics,
        health=health,
        page=lambda: dashboard_html(shown(), script=live_script(), refresh=RELOAD_SECONDS),
        part=lambda: dashboard_body(shown()),
    )
