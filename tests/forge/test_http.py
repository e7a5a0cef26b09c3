"""What a server may do to the client: nothing that lasts, costs memory, or gets the token."""

import contextlib
import logging
import socketserver
import threading
from collections.abc import Iterator

import pytest
from forge_server import READ_ONLY, TOKEN, UNICORN, Clock, Fault, Forge, serving

from perfkit.errors import PostingError
from perfkit.forge import github as github_headers
from perfkit.forge.address import origin_of
from perfkit.forge.answer import RefusedError, UnansweredError
from perfkit.forge.github import GitHub
from perfkit.forge.http import Client, Limits, Timing


@pytest.fixture
def forge() -> Iterator[Forge]:
    with serving() as found:
        yield found


def client_of(api: str, clock: Clock | None = None, **limits: float) -> Client:
    time = clock or Clock()
    return Client(
        api=api,
        variable="GITHUB_API_URL",
        credential=github_headers.credential(TOKEN),
        secret=TOKEN,
        limits=Limits(**({"total_seconds": 300.0} | limits)),  # type: ignore[arg-type]
        timing=Timing(now=time.now, elapsed=time.now, sleep=time.sleep),
    )


def explain(status: int, said: str) -> str:
    return f"{status} {said}"


@pytest.mark.parametrize("part", ["headers", "body"])
def test_an_answer_that_comes_byte_by_byte_is_given_up(forge: Forge, part: str) -> None:
    forge.faults.extend(Fault("GET", slow=part) for _ in range(2))
    client = client_of(forge.api, tries=2, request_seconds=0.1)
    with pytest.raises(UnansweredError, match="no answer to 2 requests"):
        GitHub(client, "o/r").comments(7)
    assert forge.count("GET") == 2


def test_a_write_that_is_answered_byte_by_byte_is_not_known_to_be_done(forge: Forge) -> None:
    forge.faults.append(Fault("POST", slow="body"))
    client = client_of(forge.api, request_seconds=0.1)
    with pytest.raises(UnansweredError, match=r"no whole answer within 0\.1 s"):
        GitHub(client, "o/r").create(7, "x")


def test_one_request_takes_no_longer_than_all_of_posting_may(forge: Forge) -> None:
    forge.faults.append(Fault("POST", slow="headers"))
    with pytest.raises(UnansweredError, match=r"no whole answer within 0\.1 s"):
        GitHub(client_of(forge.api, total_seconds=0.1), "o/r").create(7, "x")


def test_pages_that_do_not_end_are_left(forge: Forge) -> None:
    forge.endless = True
    with pytest.raises(PostingError, match="did not end after 5 pages; nothing was written"):
        GitHub(client_of(forge.api, pages=5), "o/r").comments(7)
    assert forge.count("GET") == 5
    assert Limits(total_seconds=1).pages == 100


def test_a_page_that_leads_to_itself_is_left(forge: Forge) -> None:
    here = f"{forge.api}/repos/o/r/issues/7/comments?per_page=100"
    link = {"Link": f'<{here}>; rel="next"'}
    forge.faults.extend(Fault("GET", status=200, body=[], headers=link) for _ in range(3))
    with pytest.raises(PostingError, match="did not end after 1 page;"):
        GitHub(client_of(forge.api), "o/r").comments(7)


@pytest.mark.parametrize(
    ("link", "pages"),
    [
        ('<{0}/user?page=2>; rel="next"', 2),
        ("<{0}/user?page=2>; rel=next", 2),
        ('<{0}/a>; rel="prev", <{0}/user?page=2>; rel="next", <{0}/b>; rel="last"', 2),
        ('<{0}/user?page=2>; title="x"; rel="next"', 2),
        ('<?page=2>; rel="next"', 2),
        ('<{0}/user?page=2>; rel="prev"', 1),
        ('<{0}/user?page=2>; rel="nextish"', 1),
        ("", 1),
    ],
)
def test_which_link_is_the_next_page(forge: Forge, link: str, pages: int) -> None:
    told = {"Link": link.format(forge.api)} if link else {}
    forge.faults.append(Fault("GET", status=200, body=[{"a": 1}], headers=told))
    forge.faults.append(Fault("GET", status=200, body=[{"a": 2}]))
    assert len(list(client_of(forge.api).pages("user", explain))) == pages


