"""Each network fault is seen by a real client, and gone after it is undone."""

import asyncio
import http.client
import random
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator

import pytest

from perfkit.errors import UsageError
from perfkit.reliability.faults import Fault, FaultKind
from perfkit.reliability.proxy_http import FaultyHttp, faulty_http
from perfkit.reliability.proxy_tcp import FaultyTcp, faulty_tcp
from perfkit.reliability.waiting import Sleep
from tests.reliability.serving import Served, served

TIMEOUT = 0.3
"""Seconds that a client of these tests waits."""


@pytest.fixture
def server() -> Iterator[Served]:
    with served() as running:
        yield running


def ask(port: int, path: str = "/", body: bytes | None = None) -> str:
    """Return what a plain client sees: the status and the length, or its error."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 - http
            return f"{answer.status} {len(answer.read())}"
    except urllib.error.HTTPError as error:
        return str(error.code)
    except OSError as error:
        reason = getattr(error, "reason", error)
        return type(reason).__name__
    except http.client.HTTPException as error:
        return type(error).__name__


async def asked(port: int, body: bytes | None = None) -> str:
    return await asyncio.to_thread(ask, port, "/", body)


def through_http(
    server: Served,
    test: Callable[[FaultyHttp], Awaitable[None]],
    seed: int = 0,
    sleep: Sleep = asyncio.sleep,
) -> None:
    async def whole() -> None:
        async with faulty_http(server.url, random.Random(seed), sleep=sleep) as proxy:
            await test(proxy)

    asyncio.run(whole())


def through_tcp(
    server: Served,
    test: Callable[[FaultyTcp], Awaitable[None]],
    sleep: Sleep = asyncio.sleep,
) -> None:
    async def whole() -> None:
        port = server.server_address[1]
        async with faulty_tcp("127.0.0.1", port, random.Random(0), sleep=sleep) as proxy:
            await test(proxy)

    asyncio.run(whole())


BODY = b"x" * 4000

SEEN = [
    (Fault(kind=FaultKind.ERROR, status=503), {"503"}),
    (Fault(kind=FaultKind.RESET), {"RemoteDisconnected", "ConnectionResetError"}),
    (Fault(kind=FaultKind.DOWN), {"ConnectionRefusedError"}),
    (Fault(kind=FaultKind.HANG), {"TimeoutError"}),
    (Fault(kind=FaultKind.TRUNCATE), {"IncompleteRead", "ConnectionResetError"}),
    (Fault(kind=FaultKind.SLOW, rate=2000), {"TimeoutError", "200 4000"}),
    (Fault(kind=FaultKind.LATENCY, delay=0.15), {"200 4000"}),
]


@pytest.mark.parametrize(("fault", "seen"), SEEN, ids=lambda one: getattr(one, "kind", ""))
def test_an_http_fault_is_seen_and_undone(server: Served, fault: Fault, seen: set[str]) -> None:
    async def test(proxy: FaultyHttp) -> None:
        assert await asked(proxy.port, BODY) == "200 4000"
        await proxy.set(fault)
        assert await asked(proxy.port, BODY) in seen
        assert proxy.hits[fault.kind] == 1
        await proxy.set(None)
        assert await asked(proxy.port, BODY) == "200 4000"
        assert proxy.hits.total() == 1

    through_http(server, test)


@pytest.mark.parametrize(("fault", "seen"), SEEN[1:], ids=lambda one: getattr(one, "kind", ""))
def test_a_tcp_fault_is_seen_and_undone(server: Served, fault: Fault, seen: set[str]) -> None:
    async def test(proxy: FaultyTcp) -> None:
        assert await asked(proxy.port, BODY) == "200 4000"
        await proxy.set(fault)
        assert await asked(proxy.port, BODY) in seen | {"BadStatusLine", "RemoteDisconnected"}
        hits = proxy.hits[fault.kind]
        assert hits >= 1
        await proxy.set(None)
        assert await asked(proxy.port, BODY) == "200 4000"
        assert proxy.hits.total() == hits

    through_tcp(server, test)


WAITED = [
    # 4000 bytes at 2000 a second, in pieces of a tenth of a second.
    (Fault(kind=FaultKind.SLOW, rate=2000), 2.0),
    (Fault(kind=FaultKind.LATENCY, delay=0.15), 0.15),
    (Fault(kind=FaultKind.LATENCY, delay=7.0), 7.0),
]


@pytest.mark.parametrize("over", ["http", "tcp"])
@pytest.mark.parametrize(("fault", "seconds"), WAITED)
def test_what_is_waited_for_is_the_fault_and_nothing_afterwards(
    server: Served, fault: Fault, seconds: float, over: str
) -> None:
    waits: list[float] = []

    async def sleep(wait: float) -> None:
        waits.append(wait)
        await asyncio.sleep(0)

    async def test(proxy: FaultyHttp | FaultyTcp) -> None:
        assert await asked(proxy.port, BODY) == "200 4000"
        assert waits == []
        await proxy.set(fault)
        assert await asked(proxy.port, BODY) == "200 4000"
        during = sum(waits)
        # Over TCP the head of the answer is late as well, and may come by itself.
        assert seconds <= during + 1e-9 <= seconds * (1 if over == "http" else 2.1) + 0.01
        await proxy.set(None)
        waits.clear()
        assert await asked(proxy.port, BODY) == "200 4000"
        assert waits == []

    through = through_http if over == "http" else through_tcp
    through(server, test, sleep=sleep)


def test_a_tcp_connection_has_no_status(server: Served) -> None:
    async def test(proxy: FaultyTcp) -> None:
        with pytest.raises(UsageError, match="error needs an http address"):
            await proxy.set(Fault(kind=FaultKind.ERROR))

    through_tcp(server, test)


def test_a_share_hits_that_share_of_the_requests(server: Served) -> None:
    async def test(proxy: FaultyHttp) -> None:
        await proxy.set(Fault(kind=FaultKind.ERROR, share=0.3))
        found = [await asked(proxy.port) for _ in range(60)]
        assert found.count("503") == proxy.hits[FaultKind.ERROR]
        assert 8 <= found.count("503") <= 28

    through_http(server, test, seed=4)


def test_a_server_that_is_gone_is_a_lost_connection(server: Served) -> None:
    async def test(proxy: FaultyHttp) -> None:
        proxy.upstream = "http://127.0.0.1:9"
        assert await asked(proxy.port) in {"RemoteDisconnected", "ConnectionResetError"}

    through_http(server, test)


def test_a_client_that_leaves_within_its_request_is_no_error(
    server: Served, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(proxy: FaultyHttp) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 10\r\n\r\nab")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()
        assert await asked(proxy.port) == "200 2"

    through_http(server, test)
    assert caplog.text == ""


def test_nothing_listens_when_the_proxy_is_left(server: Served) -> None:
    ports = []

    async def test(proxy: FaultyHttp) -> None:
        await asyncio.sleep(0)
        ports.append(proxy.port)

    through_http(server, test)
    assert ask(ports[0]) == "ConnectionRefusedError"
