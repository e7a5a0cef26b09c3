import json
import os
import re
import resource
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from perfkit.__main__ import run
from perfkit.errors import ExitCode
from tests.reliability.serving import served

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    return number


def plan(port: int, faults: str, more: str = "", *, steady: str = "600ms") -> str:
    command = f"{sys.executable} -m http.server {port} --bind 127.0.0.1"
    text = f"""
name: a shop in trouble
start: {json.dumps(command)}
steady: {steady}
method: 1500ms
load:
  target: http://127.0.0.1:{port}/
  rate: 40/s
  warm: 0s
  arrivals: constant
  timeout: 300ms
  availability: 50%
faults:
{faults}
{more}
"""
    Path("plan.yaml").write_text(text, "utf-8")
    return "plan.yaml"


def document(captured: Captured) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(captured.readouterr().out)
    return found


def diary() -> list[str]:
    """Return what the lines of the journal are about."""
    lines = Path(".perfkit/chaos/journal.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["what"] for line in lines]


def listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    "fault",
    [
        "  - {at: 300ms, lasts: 200ms, kind: kill}",
        "  - {at: 300ms, lasts: 700ms, kind: stop}",
        "  - {at: 300ms, lasts: 500ms, kind: error, measures: {status: '500'}}",
        "  - {at: 300ms, lasts: 500ms, kind: down}",
    ],
)
def test_a_fault_is_seen_undone_and_written_down(fault: str, port: int, capfd: Captured) -> None:
    assert run(["chaos", "run", plan(port, fault), "--json"]) == ExitCode.PASSED
    found = document(capfd)
    assert found["before"]["errors"] == {}
    (effect,) = found["faults"]
    assert effect["failed"] > 0
    assert 0 <= effect["detected_after"] <= effect["recovered_after"] < 1.5
    assert found["availability"]["estimate"] < 1
    assert found["after"]["stages"][0]["ok"] > 0
    assert not listening(port)
    assert diary() == ["begun", "before", "fault", "undone", "method", "after", "ended"]


def test_what_has_to_hold_meanwhile_fails_the_experiment(port: int, capfd: Captured) -> None:
    fault = "  - {at: 0s, lasts: 1500ms, kind: error}"
    expected = "during: {availability: 99%}"
    assert run(["chaos", "run", plan(port, fault, expected)]) == ExitCode.FAILED
    out = capfd.readouterr().out
    assert out.startswith("Failed: a shop in trouble: what has to hold during the faults did not.")
    assert "status 503 at 0.0 s for 1.5 s: " in out