OTHER_HOSTS = [
    "http://127.0.0.2:1/x",
    "https://{0}/x",
    "http://localhost:1/x",
    "http://evil.example/x",
    "http://{0}@evil.example/x",
    "//evil.example/x",
    "ftp://{0}/x",
    "http://[::1/x",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("place", OTHER_HOSTS)
def test_a_link_to_another_host_is_refused(forge: Forge, place: str) -> None:
    where = place.format(forge.url.removeprefix("http://"))
    link = {"Link": f'<{where}>; rel="next"'}
    forge.faults.append(Fault("GET", status=200, body=[], headers=link))
    with pytest.raises(PostingError, match=r"the Link header leads to .* another host") as caught:
        GitHub(client_of(forge.api), "o/r").comments(7)
    assert "GITHUB_API_URL" in str(caught.value)
    assert len(forge.journal) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("place", OTHER_HOSTS)
def test_a_redirect_to_another_host_is_refused(forge: Forge, status: int, place: str) -> None:
    where = place.format(forge.url.removeprefix("http://"))
    forge.faults.append(Fault("GET", status=status, headers={"Location": where}))
    with pytest.raises(PostingError, match="a redirect leads to"):
        GitHub(client_of(forge.api), "o/r").comments(7)
    assert len(forge.journal) == 1


def test_the_token_is_not_sent_after_a_redirect_or_a_link() -> None:
    with serving() as forge, serving() as thief:
        github = GitHub(client_of(forge.api), "o/r")
        away = {"Location": f"{thief.url}/repos/o/r/issues/7/comments"}
        forge.faults.append(Fault("GET", status=302, headers=away))
        forge.faults.append(Fault("POST", "comments", status=307, headers=away))
        forge.link_host = thief.url
        forge.endless = True
        for act in (lambda: github.comments(7), lambda: github.create(7, "x")):
            with pytest.raises(PostingError, match="another host"):
                act()
        with pytest.raises(PostingError, match="another host"):
            github.comments(7)
        assert thief.journal == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_on_the_same_host_is_followed_as_it_was(forge: Forge, status: int) -> None:
    to = {"Location": "/repositories/1/issues/7/comments"}
    github = GitHub(client_of(forge.api), "o/r")
    forge.faults.append(Fault("POST", "comments", status=status, headers=to))
    github.create(7, "x")
    assert forge.bodies() == ["x"]
    forge.faults.append(Fault("GET", "comments", status=status, headers=to))
    assert len(github.comments(7)) == 1
    assert [request.body for request in forge.journal[:2]] == [{"body": "x"}] * 2


def test_redirects_that_do_not_end_are_left(forge: Forge) -> None:
    forge.faults.extend(Fault("GET", status=302, headers={"Location": "/x"}) for _ in range(9))
    with pytest.raises(PostingError, match="more than 3 redirects in a row"):
        GitHub(client_of(forge.api), "o/r").comments(7)
    assert len(forge.journal) == 4


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (UNICORN, "an HTML page"),
        ("  <html>", "an HTML page"),
        ("hello", "no JSON"),
        ("{", "no JSON"),
    ],
)
def test_an_answer_that_is_no_json(forge: Forge, body: str, named: str) -> None:
    forge.faults.append(Fault("GET", status=200, body=body))
    with pytest.raises(PostingError, match=f"found {named}, wanted the JSON") as caught:
        GitHub(client_of(forge.api), "o/r").comments(7)
    assert "check GITHUB_API_URL" in str(caught.value)


@pytest.mark.parametrize("body", [{}, {"message": "hi"}, [1], [[]], "x", 3, None])
def test_a_list_that_is_none(forge: Forge, body: object) -> None:
    forge.faults.append(Fault("GET", status=200, body=body))
    with pytest.raises(PostingError, match=r"unknown shape, wanted a list|no JSON"):
        GitHub(client_of(forge.api), "o/r").comments(7)


@pytest.mark.parametrize(
    "row", [{}, {"id": "1", "body": ""}, {"id": 1}, {"id": 1, "body": 5}, {"body": "x"}]
)
def test_a_comment_that_is_none(forge: Forge, row: object) -> None:
    forge.faults.append(Fault("GET", status=200, body=[row]))
    with pytest.raises(PostingError, match="a comment of an unknown shape"):
        GitHub(client_of(forge.api), "o/r").comments(7)


def test_comments_without_a_body_or_an_author(forge: Forge) -> None:
    rows = [
        {"id": 1, "body": None, "user": None},
        {"id": 2, "body": "x", "user": {"login": 5}},
        {"id": 3, "body": "y"},
    ]
    forge.faults.append(Fault("GET", status=200, body=rows))
    found = GitHub(client_of(forge.api), "o/r").comments(7)
    assert [(one.id, one.author, one.body) for one in found] == [
        (1, "", ""),
        (2, "", "x"),
        (3, "", "y"),
    ]


def test_an_answer_without_end_is_left(forge: Forge) -> None:
    forge.say("someone", "x" * 300_000)
    github = GitHub(client_of(forge.api, answer_bytes=100_000), "o/r")
    with pytest.raises(PostingError, match="the answer is longer than 100,000 bytes"):
        github.comments(7)


