"""One request and its answer: bounded in time, bytes and threads, whatever the server does."""

import contextlib
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from perfkit.errors import PostingError
from perfkit.forge.answer import UnansweredError
from perfkit.forge.exchange import Exchange, Request

Talk = Callable[[socketserver.StreamRequestHandler, threading.Event], None]


@contextmanager
def server(talk: Talk) -> Iterator[tuple[Exchange, str]]:
    """Hold a server that talks so to every request, with an exchange that knows its address."""
    stop = threading.Event()

    class Talking(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            with contextlib.suppress(OSError):  # the other side went away
                talk(self, stop)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Talking) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
        address = f"http://127.0.0.1:{listening.server_address[1]}"
        try:
            yield (
                Exchange(
                    api=address,
                    variable="THE_API",
                    most_bytes=100_000,
                    place=lambda url: f"<{url}>",
                    quoted=lambda text: text,
                ),
                f"{address}/x",
            )
        finally:
            stop.set()
            listening.shutdown()


def silent(handler: socketserver.StreamRequestHandler, stop: threading.Event) -> None:
    del handler
    stop.wait(30)


def endless(handler: socketserver.StreamRequestHandler, stop: threading.Event) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while not stop.is_set():
        handler.wfile.write(b" " * 65_536)


def dripping(handler: socketserver.StreamRequestHandler, stop: threading.Event) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not stop.wait(0.01):
        handler.wfile.write(b"1\r\n \r\n")


def compressed(handler: socketserver.StreamRequestHandler, stop: threading.Event) -> None:
    del stop
    handler.wfile.write(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\nX-Name: v\r\n\r\n{}"
    )


def request(url: str, seconds: float = 30.0) -> Request:
    return Request(method="GET", url=url, body=None, headers={}, seconds=seconds)


def conversing() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name.endswith("(converse)")]


def test_an_answer_without_end_is_left_after_the_most_bytes_and_not_after_the_time() -> None:
    with server(endless) as (exchange, url):
        with pytest.raises(PostingError) as caught:
            exchange.send(request(url))
        assert str(caught.value) == f"<{url}>: the answer is longer than 100,000 bytes."


@pytest.mark.parametrize("talk", [silent, dripping])
def test_who_gives_up_leaves_no_thread_and_no_process_waiting(talk: Talk) -> None:
    with server(talk) as (exchange, url):
        with pytest.raises(UnansweredError) as caught:
            exchange.send(request(url, 0.1))
        # A server that says nothing may be given up by the socket's own timeout, as early.
        said = str(caught.value)
        assert said.startswith(f"<{url}>: no ")
        assert talk is silent or said.endswith("whole answer within 0.1 s.")
        left = conversing()
        assert all(one.daemon for one in left)
        for one in left:
            one.join(20)
        assert conversing() == []


def test_an_answer_is_taken_as_it_was_sent() -> None:
    with server(compressed) as (exchange, url):
        found = exchange.send(request(url))
    assert (found.status, found.body, found.headers["x-name"]) == (200, b"{}", "v")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_is_sent_once_whatever_becomes_of_it(method: str) -> None:
    seen: list[str] = []
    with (
        server(lambda *_: seen.append("came")) as (exchange, url),
        pytest.raises(UnansweredError),
    ):
        exchange.send(replace(request(url), method=method, body=b"{}"))
    assert seen == ["came"]


def test_a_failure_names_the_address() -> None:
    with server(lambda *_: None) as (exchange, url):
        with pytest.raises(UnansweredError) as caught:
            exchange.send(request(url))
        assert str(caught.value).startswith(f"<{url}>: no answer (")
        with pytest.raises(PostingError) as wrong:
            exchange.send(
                Request(method="GET", url=url, body=None, headers={"a\n": "b"}, seconds=9)
            )
        assert str(wrong.value) == (
            f"<{url}>: no request can be made (ValueError); check THE_API, the token and the proxy"
            " of the environment for characters that do not belong there."
        )


def test_a_proxy_is_passed_by_for_the_hosts_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.2")

    def refused_by(host: str) -> str:
        exchange = Exchange(
            api=f"https://{host}",
            variable="THE_API",
            most_bytes=9,
            place=lambda url: url,
            quoted=lambda text: text,
        )
        with pytest.raises(UnansweredError) as caught:
            exchange.send(request(f"https://{host}/x"))
        return str(caught.value)

    assert "ProxyError" in refused_by("127.0.0.3:9")
    assert "ProxyError" not in refused_by("127.0.0.2:9")