def test_nothing_is_done_where_the_state_is_not_steady_before(port: int, capfd: Captured) -> None:
    path = plan(port, "  - {at: 0s, kind: error}")
    text = Path(path).read_text("utf-8")
    Path(path).write_text(text.replace(f"{port}/", f"{port}/gone"), "utf-8")
    assert run(["chaos", "run", path]) == ExitCode.MEASUREMENT
    assert "the steady state was not met before any fault" in capfd.readouterr().out
    assert diary() == ["begun", "before", "ended"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_experiment_undoes_everything(how: signal.Signals, port: int) -> None:
    path = plan(port, "  - {at: 100ms, lasts: 1400ms, kind: stop}")
    command = [sys.executable, "-m", "perfkit", "chaos", "run", path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        journal = Path(".perfkit/chaos/journal.jsonl")
        until = time.monotonic() + 30
        while not (journal.exists() and '"fault"' in journal.read_text("utf-8")):
            assert time.monotonic() < until
            time.sleep(0.02)
        running.send_signal(how)
        out, _ = running.communicate(timeout=30)
    assert running.returncode == ExitCode.INTERRUPTED
    assert "interrupted; all is undone" in out
    assert not listening(port)
    assert '"undone"' in journal.read_text("utf-8")


SHOP = """
import http.server, sys
from perfkit import runtime

class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, degraded = 200, None
        try:
            runtime.inject("stock.read", ConnectionError)
        except ConnectionError:
            status, degraded = (200, "stock") if self.path == "/degrading" else (500, None)
        self.send_response(status)
        if degraded:
            self.send_header("X-Degraded", degraded)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
"""
"""A server with a failpoint; told as /degrading, it answers without what failed."""


def shop_plan(port: int, fault: str, path: str = "") -> str:
    Path("shop.py").write_text(SHOP, "utf-8")
    written = Path(plan(port, f"  - {fault}", steady="300ms"))
    text = written.read_text("utf-8").replace("method: 1500ms", "method: 900ms")
    text = text.replace(f"-m http.server {port} --bind", f"shop.py {port}")
    written.write_text(text.replace(f"{port}/", f"{port}/{path}"), "utf-8")
    return str(written)


@pytest.mark.parametrize(
    ("fault", "path", "seen"),
    [
        ("{at: 100ms, lasts: 500ms, kind: error, failpoint: stock.read}", "", "HTTP 500"),
        ("{at: 100ms, lasts: 500ms, kind: hang, failpoint: stock.read}", "", "no answer within"),
        (
            (
                "{at: 100ms, lasts: 500ms, kind: latency, failpoint: stock.read, measures:"
                " {delay: 400ms, count: '8'}}"
            ),
            "",
            "no answer within",
        ),
        ("{at: 100ms, lasts: 500ms, kind: error, failpoint: stock.read}", "degrading", ""),
    ],
)
def test_a_failpoint_is_seen_by_clients_and_undone(
    fault: str, path: str, seen: str, port: int, capfd: Captured
) -> None:
    arguments = ["chaos", "run", shop_plan(port, fault, path), "--json"]
    assert run(arguments) == ExitCode.PASSED
    found = document(capfd)
    (effect,) = found["faults"]
    assert effect["hits"] > 0
    count = effect["failed"] if seen else effect["degraded"]
    assert count >= 5
    assert effect["failed" if not seen else "degraded"] == 0
    assert found["availability"]["estimate"] < 1, "a degraded answer is not the real one"
    errors = found["meanwhile"]["errors"]
    assert all(seen in reason for reason in errors) if seen else errors == {}
    assert found["meanwhile"]["degradations"] == ({} if seen else {"stock": effect["degraded"]})
    (after,) = found["after"]["stages"]
    assert (after["degraded"], after["errors"]) == (0, 0)


def test_a_fault_that_hits_nothing_shows_nothing(port: int, capfd: Captured) -> None:
    fault = "{at: 0s, lasts: 200ms, kind: error, failpoint: stock.write}"
    assert run(["chaos", "run", shop_plan(port, fault), "--strict"]) == ExitCode.INCONCLUSIVE
    assert "error at stock.write hit nothing, so nothing was shown of it" in capfd.readouterr().out


def test_degraded_answers_stand_apart_in_what_people_read(port: int, capfd: Captured) -> None:
    fault = "{at: 0s, lasts: 900ms, kind: error, failpoint: stock.read}"
    assert run(["chaos", "run", shop_plan(port, fault, "degrading")]) == ExitCode.PASSED
    out = capfd.readouterr().out
    assert "failed   degraded" in out
    assert re.search(
        r"error at stock.read at 0.0 s for 0.9 s: 0 failed, \d+ degraded; detected", out
    )
    assert "x degraded: stock" in out


def test_a_crash_leaves_nothing(
    port: int, monkeypatch: pytest.MonkeyPatch, capfd: Captured
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("perfkit.reliability.experiment.judge_load", crash)
    path = plan(port, "  - {at: 100ms, lasts: 1400ms, kind: stop}", steady="200ms")
    assert run(["chaos", "run", path]) == ExitCode.INTERNAL
    assert "ZeroDivisionError" in capfd.readouterr().err
    assert not listening(port)
    assert diary() == ["begun", "ended"]


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="only the kernel could end the server")
def test_a_killed_perfkit_leaves_no_server(port: int) -> None:
    path = plan(port, "  - {at: 100ms, lasts: 1400ms, kind: error}")
    command = [sys.executable, "-m", "perfkit", "chaos", "run", path]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        until = time.monotonic() + 30
        while not listening(port):
            assert time.monotonic() < until
            time.sleep(0.02)
        running.kill()
    while listening(port):
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("faults", "more", "sentence"),
    [
        ("  - {at: 9s, kind: kill}", "", "wanted all within the method of 1.5s"),
        ("  - {at: 0s, kind: fire}", "", "plan.yaml:14:20: kind: found 'fire'"),
        (
            "  - {at: 0s, lasts: 1s, kind: down}\n  - {at: 500ms, kind: error}",
            "",
            "found a error while another fault goes on",
        ),
        ("  - {at: 0s, kind: error, measures: {delay: 1s}}", "", "error has no delay"),
        (
            "  - {at: 0s, kind: error, failpoint: a, measures: {status: '500'}}",
            "",
            "error at a failpoint has no status",
        ),
        ("  - {at: 0s, kind: kill}", "star: 1", "unknown key 'star'"),
        ("  - {at: 0s, kind: kill}", "ready: '[::1'", "ready: found '[::1', wanted HOST:PORT"),
        ("  - {at: 0s, kind: kill}", "ready: a:99999", "ready: found 'a:99999', wanted HOST:PORT"),
    ],
)
def test_a_plan_that_cannot_be_used_is_said(
    faults: str, more: str, sentence: str, port: int, capsys: Captured
) -> None:
    assert run(["chaos", "run", plan(port, faults, more)]) == ExitCode.USAGE
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    "key",
    [
        *("hold: 1s", "soak: 1h", "ramp: 5s", "spike: 5s, spike_rate: 9/s", "recover: 5s"),
        *("capacity: 9/s", "step: 1s", "longest: 1h", "p99_rise: 5%", "memory_rise: 1MiB"),
    ],
)
def test_a_key_that_would_be_ignored_is_refused(key: str, port: int, capsys: Captured) -> None:
    path = Path(plan(port, "  - {at: 0s, kind: kill}"))
    more = key.replace(", ", "\n  ")
    path.write_text(path.read_text("utf-8").replace("  warm: 0s", f"  warm: 0s\n  {more}"), "utf-8")
    assert run(["chaos", "run", str(path)]) == ExitCode.USAGE
    assert f"load: found {key.split(':', maxsplit=1)[0]}" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["my_http:ask", "mcp:stdio:python3 my_http_server.py"])