def test_an_answer_of_the_longest_length_is_read(forge: Forge) -> None:
    forge.faults.append(Fault("GET", status=200, body="[" + " " * 998 + "]"))
    assert list(client_of(forge.api, answer_bytes=1000).pages("x", explain)) == []


@pytest.mark.parametrize(
    "api",
    [
        "", "api.github.com", "ftp://api.github.com", "https://", "https://u:p@api.github.com",
        "https://[::1", "https://host:port", "file:///etc",
    ],
)  # fmt: skip
def test_an_address_that_is_none(api: str) -> None:
    with pytest.raises(PostingError, match=r"GITHUB_API_URL: found .*, wanted the address"):
        client_of(api)


@pytest.mark.parametrize("api", ["http://api.github.com", "http://10.0.0.1/api/v3", "http://::1"])
def test_the_token_does_not_go_over_plain_http(api: str) -> None:
    with pytest.raises(PostingError, match=r"wanted (https: over plain http|the address)"):
        client_of(api)


@pytest.mark.parametrize("api", ["http://localhost:1", "http://[::1]:1", "https://ghe.example.org"])
def test_addresses_that_are_taken(api: str) -> None:
    assert client_of(f"{api}/").api == api


def test_what_an_origin_is() -> None:
    assert origin_of("https://a.example/x") == ("https", "a.example", 443)
    assert origin_of("http://A.example") == ("http", "a.example", 80)
    assert origin_of("https://a.example:8443") == ("https", "a.example", 8443)
    with pytest.raises(ValueError, match="no http address"):
        origin_of("mailto:x")


def test_every_request_says_who_asks_and_in_which_version(forge: Forge) -> None:
    github = GitHub(client_of(forge.api), "o/r")
    github.create(7, "x")
    github.comments(7)
    for request in forge.journal:
        assert request.headers["user-agent"].startswith("perfkit/")
        assert request.headers["accept"] == "application/vnd.github+json"
        assert request.headers["x-github-api-version"] == "2022-11-28"
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert TOKEN not in request.path
    assert forge.journal[0].headers["content-type"] == "application/json"
    assert "content-type" not in forge.journal[1].headers


