"""The server, asked over real connections on loopback."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from perfkit.errors import MeasurementError, PerfkitError, UsageError
from perfkit.monitoring import web
from perfkit.monitoring.exposition import OPENMETRICS, PROMETHEUS, wanted_format
from perfkit.monitoring.frames import WRITTEN_SECONDS, until_next_frame
from perfkit.monitoring.web import Shared, Site, Web, is_loopback, parse_address
from perfkit.runtime.store_errors import DamagedStoreError


class Content:
    """What the site says, changed by the test."""

    def __init__(self) -> None:
        self.trouble = ""
        self.kind: type[PerfkitError] = MeasurementError
        self.parts = 0

    def of(self, text: str) -> str:
        if self.trouble:
            raise self.kind(self.trouble)
        return text

    def part(self) -> str:
        self.parts += 1
        return self.of(f"<p>{min(self.parts, 2)}\n<b>x</b></p>")

    def site(self) -> Site:
        return Site(
            metrics=lambda accept: (wanted_format(accept), self.of("perfkit_x 1\n")),
            health=lambda: {"live": True, "ready": not self.trouble},
            page=lambda: self.of("<!doctype html><title>é</title>"),
            part=self.part,
        )


@pytest.fixture
def content() -> Content:
    return Content()


@contextmanager
def serving(site: Site) -> Iterator[Web]:
    server = Web("127.0.0.1", 0, site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.end()
        thread.join()


@pytest.fixture
def server(content: Content, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setattr(web, "until_next_frame", lambda _: 0.01)
    monkeypatch.setattr(web, "frame_of", lambda at: int(at * 100))
    with serving(content.site()) as made:
        yield made


def asked(
    server: Web, path: str, method: str = "GET", **headers: str
) -> tuple[int, http.client.HTTPMessage, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request(method, path, headers=headers)
    with connection.getresponse() as answer:
        found = answer.status, answer.headers, answer.read().decode()
    connection.close()
    return found


def test_metrics_come_in_the_format_that_is_asked_for(server: Web) -> None:
    status, headers, text = asked(server, "/metrics")
    assert (status, headers["Content-Type"], text) == (200, PROMETHEUS, "perfkit_x 1\n")
    _, headers, _ = asked(server, "/metrics?x=1", Accept="application/openmetrics-text")
    assert headers["Content-Type"] == OPENMETRICS
    status, headers, text = asked(server, "/metrics", "HEAD")
    assert (status, headers["Content-Length"], text) == (200, "12", "")


def test_health_is_told_by_status_and_json(server: Web, content: Content) -> None:
    status, _, text = asked(server, "/healthz")
    assert (status, json.loads(text)) == (200, {"live": True, "ready": True})
    content.trouble = "t.sqlite: no such telemetry store"
    status, _, text = asked(server, "/healthz")
    assert (status, json.loads(text)) == (503, {"live": True, "ready": False})
    status, _, text = asked(server, "/metrics")
    assert (status, text) == (503, "t.sqlite: no such telemetry store\n")
    content.trouble = "a <b>"
    status, headers, text = asked(server, "/")
    assert (status, headers["Content-Type"]) == (503, web.HTML)
    assert '<meta http-equiv="refresh" content="5"><p>a &lt;b&gt;</p>' in text
    content.kind = DamagedStoreError
    assert [asked(server, path)[0] for path in ("/", "/metrics", "/healthz")] == [500, 500, 503]
    assert asked(server, "/metrics")[2] == "a <b>\n"


def test_the_page_is_whole_and_nothing_else_is_there(server: Web) -> None:
    status, headers, text = asked(server, "/")
    assert (status, text) == (200, "<!doctype html><title>é</title>")
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert asked(server, "/etc/passwd")[0] == 404
    assert asked(server, "/", "POST")[0] == 501


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("127.0.0.1:9464", 200),
        ("localhost", 200),
        ("[::1]:80", 200),
        ("evil.example", 421),
        ("10.0.0.1", 421),
        ("", 421),
    ],
)
def test_a_page_of_another_site_cannot_read_along(server: Web, name: str, status: int) -> None:
    assert asked(server, "/metrics", Host=name)[0] == status


def events(server: Web, count: int) -> list[str]:
    """Lines of the stream until so many events came."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request("GET", "/events")
    with connection.getresponse() as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        lines: list[str] = []
        while lines.count("\n") < count:
            lines.append(answer.readline().decode())
    connection.close()
    return lines


