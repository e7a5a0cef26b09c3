"""Probes look at real servers, processes and functions, on loopback."""

import asyncio
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import uvicorn
from mcp.server.mcpserver import MCPServer

from perfkit.config.components import Component
from perfkit.config.load import load_settings
from perfkit.errors import ConfigError, UsageError
from perfkit.monitoring.probes.attempt import Attempt, Outcome, ProbeFailedError
from perfkit.monitoring.probes.child import look
from perfkit.monitoring.probes.command import CommandAttempt
from perfkit.monitoring.probes.function import FunctionAttempt
from perfkit.monitoring.probes.http import HttpAttempt
from perfkit.monitoring.probes.mcp import McpAttempt
from perfkit.monitoring.probes.opening import Planned, planned_probes
from perfkit.monitoring.probes.run import Probing
from perfkit.monitoring.probes.schedule import Timing
from perfkit.runtime.batch import Batch
from perfkit.runtime.store import Store
from perfkit.runtime.store_errors import StoreError


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = {"/": 200, "/down": 503, "/moved": 302, "/query?a=1": 200}.get(self.path, 404)
        body = b"all is well" if status == 200 else b"no"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def dripping() -> Iterator[str]:
    """A server that accepts and then sends one byte of a head at a time, for ever."""
    ended = threading.Event()

    def drip() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not ended.wait(0.02):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            ended.set()
            thread.join()


def failure(attempt: Attempt) -> tuple[str, str]:
    with pytest.raises(ProbeFailedError) as caught:
        attempt()
    return caught.value.reason, caught.value.detail


def test_an_address_answers_with_its_status_and_body(web: str) -> None:
    HttpAttempt(web, timeout=5)()
    HttpAttempt(f"{web}/query?a=1", timeout=5, contains="is well")()
    HttpAttempt(f"{web}/moved", timeout=5, status=302)()
    assert failure(HttpAttempt(f"{web}/down", timeout=5)) == (
        *("status", "answered 503, wanted a status of 200 to 299"),
    )
    assert failure(HttpAttempt(f"{web}/moved", timeout=5))[0] == "status"
    assert failure(HttpAttempt(web, timeout=5, contains="broken"))[0] == "body"


