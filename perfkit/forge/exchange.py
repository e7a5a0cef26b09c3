"""One request and its answer, bounded in time and in bytes: the only place that opens a socket."""

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from perfkit.errors import PostingError
from perfkit.forge.address import LOOPBACK
from perfkit.forge.answer import Answer, UnansweredError

if TYPE_CHECKING:
    import urllib3

CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to send, and how many seconds it may take to the last byte of the answer."""

    method: str
    url: str
    body: bytes | None
    headers: Mapping[str, str] = field(repr=False)
    seconds: float


@dataclass(slots=True)
class Exchange:
    """Sends single requests to ``api``, through a proxy where the environment names one.

    Sentences name the address as ``place`` shows it, and quote the library as ``quoted`` does:
    its exceptions may hold a request with the token. ``variable`` is what the user sets ``api``
    with.
    """

    api: str
    variable: str
    most_bytes: int
    place: Callable[[str], str] = field(repr=False)
    quoted: Callable[[str], str] = field(repr=False)
    _pool: "urllib3.PoolManager | None" = field(init=False, default=None, repr=False)

    def send(self, request: Request) -> Answer:
        """Return the answer to one request; UnansweredError where none came whole and in time.

        A thread of its own, since no timeout of a socket bounds an answer that comes byte by byte;
        it ends with the next byte, or with the process.
        """
        found: queue.SimpleQueue[Answer | Exception] = queue.SimpleQueue()
        given_up = threading.Event()

        def converse() -> None:
            try:
                found.put(self._answer(request, given_up))
            except Exception as error:  # noqa: BLE001  # raised again by who waits for it
                found.put(error)

        threading.Thread(target=converse, daemon=True).start()
        try:
            outcome = found.get(timeout=request.seconds)
        except queue.Empty:
            given_up.set()
            raise UnansweredError(
                f"{self.place(request.url)}: no whole answer within {request.seconds:g} s."
            ) from None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _answer(self, request: Request, given_up: threading.Event) -> Answer:
        import urllib3

        try:
            response = self._connections().request(
                request.method,
                request.url,
                body=request.body,
                headers=request.headers,
                timeout=urllib3.Timeout(request.seconds),
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,  # nothing compressed was asked for
            )
            content = bytearray()
            for chunk in response.stream(CHUNK_BYTES):
                content += chunk
                if len(content) > self.most_bytes or given_up.is_set():
                    response.close()
                    break
            else:
                response.release_conn()
        except Exception as error:  # noqa: BLE001  # the library's and the standard library's have no common parent, and none may hide the verdict
            failure = self._failure(request.url, error)
        else:
            if len(content) > self.most_bytes:
                raise PostingError(
                    f"{self.place(request.url)}: the answer is longer than"
                    f" {self.most_bytes:,} bytes."
                )
            lowered = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, lowered, bytes(content))
        # The chain is cut: an exception of the library may hold the request with its headers.
        raise failure

    def _failure(self, url: str, error: Exception) -> PostingError:
        """Return what ``error`` means: no answer, or a request that cannot be made at all."""
        name = type(error).__name__
        if isinstance(error, ValueError):
            # Its words are left out: they may hold the token in another spelling.
            return PostingError(
                f"{self.place(url)}: no request can be made ({name}); check {self.variable}, the"
                " token and the proxy of the environment for characters that do not belong there."
            )
        return UnansweredError(f"{self.place(url)}: no answer ({self.quoted(f'{name}: {error}')}).")

    def _connections(self) -> "urllib3.PoolManager":
        import urllib3

        if self._pool is None:
            parts = urlsplit(self.api)
            proxy = getproxies().get(parts.scheme)
            host = parts.hostname or ""
            direct = proxy is None or host in LOOPBACK or proxy_bypass(host)
            self._pool = urllib3.PoolManager() if direct else urllib3.ProxyManager(str(proxy))
        return self._pool
