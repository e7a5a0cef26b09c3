"""Whether the server that answers is the one that was started."""

import asyncio
import shlex
import time

from perfkit.errors import InterruptedMeasurementError, MeasurementError
from perfkit.reliability.victim import Victim

READY_EVERY = 0.05
"""Seconds between two attempts to connect to a server that starts."""


async def listens(host: str, port: int) -> bool:
    """Return whether something accepts connections there."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


async def check_free(host: str, port: int) -> None:
    """Raise MeasurementError where somebody listens before the server is started.

    It would be taken for the started one, which could not listen there.
    """
    if await listens(host, port):
        raise MeasurementError(
            f"{host}:{port}: another server listens there already, so the one that is started would"
            " not be what is loaded: end it, or choose another port"
        )


async def ready(
    server: Victim, host: str, port: int, *, within: float, stop: asyncio.Event
) -> None:
    """Wait until a started server accepts connections, ``within`` seconds.

    Raises:
        MeasurementError: it ends by itself, or does not listen in time.
        InterruptedMeasurementError: ``stop`` was set before.
    """
    ends = time.monotonic() + within
    while not await listens(host, port):
        check_running(server)
        if stop.is_set():
            raise InterruptedMeasurementError("interrupted before the server was ready")
        if time.monotonic() > ends:
            raise MeasurementError(
                f"{shlex.join(server.command)}: nothing listens on {host}:{port} after"
                f" {within:g} s (ready_within)"
            )
        await asyncio.sleep(READY_EVERY)
    check_running(server)


def check_running(server: Victim | None) -> None:
    """Raise MeasurementError where a started server has ended by itself.

    What answered meanwhile was another one, or nobody. Without a server nothing is known of it.
    """
    if server is not None and not server.running:
        raise MeasurementError(
            f"{shlex.join(server.command)}: ended with {server.process.returncode} by itself"
        )
