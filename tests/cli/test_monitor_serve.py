import json
import re
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path

import pytest
from otlp_receiver import receiving

from perfkit.__main__ import run
from perfkit.cli.monitor_serve import site_of
from perfkit.config.load import load_settings
from perfkit.errors import MeasurementError
from perfkit.model.dashboard import Dashboard
from perfkit.monitoring.exposition import OPENMETRICS
from perfkit.runtime.batch import Batch
from perfkit.runtime.bins import Bins
from perfkit.runtime.store import Store
from perfkit.runtime.windows import Calls, Key

PROBES = [
    {"name": "front page", "kind": "http", "url": "http://127.0.0.1:9/", "interval": "1h"},
    {"name": "disk", "kind": "command", "command": ["true"], "interval": "1h"},
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a store of one call, and two probes in its configuration."""
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    configure([{"name": "shop", "probes": PROBES}])
    with Store(".perfkit/telemetry.sqlite") as store:
        calls = Calls(1, 0, 0, 10**7, 10**7, Bins([10**7]))
        store.add(Batch(int(time.time()), {Key("shop", "sum"): calls}))
    return tmp_path


def configure(components: list[dict[str, object]]) -> None:
    text = json.dumps({"components": components, "alerts": {"rules": []}})
    Path("config/monitoring_config.yaml").write_text(text)


def asked(port: int, path: str, **headers: str) -> tuple[int, HTTPMessage, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers=headers)
    with connection.getresponse() as answer:
        found = answer.status, answer.headers, answer.read().decode()
    connection.close()
    return found


def test_a_process_serves_until_it_is_told_to_end() -> None:
    words = [sys.executable, "-m", "perfkit", "monitor", "--serve", "127.0.0.1:0", "--probe"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            rest = read_from(process)
        finally:
            process.kill()
    assert (process.returncode, rest) == (0, b"")


def read_from(process: "subprocess.Popen[bytes]") -> bytes:
    """Ask for everything, end the process while a stream is open; return the rest of stderr."""
    assert process.stderr is not None
    said = [process.stderr.readline().decode() for _ in range(2)]
    assert "! shop: front page fails (connection): Connection refused\n" in said
    (port,) = map(int, re.findall(r"http://127.0.0.1:(\d+)/ with /metrics", "".join(said)))
    status, headers, text = asked(port, "/metrics", Accept="application/openmetrics-text")
    assert (status, headers["Content-Type"]) == (200, OPENMETRICS)
    assert 'perfkit_calls_total{component="shop",name="disk",outcome="ok"} 1' in text
    assert json.loads(asked(port, "/healthz")[2])["ready"] is True
    page = asked(port, "/")[2]
    assert "front page" in page, "the figures are there without any script"
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page
    events = HTTPConnection("127.0.0.1", port, timeout=20)
    events.request("GET", "/events")
    with events.getresponse() as answer:
        assert answer.readline().startswith(b"data: <header")
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        process.wait(20)
    events.close()
    return rest


def test_it_ends_after_the_time_that_was_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["monitor", "--serve", "127.0.0.1:0", "--for", "10ms"]) == 0
    assert capsys.readouterr().err.endswith("/ with /metrics and /healthz; Ctrl-C ends\n")


def test_a_store_that_is_not_there_yet_is_told_and_waited_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["monitor", "--serve", "127.0.0.1:0", "--for", "10ms", "--store", "later.sqlite"]
    assert run(words) == 0
    assert "! later.sqlite: no such telemetry store" in capsys.readouterr().err

    def look(at: float) -> Dashboard:
        raise MeasurementError(f"no store at {at}")

    site = site_of(Path("later.sqlite"), load_settings(Path("config"), environ={}), look)
    health = site.health()
    assert (health["live"], health["ready"]) == (True, False)
    assert "no such telemetry store" in str(health["detail"])
    for read in (site.page, site.part, lambda: site.metrics("")):
        with pytest.raises(MeasurementError):
            read()


def test_probes_run_once_before_the_frame(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["monitor", "--once", "--probe"]) == 0
    said = capsys.readouterr()
    assert said.err == "! shop: front page fails (connection): Connection refused\n"
    assert "shop: front page" in said.out
    assert "shop: disk" in said.out


def test_the_first_run_of_probes_makes_the_store(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["monitor", "--once", "--probe", "--store", "new/telemetry.sqlite"]) == 0
    assert "shop: disk" in capsys.readouterr().out


def test_metrics_are_pushed(capsys: pytest.CaptureFixture[str]) -> None:
    with receiving() as receiver:
        assert run(["monitor", "--once", "--otlp", receiver.url]) == 0
        serving = ["monitor", "--serve", "127.0.0.1:0", "--for", "10ms", "--otlp", receiver.url]
        assert run(serving) == 0
    found = [
        {metric.name for metric in request.resource_metrics[0].scope_metrics[0].metrics}
        for request in receiver.requests
    ]
    assert found == [{"perfkit.calls", "perfkit.call.duration"}] * 2
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--serve", "9464"], 2, "--serve: found '9464', wanted an address with its port"),
        (["--serve", "0.0.0.0:0"], 2, "there is no login; serve on 127.0.0.1, or add --allow-rem"),
        (["--serve", "127.0.0.1:0", "--once"], 2, "are two outputs: give one of them."),
        (["--serve", "127.0.0.1:0", "--for", "1"], 2, "--for: found 1 without a unit"),
        (["--serve", "127.0.0.1:0", "--component", "x"], 2, "--component: found 'x', wanted one"),
        (["--for", "1s"], 2, "--allow-remote and --for are about --serve"),
        (["--once", "--otlp", "collector"], 2, "--otlp: found 'collector', wanted an address"),
    ],
)
def test_bad_input_is_a_sentence(
    arguments: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["monitor", *arguments]) == code
    assert sentence in capsys.readouterr().err


def test_an_address_that_is_taken_and_probes_that_are_none_are_sentences(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert run(["monitor", "--serve", address]) == 2
    assert f"perfkit: {address} cannot be listened on (Address already" in capsys.readouterr().err
    configure([{"name": "shop"}])
    assert run(["monitor", "--once", "--probe"]) == 2
    assert "found no probe, wanted some under components" in capsys.readouterr().err


def test_other_machines_are_let_in_only_with_leave(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["monitor", "--serve", "0.0.0.0:0", "--allow-remote", "--for", "10ms"]
    assert run(words) == 0
    assert "! everybody who reaches 0.0.0.0 reads names, rates and errors" in (
        capsys.readouterr().err
    )
