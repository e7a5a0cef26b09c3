"""Serving what a telemetry store says: /metrics, /healthz, and a page that stays current.

The standard library's server is enough: its readers are a scraper, a probe and a few browsers, and
nothing has to be installed on the first machine. Connections, streams and the time of each are
bounded. There is no login, hence a loopback address unless told otherwise; a web page of
somebody else's cannot read along through the browser, since requests have to name this server
(DNS rebinding).
"""

import json
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from socket import AF_INET, AF_INET6
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

from perfkit.errors import PerfkitError, UsageError
from perfkit.monitoring.frames import frame_of, until_next_frame
from perfkit.runtime.store_errors import DamagedStoreError

MOST_CONNECTIONS: Final = 32
MOST_STREAMS: Final = 16
"""Pages that stay current at the same time; the others still have their numbers, by reloading."""
IDLE_SECONDS: Final = 10.0
"""Time for sending a request, for taking an answer, and between two requests of a connection."""
RELOAD_SECONDS: Final = 5
"""How often a page that has nothing to show looks again."""

HTML: Final = "text/html; charset=utf-8"
TEXT: Final = "text/plain; charset=utf-8"
JSON: Final = "application/json"
POLICY: Final = "frame-ancestors 'none'"
"""No other page may show this one in itself; the page says the rest of its policy by itself."""


@dataclass(frozen=True, slots=True)
class Site:
    """What is served. Each may raise PerfkitError, which becomes 503 with its sentence.

    A store that is damaged becomes 500: waiting does not mend it.
    """

    metrics: Callable[[str], tuple[str, str]]
    """Accept header -> media type and text."""
    health: Callable[[], Mapping[str, object]]
    """Has the keys live and ready."""
    page: Callable[[], str]
    """The whole page."""
    part: Callable[[], str]
    """What replaces the inside of the page's <main> while it is open."""


_Value = TypeVar("_Value")


@dataclass(slots=True)
class Shared(Generic[_Value]):
    """A value that is made once a frame, for all who ask meanwhile; ``clock`` is Unix time."""

    make: Callable[[], _Value]
    clock: Callable[[], float] = time.time
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _made: tuple[int, _Value] | None = None

    def __call__(self) -> _Value:
        """Return the value of this frame."""
        with self._lock:
            frame = frame_of(self.clock())
            if self._made is None or self._made[0] != frame:
                self._made = frame, self.make()
            return self._made[1]


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of ``127.0.0.1:9464`` or ``[::1]:9464``.

    Raises:
        UsageError: it is no such address.

    >>> parse_address("[::1]:9464")
    ('::1', 9464)
    """
    try:
        return _address(text)
    except ValueError:
        raise UsageError(
            f"--serve: found {text!r}, wanted an address with its port, such as 127.0.0.1:9464"
        ) from None


def _address(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if parts.port is None or parts.netloc != text or parts.username is not None:
        raise ValueError(text)
    host = parts.hostname or ""
    return str(ip_address("127.0.0.1" if host == "localhost" else host)), parts.port


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach an address."""
    return ip_address(host).is_loopback


class Web(ThreadingHTTPServer):
    """The server, bound to its address; :meth:`serve_forever` until :meth:`end`.

    Raises:
        UsageError: the address is taken, or is none of this machine.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, host: str, port: int, site: Site) -> None:
        self.site = site
        self.ended = threading.Event()
        self.address_family = AF_INET6 if ":" in host else AF_INET
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self.streams = threading.BoundedSemaphore(MOST_STREAMS)
        try:
            super().__init__((host, port), _Answering)
        except OSError as error:
            raise UsageError(
                f"{host}:{port} cannot be listened on ({error.strerror}); end what uses it, or "
                "name another address."
            ) from error
        self.local = is_loopback(host)

    @property
    def url(self) -> str:
        """The address of the page."""
        host, port = self.server_address[:2]
        host = str(host)
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    def end(self) -> None:
        """Stop serving, streams included, and give the address back."""
        self.ended.set()
        self.shutdown()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # socketserver's own
        """Answer in a thread, or say at once that there are too many."""
        if not self._free.acquire(blocking=False):
            with suppress(OSError):
                request.sendall(_FULL)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # socketserver's own
        """Answer, then give the place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002  # socketserver's own
        """Somebody who went away, or was too slow, is no error of ours; what else is, is shown."""
        import sys

        if not isinstance(sys.exception(), OSError):
            traceback.print_exc()


_FULL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\n"
    b"Connection: close\r\n\r\n"
)


def _trouble(error: PerfkitError) -> str:
    """A page that looks again by itself, for a browser that came too early."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>perfkit: nothing to show'
        f'</title><meta http-equiv="refresh" content="{RELOAD_SECONDS}">'
        f"<p>{escape(str(error))}</p></html>"
    )


class _Answering(BaseHTTPRequestHandler):
    server: Web
    timeout = IDLE_SECONDS
    protocol_version = "HTTP/1.1"
    server_version = "perfkit"
    sys_version = ""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if not self._names_us():
            self._answer(HTTPStatus.MISDIRECTED_REQUEST, TEXT, "this server has another name\n")
            return
        try:
            match path:
                case "/metrics":
                    kind, text = self.server.site.metrics(self.headers.get("Accept", ""))
                    self._answer(HTTPStatus.OK, kind, text)
                case "/healthz":
                    self._health()
                case "/":
                    self._answer(HTTPStatus.OK, HTML, self.server.site.page())
                case "/events":
                    self._stream()
                case _:
                    text = "there is /, /metrics and /healthz\n"
                    self._answer(HTTPStatus.NOT_FOUND, TEXT, text)
        except PerfkitError as error:
            kind, text = (HTML, _trouble(error)) if path == "/" else (TEXT, f"{error}\n")
            damaged = isinstance(error, DamagedStoreError)
            status = HTTPStatus.INTERNAL_SERVER_ERROR if damaged else HTTPStatus.SERVICE_UNAVAILABLE
            self._answer(status, kind, text)

    def _names_us(self) -> bool:
        """Whether the request means this server; on an address that others reach, any name may."""
        if not self.server.local:
            return True
        name = urlsplit(f"//{self.headers.get('Host', '')}").hostname or ""
        try:
            return name == "localhost" or is_loopback(name)
        except ValueError:
            return False

    def _health(self) -> None:
        health = self.server.site.health()
        good = HTTPStatus.OK if health["ready"] else HTTPStatus.SERVICE_UNAVAILABLE
        self._answer(good, JSON, json.dumps(health) + "\n")

    def _answer(self, status: HTTPStatus, kind: str, text: str) -> None:
        body = text.encode("utf-8", "replace")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if kind == HTML:
            self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _stream(self) -> None:
        """Server-sent events: the inside of the page whenever it changed, a comment otherwise."""
        self.close_connection = True
        if not self.server.streams.acquire(blocking=False):
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, TEXT, "too many pages are open\n")
            return
        try:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Cache-Control", "no-store")
            self.send_header("Connection", "close")
            self.end_headers()
            shown = ""
            while self.command != "HEAD":
                text = self._part()
                lines = "".join(f"data: {line}\n" for line in text.splitlines())
                self.wfile.write(
                    (f"{lines}\n" if text != shown else ":\n\n").encode("utf-8", "replace")
                )
                self.wfile.flush()
                shown = text
                if self.server.ended.wait(until_next_frame(time.time())):
                    return
        finally:
            self.server.streams.release()

    def _part(self) -> str:
        try:
            return self.server.site.part()
        except PerfkitError as error:
            return f'<p class="trouble">{escape(str(error))}</p>'

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Requests are not worth a line."""
