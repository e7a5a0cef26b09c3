"""One POST over a connection of its own, ended after a total time whatever the receiver does."""

import http.client
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Final

_PORTS: Final = {"http": http.client.HTTP_PORT, "https": http.client.HTTPS_PORT}


def post(url: str, body: bytes, *, seconds: float) -> int:
    """Send JSON and return the status of the answer, which is not read further.

    Connecting, sending and the head of the answer have ``seconds`` together. A redirect is an
    answer and not followed.

    Raises:
        TimeoutError: there was no status in time.
        OSError: the receiver cannot be reached.
        http.client.HTTPException: what it answered is not HTTP.
        ValueError: the address is none.
    """
    from urllib3.util import parse_url

    end = time.monotonic() + seconds
    parts = parse_url(url)
    host, scheme = (parts.host or "").strip("[]"), parts.scheme or ""
    connection = http.client.HTTPConnection(host, parts.port or _PORTS[scheme])
    try:
        with _reached(host, connection.port, end) as reached:
            connection.sock = reached
            if scheme == "https":
                context = ssl.create_default_context()
                connection.sock = context.wrap_socket(reached, server_hostname=host)
            headers = {"Content-Type": "application/json", "Connection": "close"}
            connection.request("POST", parts.request_uri, body, headers)
            return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        if time.monotonic() >= end:
            raise TimeoutError(f"no answer in {seconds:g} s") from error
        raise
    finally:
        connection.close()


@contextmanager
def _reached(host: str, port: int, end: float) -> Iterator[socket.socket]:
    """A connection that is cut at ``end`` of the monotonic clock.

    The timeout of a socket begins anew with every byte: one a second would keep it open for ever.
    """
    reached = socket.create_connection((host, port), timeout=end - time.monotonic())
    # TLS takes the socket over; its duplicate still ends the connection beneath.
    with reached, reached.dup() as duplicate:
        cut = Timer(end - time.monotonic(), _end, [duplicate])
        cut.daemon = True
        cut.start()
        try:
            yield reached
        finally:
            cut.cancel()
            cut.join()


def _end(connected: socket.socket) -> None:
    with suppress(OSError):  # it may have ended by itself just now
        connected.shutdown(socket.SHUT_RDWR)