def test_an_address_that_nobody_listens_on_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert failure(HttpAttempt(f"http://127.0.0.1:{port}/", timeout=5)) == (
        *("connection", "Connection refused"),
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        assert failure(HttpAttempt(url, timeout=0.05))[0] == "timeout"
        assert failure(HttpAttempt(url.replace("http:", "https:"), timeout=0.05))[0] == "timeout"


def test_a_command_is_judged_by_its_exit_code_and_ended_with_its_children(tmp_path: Path) -> None:
    CommandAttempt(["true"], timeout=10)()
    CommandAttempt(["false"], timeout=10, exit_code=1)()
    assert failure(CommandAttempt(["false"], timeout=10)) == ("exit", "ended with 1, wanted 0")
    assert failure(CommandAttempt([str(tmp_path / "no")], timeout=10))[0] == "error"
    assert failure(CommandAttempt(["sleep", "60"], timeout=0.05))[0] == "timeout"


def test_a_function_is_called_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("checks.py").write_text(
        "import os, time\n"
        "def fine(): print('words'); time.sleep(0.01)\n"
        "def dies(): os._exit(3)\n"
        "def hangs(): time.sleep(60)\n"
    )
    assert 0.01 <= FunctionAttempt("checks:fine", timeout=30)() < 30
    assert failure(FunctionAttempt("checks:dies", timeout=30)) == (
        *("error", "its process ended with 3"),
    )
    assert failure(FunctionAttempt("checks:hangs", timeout=1))[0] == "timeout"
    assert "No module named 'absent'" in failure(FunctionAttempt("absent:fine", timeout=30))[1]


class Ticking:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_what_a_function_does_is_its_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answers() -> None:
        await asyncio.sleep(0)

    def raises() -> None:
        raise ConnectionError("reset")

    here = sys.modules[__name__]
    for name, function in (("answers", answers), ("raises", raises), ("no", lambda: False)):
        monkeypatch.setattr(here, name, function, raising=False)
    monkeypatch.setitem(sys.modules, "checks_of_a_test", here)
    assert look("checks_of_a_test:answers", Ticking()) == {
        "seconds": 1.0,
        "reason": None,
        "detail": "",
    }
    assert look("checks_of_a_test:raises", Ticking())["detail"] == "ConnectionError: reset"
    assert look("checks_of_a_test:no", Ticking())["detail"] == "returned False"
    assert look("checks_of_a_test:absent", Ticking())["reason"] == "error"


SERVER = """
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
server = MCPServer("tools")
@server.tool()
def add(a: int, b: int) -> int:
    if a < 0:
        raise ToolError("too small")
    return a + b
server.run("stdio")
"""


@pytest.fixture(scope="module")
def stdio(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    path = tmp_path_factory.mktemp("mcp") / "server.py"
    path.write_text(SERVER)
    return [sys.executable, str(path)]


def test_an_mcp_server_initializes_and_calls_a_tool(stdio: list[str]) -> None:
    McpAttempt(timeout=60, command=stdio, tool="add", arguments={"a": 1, "b": 2})()
    reason, detail = failure(
        McpAttempt(timeout=60, command=stdio, tool="add", arguments={"a": -1, "b": 2})
    )
    assert (reason, "too small" in detail) == ("tool", True)


@contextmanager
def mcp_over_http() -> Iterator[str]:
    """The same over HTTP, in a thread."""
    made: MCPServer[object] = MCPServer("tools")

    @made.tool()
    def add(a: int, b: int) -> int:
        return a + b

    app = made.streamable_http_app()
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        finally:
            server.should_exit = True
            thread.join()


def test_an_mcp_server_answers_over_http() -> None:
    with mcp_over_http() as url:
        McpAttempt(timeout=30, url=url)()
        McpAttempt(timeout=30, url=url, tool="add", arguments={"a": 1, "b": 2})()
        reason, detail = failure(McpAttempt(timeout=30, url=url, tool="subtract"))
        assert (reason, "subtract" in detail) in {("tool", True), ("protocol", True)}


def test_what_is_no_mcp_server_is_told(web: str) -> None:
    assert failure(McpAttempt(timeout=20, command=["true"]))[0] in {"protocol", "connection"}
    assert failure(McpAttempt(timeout=20, command=["no-such-program"]))[0] == "connection"
    assert failure(McpAttempt(timeout=0.3, command=["sleep", "60"]))[0] == "timeout"
    assert failure(McpAttempt(timeout=20, url=f"{web}/down"))[0] in {"protocol", "connection"}


class Scripted:
    """An attempt whose runs end when the test says so."""

    def __init__(self, *errors: ProbeFailedError | Exception | None) -> None:
        self.errors = list(errors)
        self.runs = 0
        self.go = threading.Event()
        self.go.set()
        self.stopped = threading.Event()

    def __call__(self) -> None:
        self.runs += 1
        self.go.wait(30)
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error

    def stop(self) -> None:
        self.stopped.set()
        self.go.set()


def planned(attempt: Attempt, *, name: str = "page", timeout: float = 5) -> Planned:
    return Planned("shop", name, "http", Timing(10.0, timeout), attempt)


def test_outcomes_are_calls_of_the_component(tmp_path: Path, web: str) -> None:
    told: list[str] = []
    with Store(tmp_path / "t.sqlite") as store:
        probing = Probing(
            [
                planned(HttpAttempt(web, timeout=5)),
                planned(HttpAttempt(f"{web}/down", timeout=5), name="down"),
                planned(Scripted(RuntimeError("a bug")), name="bug"),
            ],
            store.add,
            told.append,
        )
        found = probing.once()
        windows = {w.name: w for w in store.windows(resolution=3600)}
        events = {(e.name, e.labels): e.count for e in store.events(resolution=3600)}
    assert {number: outcome.reason for number, outcome in found.items()} == {
        0: None,
        1: "status",
        2: "error",
    }
    assert {name: (w.ok, w.errors) for name, w in windows.items()} == {
        "page": (1, 0),
        "down": (0, 1),
        "bug": (0, 1),
    }
    assert windows["page"].labels == '{"probe": "http"}'
    assert windows["page"].sum_ns > 0
    assert events == {
        ("probe.failed", '{"probe": "down", "reason": "status"}'): 1,
        ("probe.failed", '{"probe": "bug", "reason": "error"}'): 1,
    }
    assert sorted(told) == [
        "shop: bug fails (error): RuntimeError: a bug",
        "shop: down fails (status): answered 503, wanted a status of 200 to 299",
    ]


class Fast:
    """A clock that is far ahead whenever the loop has waited."""

    def __init__(self, step: float) -> None:
        self.now = 0.0
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def test_a_hanging_probe_does_not_stop_the_others() -> None:
    hanging, fine = Scripted(), Scripted(ProbeFailedError("status", "answered 500"))
    hanging.go.clear()
    hanging.stop = hanging.stopped.set  # type: ignore[method-assign]  # it does not obey
    told: list[str] = []
    ended = threading.Event()
    seen: list[Batch] = []

    def add(batch: Batch) -> None:
        seen.append(batch)
        if fine.runs >= 4:
            ended.set()

    probing = Probing(
        [planned(hanging, name="hangs"), planned(fine)],
        *(add, told.append),
        monotonic=Fast(0.5),
        longest_wait=0.001,
    )
    probing.run(ended)
    hanging.go.set()
    calls = [(key.name, one.ok, one.errors) for batch in seen for key, one in batch.calls.items()]
    assert calls.count(("hangs", 0, 1)) >= 3, "the run that hangs, and those it kept from beginning"
    assert ("hangs", 1, 0) not in calls
    assert calls.count(("page", 1, 0)) >= 2
    assert hanging.runs == 1
    assert hanging.stopped.is_set()
    missed = [n for b in seen for key, n in b.events.items() if key.name == "probe.missed"]
    assert sum(missed) >= 2
    assert told[:1] != []
    assert "shop: hangs fails (timeout): still runs, 5 s were given" in told
    assert told.index("shop: page answers again") > told.index(
        "shop: page fails (status): answered 500"
    )


def test_a_store_that_cannot_be_written_is_told_once_and_what_was_found_waits() -> None:
    probed = Scripted()
    told: list[str] = []
    ended = threading.Event()
    kept: list[Batch] = []
    tries = 0

    def add(batch: Batch) -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise StoreError("t.sqlite: cannot be used")
        kept.append(batch)
        if len(kept) >= 3:
            ended.set()

    Probing([planned(probed)], add, told.append, monotonic=Fast(4.0), longest_wait=0.001).run(ended)
    assert told == ["t.sqlite: cannot be used"]
    assert sum(calls.ok for batch in kept for calls in batch.calls.values()) >= 2


def test_the_end_ends_what_runs() -> None:
    hanging = Scripted()
    hanging.go.clear()
    ended = threading.Event()
    probing = Probing([planned(hanging)], lambda _: None, lambda _: None, longest_wait=0.01)
    thread = threading.Thread(target=probing.run, args=(ended,))
    thread.start()
    while not hanging.runs:
        pass
    ended.set()
    thread.join(10)
    assert not thread.is_alive()
    assert hanging.stopped.is_set()


def test_a_server_that_drips_is_cut_off(tmp_path: Path) -> None:
    with dripping() as url, Store(tmp_path / "t.sqlite") as store:
        attempt = HttpAttempt(url, timeout=0.1)
        found = Probing([planned(attempt, timeout=0.1)], store.add, lambda _: None).once()
    assert found[0] == Outcome(found[0].seconds, "timeout", "still runs, 0.1 s were given")


def load(folder: Path, components: list[dict[str, object]]) -> tuple[Component, ...]:
    folder.mkdir()
    (folder / "monitoring_config.yaml").write_text(json.dumps({"components": components}))
    return load_settings(folder, environ={}).monitoring.components


PROBE = {"name": "page", "kind": "http", "url": "http://127.0.0.1:1/", "interval": "30s"}


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        ({"url": None}, "found no key 'url' with kind http, wanted it"),
        ({"url": "127.0.0.1"}, "found an address that starts with neither http"),
        ({"tool": "add"}, "found the key 'tool' with kind http, wanted it left out"),
        ({"timeout": "1min"}, "found a timeout above the interval"),
        ({"interval": 30}, "found 30 without a unit"),
        ({"status": 99}, "wanted at least 100"),
        ({"kind": "mcp", "command": ["x"]}, "wanted one of url and command with kind mcp"),
        ({"kind": "mcp", "arguments": {"a": 1}}, "found arguments without a tool"),
        ({"kind": "python", "url": None, "function": "checks"}, "wanted a function such as"),
        ({"kind": "ping"}, "wanted"),
        ({"urll": "x"}, "did you mean 'url'?"),
    ],
)
def test_probes_that_cannot_be_are_refused(
    tmp_path: Path, probe: dict[str, object], message: str
) -> None:
    made = {k: v for k, v in {**PROBE, **probe}.items() if v is not None}
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "c", [{"name": "s", "probes": [made]}])
    assert message in str(caught.value)
    assert "monitoring_config.yaml:1:" in str(caught.value)