def test_a_fault_between_needs_an_address_and_not_its_letters(
    target: str, port: int, capsys: Captured
) -> None:
    path = Path(plan(port, "  - {at: 0s, kind: latency}"))
    text = path.read_text("utf-8").replace(f"http://127.0.0.1:{port}/", target)
    path.write_text(text, "utf-8")
    assert run(["chaos", "run", str(path)]) == ExitCode.USAGE
    assert "faults between client and server need an http address" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("http://127.0.0.1:", "http://198.51.100.7:", "say so with --i-own-this-host"),
        ("method: 1500ms", "method: 3h", "are planned, more than 2h: lower the times"),
        ("rate: 40/s", "rate: 1000000/s", "2700000 requests are planned, more than 1000000"),
    ],
)
def test_load_that_is_not_harmless_is_refused_before_anything_starts(
    old: str, new: str, sentence: str, port: int, capsys: Captured
) -> None:
    path = Path(plan(port, "  - {at: 0s, kind: kill}"))
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    assert run(["chaos", "run", str(path)]) == ExitCode.USAGE
    assert sentence in capsys.readouterr().err
    assert not listening(port)


def test_a_server_that_ends_by_itself_is_said(port: int, capfd: Captured) -> None:
    path = plan(port, "  - {at: 0s, kind: kill}")
    text = Path(path).read_text("utf-8").replace("-m http.server", "-c pass")
    Path(path).write_text(text, "utf-8")
    assert run(["chaos", "run", path]) == ExitCode.MEASUREMENT
    assert "ended with 0 by itself" in capfd.readouterr().err


def test_another_server_is_not_taken_for_the_started_one(capfd: Captured) -> None:
    with served() as other:
        path = plan(other.server_address[1], "  - {at: 0s, kind: kill}")
        assert run(["chaos", "run", path]) == ExitCode.MEASUREMENT
        assert "another server listens there already" in capfd.readouterr().err
        assert other.seen == []


def test_a_started_command_that_leaves_its_server_behind_is_said(
    port: int, capfd: Captured
) -> None:
    path = Path(plan(port, "  - {at: 0s, kind: error}", steady="200ms"))
    command = f"{sys.executable} -m http.server {port} --bind 127.0.0.1"
    text = path.read_text("utf-8").replace(
        json.dumps(command), json.dumps(f"sh -c '{command} & sleep 0.2'")
    )
    path.write_text(text.replace("warm: 0s", "warm: 500ms"), "utf-8")
    assert run(["chaos", "run", str(path)]) == ExitCode.MEASUREMENT
    assert "ended with 0 by itself" in capfd.readouterr().err
    assert not listening(port)


def test_a_fault_that_cannot_be_undone_is_reported(port: int, capfd: Captured) -> None:
    once = Path("once.sh")
    serve = f"exec {sys.executable} -m http.server {port} --bind 127.0.0.1"
    once.write_text(f'#!/bin/sh\nrm -- "$0"\n{serve}\n', "utf-8")
    once.chmod(0o755)
    faults = "  - {at: 100ms, lasts: 100ms, kind: kill}\n  - {at: 400ms, lasts: 100ms, kind: stop}"
    path = Path(plan(port, faults, steady="200ms"))
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join("start: ./once.sh" if "start:" in one else one for one in lines))
    assert run(["chaos", "run", str(path), "--json"]) == ExitCode.MEASUREMENT
    found = document(capfd)
    assert found["status"] == "error"
    undone, done = found["reason"].split("; ")
    assert undone.startswith("kill could not be undone: ./once.sh: cannot be started")
    assert done.startswith("stop could not be done: ./once.sh: ended by itself with -9")
    assert [(one["fault"], one["hits"]) for one in found["faults"]] == [("kill", 1), ("stop", 0)]
    assert found["after"] is None
    told = ["begun", "before", "fault", "not undone", "fault", "undone", "method", "ended"]
    assert diary() == told