def test_the_token_is_in_no_log_and_no_exception(
    forge: Forge, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    github = GitHub(client_of(forge.api), "o/r")
    echo = {"message": f"bad token {TOKEN}"}
    faults = [
        Fault("POST", "comments", status=500),
        Fault("POST", "comments"),
        Fault("POST", "comments", status=401, body=echo),
        Fault("POST", "comments", status=403, body=READ_ONLY),
        Fault("POST", "comments", status=302, headers={"Location": f"/x?{TOKEN}"}),
        Fault("POST", "comments", status=302, headers={"Location": f"http://{TOKEN}.example/"}),
    ]
    for fault in faults:
        forge.faults.append(fault)
        with pytest.raises(PostingError) as caught:
            github.create(7, "x")
        error: BaseException | None = caught.value
        while error is not None:
            assert TOKEN not in f"{error} {error!r} {error.args}"
            error = error.__cause__ or error.__context__
    assert TOKEN not in repr(github)
    assert TOKEN not in caplog.text
    assert "/repos/o/r/issues/7/comments" in caplog.text  # the log was on


def test_a_refusal_carries_its_status_and_words(forge: Forge) -> None:
    forge.faults.append(Fault("GET", status=404, body={"message": "Not Found"}))
    with pytest.raises(RefusedError) as caught:
        client_of(forge.api).read("user", explain)
    assert (caught.value.status, caught.value.said) == (404, "Not Found")
    assert str(caught.value).endswith("/user: 404 Not Found")


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """A proxy that notes what it is asked and refuses it."""
    asked: list[bytes] = []

    class Refusing(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while (line := self.rfile.readline()).strip():
                asked.append(line)
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        for name in ("https_proxy", "http_proxy"):
            monkeypatch.setenv(name, address)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        yield asked
        server.shutdown()


def test_a_proxy_is_used_and_does_not_see_the_token(proxy: list[bytes]) -> None:
    client = client_of("https://api.github.invalid", tries=1)
    with pytest.raises(UnansweredError, match="no answer"):
        client.read("user", explain)
    assert proxy[0].startswith(b"CONNECT api.github.invalid:443 ")
    assert TOKEN.encode() not in b"".join(proxy)


def test_this_machine_is_reached_without_the_proxy(forge: Forge, proxy: list[bytes]) -> None:
    assert client_of(forge.api).read("user", explain)["username"]
    assert proxy == []


def test_a_host_may_be_exempt_from_the_proxy(
    proxy: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "github.invalid")
    with pytest.raises(UnansweredError):
        client_of("https://api.github.invalid", tries=1).read("user", explain)
    assert proxy == []


def test_what_no_header_can_hold_is_a_sentence_without_the_token(forge: Forge) -> None:
    client = client_of(forge.api)
    client.credential = {"Authorization": "Bearer t\u00f6k\u20acn\r\nX: y"}
    with pytest.raises(PostingError, match=r"no request can be made \((\w+)\)") as caught:
        client.write("POST", "user", explain, {})
    assert not isinstance(caught.value, UnansweredError)  # nothing was sent, so none looks for it
    assert "GITHUB_API_URL" in str(caught.value)
    assert "t\u00f6k" not in str(caught.value)
    assert forge.journal == []


@pytest.mark.parametrize("path", ["\x7f", "a\u2028b", "x" * 70_000])
def test_no_path_ends_perfkit_as_a_bug(forge: Forge, path: str) -> None:
    with pytest.raises(PostingError):
        client_of(forge.api, tries=1).read(path, explain)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0\0\0\r\n\r\n",
        b"HTTP/1.1 nine OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\nContent-Length: 3\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n[]",
    ],
)
def test_whatever_is_answered_is_a_value_or_a_sentence(answer: bytes) -> None:
    class Saying(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            self.wfile.write(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Saying) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        client = client_of(f"http://127.0.0.1:{server.server_address[1]}", tries=1)
        found: object = []
        with contextlib.suppress(
            PostingError
        ):  # what urllib3 takes for an answer is its own affair
            found = client.read("user", explain)
        assert found == []
        server.shutdown()


def test_a_failure_that_no_library_names_is_no_answer(
    forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(forge.api, tries=1)

    def broken(*_: object, **__: object) -> None:
        raise AttributeError("'NoneType' object has no attribute 'readline'")

    monkeypatch.setattr("urllib3.PoolManager.request", broken)
    with pytest.raises(UnansweredError, match=r"no answer \(AttributeError: 'NoneType'"):
        client.write("POST", "user", explain, {})


def test_a_read_is_repeated_after_growing_pauses_and_not_after_the_last(forge: Forge) -> None:
    clock = Clock()
    client = client_of(forge.api, clock)
    place = f"{forge.api.removeprefix('http://')}/user"
    forge.faults.extend(Fault("GET", status=status) for status in (500, 502, 503))
    assert client.read("user", explain)["username"]
    assert clock.slept == [1.0, 2.0, 4.0]
    forge.faults.extend(Fault("GET", status=500) for _ in range(4))
    with pytest.raises(UnansweredError) as caught:
        client.read("user", explain)
    assert str(caught.value) == f"{place}: no answer to 4 requests; run the job again later."
    assert clock.slept[3:] == [1.0, 2.0, 4.0]


def test_all_that_posting_may_take_is_told_with_what_was_waited_for(forge: Forge) -> None:
    place = f"{forge.api.removeprefix('http://')}/user"
    end = "; nothing more was written."
    left = "1 s are left of comment.max_wait (1 s)"
    told = {
        500: f"{place}: the server answered 500: it would take 2 s more, and 0 s are left of"
        f" comment.max_wait (1 s){end}",
        429: f"{place}: the server answered 429: it would take 9 s more, and {left}{end}",
    }
    for status, said in told.items():
        clock = Clock()
        client = client_of(forge.api, clock, total_seconds=1.0 if status == 429 else 1.25)
        wait = {"Retry-After": "9"} if status == 429 else {}
        forge.faults.extend(Fault("GET", status=status, headers=wait) for _ in range(2))
        with pytest.raises(PostingError) as caught:
            client.read("user", explain)
        assert str(caught.value) == said
        forge.faults.clear()
    forge.faults.append(Fault("POST", status=429, headers={"Retry-After": "9"}))
    with pytest.raises(PostingError) as caught:
        client_of(forge.api, total_seconds=1.0).write("POST", "user", explain, {})
    assert str(caught.value) == (
        f"{place} is rate limited: it would take 9 s more, and {left}{end}"
    )
    with pytest.raises(PostingError) as caught:
        client_of(forge.api, total_seconds=0.0).read("user", explain)
    assert (
        str(caught.value)
        == f"{place}: comment.max_wait (0 s) is used up; nothing more was written."
    )


def test_a_write_that_is_not_known_to_be_done_names_its_place(forge: Forge) -> None:
    place = f"{forge.api.removeprefix('http://')}/user"
    forge.faults.append(Fault("POST", status=429, headers={"Retry-After": "9"}))
    with pytest.raises(UnansweredError, match=f"^{place}: the rate limit did not end.$"):
        client_of(forge.api).write("POST", "user", explain, {})
    forge.faults.append(Fault("POST", status=500))
    with pytest.raises(UnansweredError, match=f"^{place}: the server answered 500.$"):
        client_of(forge.api).write("POST", "user", explain, {})
