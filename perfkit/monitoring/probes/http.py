"""Looking at an HTTP address: its status, its body, and how long both take."""

import contextlib
import http.client
import socket
import ssl
import time
from urllib.parse import urlsplit

from perfkit.monitoring.probes.attempt import ProbeFailedError

MOST_BODY = 1024 * 1024
"""Bytes of an answer that are read; a longer one is looked at so far."""
_CHUNK = 65536


class HttpAttempt:
    """GET of an address over a connection of its own; redirects are answers and not followed."""

    def __init__(
        self, url: str, *, timeout: float, status: int | None = None, contains: str | None = None
    ) -> None:
        self._parts = urlsplit(url)
        self._timeout = timeout
        self._status = status
        self._contains = contains
        self._socket: socket.socket | None = None

    def __call__(self) -> None:
        """Ask once.

        Raises:
            ProbeFailedError: no answer in time, or not the wanted one.
        """
        end = time.monotonic() + self._timeout
        connection = self._made()
        try:
            self._look(connection, end)
        except TimeoutError as error:
            raise ProbeFailedError("timeout", f"no whole answer in {self._timeout:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() >= end:
                # The connection was ended from outside, because its time was over.
                raise ProbeFailedError("timeout", f"took more than {self._timeout:g} s") from error
            what = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise ProbeFailedError("connection", what) from error
        finally:
            self._socket = None
            connection.close()

    def stop(self) -> None:
        """Cut the connection."""
        connected = self._socket
        if connected is not None:
            with contextlib.suppress(OSError):  # it may have ended by itself just now
                connected.shutdown(socket.SHUT_RDWR)

    def _made(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=context)
        return http.client.HTTPConnection(host, port, timeout=self._timeout)

    def _look(self, connection: http.client.HTTPConnection, end: float) -> None:
        path = self._parts.path or "/"
        query = f"?{self._parts.query}" if self._parts.query else ""
        connection.connect()
        self._socket = connection.sock
        connection.request("GET", path + query, headers={"Connection": "close"})
        body = bytearray()
        with connection.getresponse() as answer:
            while len(body) < MOST_BODY and (chunk := answer.read1(_CHUNK)):
                body += chunk
                if time.monotonic() > end:
                    raise TimeoutError
        good = answer.status == self._status if self._status else 200 <= answer.status < 300  # noqa: PLR2004  # success, in HTTP
        if not good:
            wanted = self._status or "a status of 200 to 299"
            raise ProbeFailedError("status", f"answered {answer.status}, wanted {wanted}")
        if self._contains is not None and self._contains.encode() not in body:
            raise ProbeFailedError("body", f"the answer does not contain {self._contains!r}")