def test_a_missing_package_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools: dict[str, object] = {"name": "tools", "kind": "mcp", "command": ["server"]}
    components = load(tmp_path / "c", [{"name": "shop", "probes": [tools]}])
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.delitem(sys.modules, "perfkit.monitoring.probes.mcp")
    with pytest.raises(UsageError, match="shop: the probe 'tools' needs mcp: install the package"):
        planned_probes(components)


def test_probes_come_from_the_configuration(tmp_path: Path) -> None:
    kinds: list[dict[str, object]] = [
        PROBE,
        {"name": "tools", "kind": "mcp", "command": ["server"], "tool": "add", "timeout": "1s"},
        {"name": "disk", "kind": "command", "command": ["df"], "exit_code": 0},
        {"name": "sum", "kind": "python", "function": "shop.checks:can_sum"},
    ]
    components = [{"name": "shop", "probes": kinds}, {"name": "mcp"}]
    found = planned_probes(load(tmp_path / "c", components))
    assert [(one.component, one.name, one.kind) for one in found] == [
        ("shop", str(kind["name"]), str(kind["kind"])) for kind in kinds
    ]
    assert found[1].timing == Timing(30.0, 1.0)
    assert [type(one.attempt) for one in found] == [
        *(HttpAttempt, McpAttempt, CommandAttempt, FunctionAttempt)
    ]
    with pytest.raises(UsageError, match="found no probe, wanted some under components"):
        planned_probes(load(tmp_path / "d", [{"name": "shop"}]))
    many = [{**PROBE, "name": str(number)} for number in range(51)]
    with pytest.raises(ConfigError, match="found 51 probes of all components, wanted at most 50"):
        load(tmp_path / "e", [{"name": "shop", "probes": many}])