def test_a_server_that_is_not_ready_does_not_outlast_a_signal(port: int) -> None:
    path = Path(plan(port, "  - {at: 0s, kind: kill}"))
    tell = f'{sys.executable} -c \'import time; open("began", "w"); time.sleep(60)\''
    lines = path.read_text("utf-8").splitlines()
    start = f"start: {json.dumps(tell)}\nready_within: 1h"
    path.write_text("\n".join(start if "start:" in one else one for one in lines), "utf-8")
    command = [sys.executable, "-m", "perfkit", "chaos", "run", str(path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        until = time.monotonic() + 30
        while not Path("began").exists():
            assert time.monotonic() < until
            time.sleep(0.02)
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=30)
    assert running.returncode == ExitCode.INTERRUPTED
    assert said.endswith("interrupted before the server was ready\n")
    assert diary() == ["ended"]


CLIENT = (
    "import sys, urllib.request as u; sys.exit(0 if u.urlopen(sys.argv[1]).status == 200 else 1)"
)


def test_a_command_meets_a_faulty_server(capfd: Captured) -> None:
    with served() as server:
        client = ["--", sys.executable, "-c", CLIENT, "{proxy}/"]
        arguments = ["chaos", "inject", "error", "--upstream", server.url, "--json"]
        assert run([*arguments, "--after", "1h", *client]) == ExitCode.PASSED
        assert document(capfd)["hits"] == 0
        assert run([*arguments, *client]) == ExitCode.MEASUREMENT
        found = document(capfd)
    assert (found["fault"], found["hits"], found["code"]) == ("status 503", 1, 1)


@pytest.mark.parametrize(
    ("fault", "command", "code"),
    [
        (["kill", "--after", "100ms"], "import time; time.sleep(60)", -signal.SIGKILL),
        (["stop", "--for", "100ms"], "import time; time.sleep(0.3)", 0),
        (["memory", "--set", "size=300MiB"], "bytearray(500 * 2**20)", 1),
        (["memory", "--set", "size=300MiB"], "bytearray(5 * 2**20)", 0),
    ],
)
def test_something_is_done_to_a_command(
    fault: list[str], command: str, code: int, capfd: Captured
) -> None:
    expected = ExitCode.PASSED if code == 0 else ExitCode.MEASUREMENT
    arguments = ["chaos", "inject", *fault, "--json", "--", sys.executable, "-c", command]
    limits = resource.getrlimit(resource.RLIMIT_AS)
    assert run(arguments) == expected
    found = document(capfd)
    assert (found["code"], found["hits"]) == (code, 1)
    assert resource.getrlimit(resource.RLIMIT_AS) == limits, "the command's alone"


def test_a_command_fails_at_a_named_place(capfd: Captured) -> None:
    program = "from perfkit import runtime; runtime.inject('start', ConnectionError)"
    arguments = ["chaos", "inject", "error", "--failpoint", "start"]
    command = ["--", sys.executable, "-c", f"import time; time.sleep(0.3); {program}"]
    assert run([*arguments, *command]) == ExitCode.MEASUREMENT
    streams = capfd.readouterr()
    assert "ConnectionError: failpoint start: an error on purpose" in streams.err
    assert streams.out == "error at start: happened once; the command ended with 1\n"
    assert run([*arguments, "--for", "50ms", *command]) == ExitCode.PASSED
    assert capfd.readouterr().out == "error at start: happened 0 times; the command ended with 0\n"


def test_a_command_that_fails_without_the_fault_is_told_apart(capfd: Captured) -> None:
    arguments = ["chaos", "inject", "kill", "--after", "1h", "--", "false"]
    assert run(arguments) == ExitCode.MEASUREMENT
    assert capfd.readouterr().out == "kill: happened 0 times; the command ended with 1, by itself\n"


def test_a_limit_that_cannot_be_set_is_no_failure_of_the_command(
    monkeypatch: pytest.MonkeyPatch, capfd: Captured
) -> None:
    Path("unshare").write_text("#!/bin/sh\necho unshare: forbidden >&2; exit 1\n", "utf-8")
    Path("unshare").chmod(0o755)
    monkeypatch.setenv("PATH", f"{Path.cwd()}{os.pathsep}{os.environ['PATH']}")
    arguments = ["chaos", "inject", "enospc", "--set", "size=64KiB", "--", "touch", "started"]
    assert run(arguments) == ExitCode.USAGE
    err = capfd.readouterr().err
    assert "unshare: forbidden" in err
    assert "a disk of 65536 B could not be set on this machine" in err
    assert "so the command was not started" in err
    assert not Path("started").exists()


def can_mount() -> bool:
    command = "unshare --user --map-root-user --mount mount -t tmpfs -o size=4k tmpfs /mnt"
    return subprocess.run(shlex.split(command), capture_output=True, check=False).returncode == 0


def test_a_disk_is_full(capfd: Captured) -> None:
    if not can_mount():
        pytest.skip("this machine lets nobody mount a disk in a namespace of its own")
    write = "import sys; open(sys.argv[1] + '/a', 'wb').write(bytes(100_000))"
    command = ["--", sys.executable, "-c", write, "{disk}"]
    arguments = ["chaos", "inject", "enospc", "--set", "size=64KiB", *command]
    assert run(arguments) == ExitCode.MEASUREMENT
    streams = capfd.readouterr()
    assert "No space left on device" in streams.err
    assert "a disk of 65536 B: happened once; the command ended with 1" in streams.out
    assert "perfkit-inject-" not in Path("/proc/mounts").read_text("utf-8"), "it went with it"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["latency", "--", "true"], "name that with --upstream"),
        (["kill", "--upstream", "a:1", "--", "true"], "has no --upstream"),
        (["latency", "--upstream", "nowhere", "--", "true"], "wanted http://HOST:PORT"),
        (["latency", "--upstream", "http://[::1", "--", "true"], "http://[::1: wanted an address"),
        (["down", "--upstream", "127.0.0.1:99999", "--", "true"], "wanted an address such as"),
        (["error", "--upstream", "127.0.0.1:1", "--", "true"], "error needs an http address"),
        (["memory", "--set", "size=1GiB", "--after", "1s", "--", "true"], "no --after or --for"),
        (["enospc", "--set", "size=1MiB", "--for", "1s", "--", "true"], "no --after or --for"),
        (["kill", "--for", "1s", "--", "true"], "not started anew: no --for"),
        (["latency", "--set", "delay", "--", "true"], "--set delay: wanted NAME=VALUE"),
        (["kill", "--", "no-such-program"], "no-such-program: cannot be started"),
        (["memory", "--set", "size=1GiB", "--", "no-such"], "no-such: cannot be started"),
        (["down", "--upstream", "198.51.100.7:1", "--", "true"], "say so with --i-own-this-host"),
        (["hang", "--", "true"], "or a place of the command with --failpoint"),
        (["kill", "--failpoint", "a", "--", "true"], "kill does not happen at a failpoint"),
    ],
)
def test_what_cannot_be_injected_is_said(
    arguments: list[str], sentence: str, capsys: Captured
) -> None:
    assert run(["chaos", "inject", *arguments]) == ExitCode.USAGE
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_injection_leaves_no_command_and_no_proxy(how: signal.Signals) -> None:
    with served() as server:
        tell = "import os, sys, time; print(os.getpid(), sys.argv[1], flush=True); time.sleep(60)"
        command = [sys.executable, "-m", "perfkit", "chaos", "inject", "hang"]
        command += ["--upstream", server.url, "--", sys.executable, "-c", tell, "{proxy}"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
            assert running.stderr is not None
            words = next(line for line in running.stderr if line[0].isdecimal()).split()
            port = int(words[1].rpartition(":")[2])
            assert listening(port)
            running.send_signal(how)
            running.stderr.read()
        assert running.returncode == ExitCode.INTERRUPTED
    assert not listening(port)
    assert not Path(f"/proc/{words[0]}").exists()


def test_nothing_is_left_running() -> None:
    mark = f"perfkit-{os.getpid()}-{time.monotonic_ns()}"
    left = f"import time; time.sleep(60) # {mark}"
    starts = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {left!r}])"
    # The fault is never done: what ends the process left behind is the end of its group.
    arguments = ["chaos", "inject", "kill", "--after", "1h", "--", sys.executable, "-c", starts]
    assert run(arguments) == ExitCode.PASSED
    for found in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert mark.encode() not in found.read_bytes()
        except OSError:
            continue  # it ended meanwhile