def test_a_stream_gives_the_page_whenever_it_changed(server: Web, content: Content) -> None:
    first = ["data: <p>1\n", "data: <b>x</b></p>\n", "\n"]
    second = ["data: <p>2\n", "data: <b>x</b></p>\n", "\n"]
    assert events(server, 3) == [*first, *second, ":\n", "\n"]
    content.trouble = "a <b>"
    assert events(server, 1) == ['data: <p class="trouble">a &lt;b&gt;</p>\n', "\n"]


def test_streams_and_connections_are_bounded(
    server: Web, monkeypatch: pytest.MonkeyPatch, content: Content
) -> None:
    server.streams = threading.BoundedSemaphore(1)
    first = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    first.request("GET", "/events")
    with first.getresponse() as answer:
        answer.readline()
        assert asked(server, "/events")[0] == 503
        assert asked(server, "/")[0] == 200
    first.close()
    monkeypatch.setattr(web, "MOST_CONNECTIONS", 1)
    with serving(content.site()) as small:
        with socket.create_connection(("127.0.0.1", small.server_port)) as held:
            held.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            held.recv(10)  # the connection stays open and takes the only place
            assert asked(small, "/healthz")[0] == 503
        while asked(small, "/healthz")[0] != 200:
            pass


def test_who_sends_nothing_or_goes_away_leaves_no_place_taken(
    content: Content, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(web._Answering, "timeout", 0.05)
    monkeypatch.setattr(web, "MOST_CONNECTIONS", 1)
    with serving(content.site()) as small:
        with socket.create_connection(("127.0.0.1", small.server_port)) as silent:
            silent.settimeout(10)
            assert silent.recv(10) == b"", "it was cut off"
        while asked(small, "/healthz")[0] != 200:
            pass
    assert capsys.readouterr().err == ""


def test_a_bug_is_shown_and_the_server_goes_on(
    content: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site(
        metrics=lambda accept: (accept, {}["a"]),
        health=content.site().health,
        page=content.site().page,
        part=content.part,
    )
    with serving(site) as server:
        with pytest.raises(http.client.RemoteDisconnected):
            asked(server, "/metrics")
        assert asked(server, "/healthz")[0] == 200
    assert "KeyError: 'a'" in capsys.readouterr().err


def test_the_end_ends_streams(server: Web) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request("GET", "/events")
    with connection.getresponse() as answer:
        answer.readline()
        server.ended.set()
        answer.read()
    connection.close()


def test_an_address_that_is_taken_is_a_sentence(server: Web, content: Content) -> None:
    with pytest.raises(UsageError, match=r"^127\.0\.0\.1:\d+ cannot be listened on \(Address alr"):
        Web("127.0.0.1", server.server_port, content.site())
    with pytest.raises(UsageError, match="cannot be listened on"):
        Web("192.0.2.1", 0, content.site())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("localhost:0", ("127.0.0.1", 0)),
        ("[::1]:9464", ("::1", 9464)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),  # noqa: S104  # nobody listens
    ],
)
def test_addresses_are_read(text: str, found: tuple[str, int]) -> None:
    assert parse_address(text) == found
    assert is_loopback(found[0]) == (found[0] != "0.0.0.0")  # noqa: S104  # the same


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9464",
        ":9464",
        "127.0.0.1",
        "127.0.0.1:x",
        "127.0.0.1:99999",
        "a:1",
        "[::1",
        "127.0.0.1:1/x",
        "u@127.0.0.1:1",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--serve: found '.*', wanted an address with its port"):
        parse_address(text)


def test_what_many_ask_for_is_made_once_a_frame() -> None:
    now, made = [100.0], []

    def make() -> int:
        made.append(now[0])
        return len(made)

    shared = Shared(make, lambda: now[0])
    assert [shared(), shared()] == [1, 1]
    now[0] = 100 + WRITTEN_SECONDS + 0.01
    assert [shared(), shared()] == [2, 2], "what was written at the whole second is in it"
    now[0] = 100.99
    assert shared() == 2
    now[0] += until_next_frame(now[0]) + 1e-6
    assert shared() == 3
