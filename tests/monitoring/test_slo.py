import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs

import pytest
from production_settings import EXAMPLE, example

from perfkit.__main__ import run
from perfkit.errors import MeasurementError, UsageError
from perfkit.model import Verdict
from perfkit.monitoring.canary import blocks, compare_canary, read_durations
from perfkit.monitoring.prometheus_server import PrometheusServer
from perfkit.monitoring.slo import judge, prometheus_counts
from perfkit.runtime.batch import Batch
from perfkit.runtime.bins import Bins
from perfkit.runtime.store import Store
from perfkit.runtime.windows import Calls, Key


class Prometheus:
    """A loopback server that speaks the API: query text -> value, or the whole body."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.body: bytes | None = None
        self.asked: list[str] = []
        self.warnings: list[str] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/api/v1/query"
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                web.asked.append(form["query"][0])
                body = web.body or web.answer(form["query"][0], float(form["time"][0]))
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, query: str, time: float) -> bytes:
        found = [value for part, value in self.values.items() if part in query][:1]
        result = [{"metric": {}, "value": [time, str(value)]} for value in found]
        return json.dumps(
            {
                "status": "success",
                "data": {"resultType": "vector", "result": result},
                "warnings": self.warnings,
            }
        ).encode()


@pytest.fixture
def server() -> Iterator[Prometheus]:
    found = Prometheus()
    thread = Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


def test_objectives_are_judged_on_a_prometheus_server(server: Prometheus) -> None:
    server.values = {'outcome!~"ok"': 12.4, "increase(perfkit_calls_total": 99_999.7}
    server.warnings = ["slow"]
    client = PrometheusServer(server.url + "/")
    rows = judge(example().thresholds.objectives[:1], prometheus_counts(client), 1e9)
    assert (rows[0].assessment.total, rows[0].assessment.bad) == (100_000, 12)
    assert rows[0].assessment.state == "met"
    assert server.asked == [
        'sum(increase(perfkit_calls_total{component="shop"}[30d]))',
        (
            '(sum(increase(perfkit_calls_total{component="shop",outcome!~"ok"}[30d])) or '
            '0 * sum(increase(perfkit_calls_total{component="shop"}[30d])))'
        ),
    ]
    assert client.warnings == ["slow"]


def test_a_server_without_calls_has_no_data(server: Prometheus) -> None:
    counts = prometheus_counts(PrometheusServer(server.url))
    (row,) = judge(example().thresholds.objectives[:1], counts, 1e9)
    assert (row.assessment.state, row.note) == ("no data", "the server has no calls in the window")
    server.values = {'sum(increase(perfkit_calls_total{component="shop",name="monthly"}': 5.0}
    server.values = {"x{y": 1.0} | server.values
    (row,) = judge(example().thresholds.objectives[:1], counts, 1e9)
    assert row.assessment.state == "no data"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"<html>", "is no answer of Prometheus"),
        (b"[]", "is no answer of Prometheus"),
        (b'{"status": "success", "data": {"resultType": "matrix", "result": []}}', "no answer"),
        (b'{"status": "error", "errorType": "bad_data", "error": "parse"}', "bad_data: parse"),
    ],
)
def test_what_is_no_answer_is_a_sentence(server: Prometheus, body: bytes, sentence: str) -> None:
    server.body = body
    with pytest.raises(MeasurementError, match=sentence):
        PrometheusServer(server.url).number("up", 0)


def test_no_number_is_none_and_no_server_a_sentence(server: Prometheus) -> None:
    server.values = {"up": float("nan")}
    assert PrometheusServer(server.url).number("up", 0) is None
    with pytest.raises(MeasurementError, match="cannot be reached"):
        PrometheusServer("http://127.0.0.1:9").number("up", 0)
    with pytest.raises(UsageError, match="wanted an address"):
        PrometheusServer("localhost:9090")


def _store(folder: Path, bad: int, start: int) -> Path:
    path = folder / "telemetry.sqlite"
    with Store(path, clock=lambda: float(start + 200)) as store:
        for second in range(100):
            calls = Calls(100 - bad, bad, 0, 100, 10, Bins([10_000_000] * 99 + [10**9]))
            store.add(Batch(start + second, calls={Key("shop", "monthly"): calls}))
    return path


def test_the_verb_judges_a_store_and_exits_with_the_worst_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start = 1_800_000_000
    monkeypatch.setattr("time.time", lambda: start + 100.0)
    config = ["--config", str(EXAMPLE)]
    clean = ["--store", str(_store(tmp_path, 0, start)), "--json"]
    assert run([*config, "slo", "sums answered", *clean]) == 0
    (found,) = json.loads(capsys.readouterr().out)["objectives"]
    assert (found["state"], found["total"], found["bad"]) == ("met", 10_000, 0)
    assert found["note"] == "calls of the last 100 s only"
    # One call in a hundred takes a second, which is within the target and not shown to be.
    assert run([*config, "slo", "sums in time", *clean, "--strict"]) == 3
    assert json.loads(capsys.readouterr().out)["objectives"][0]["bad"] == 100
    assert run([*config, "slo", "sums in time", *clean]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "inconclusive"
    (tmp_path / "bad").mkdir()
    broken = ["--store", str(_store(tmp_path / "bad", 5, start))]
    assert run([*config, "slo", *broken]) == 1
    out = capsys.readouterr().out
    assert "2 objectives: 2 exceeded." in out
    assert "-4900%" in out


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["slo", "nothing"], 2, "found the objective 'nothing', wanted one of sums answered"),
        (["slo", "--store", "absent"], 4, "absent: no such telemetry store"),
        (["slo", "--store", "a", "--prometheus", "http://b"], 2, "give one of them"),
        (["slo", "--canary", "a.csv", "b.csv"], 2, "a.csv: cannot be read (No such file"),
        (["slo", "--canary", "a", "b", "--tolerance", "1"], 2, "--tolerance: found 1 without"),
    ],
)
def test_bad_input_is_a_sentence(
    arguments: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--config", str(EXAMPLE), *arguments]) == code
    assert sentence in capsys.readouterr().err


def test_a_slow_tail_is_seen_where_the_median_is_not() -> None:
    base = [[1 + 0.001 * i + 0.01 * (j % 10) for j in range(200)] for i in range(20)]
    tail = [[value * (5 if j % 40 == 0 else 1) for j, value in enumerate(row)] for row in base]
    slow = [[value * 1.3 for value in row] for row in base]
    same = compare_canary(base, base[::-1], tolerance=0.1, tail_tolerance=0.25)
    assert same.verdict is Verdict.UNCHANGED
    found = compare_canary(base, tail, tolerance=0.1, tail_tolerance=0.25)
    assert (found.middle.verdict, found.tail.verdict) == (Verdict.UNCHANGED, Verdict.REGRESSED)
    assert found.exit_code(strict=False) == 1
    shifted = compare_canary(base, slow, tolerance=0.1, tail_tolerance=0.5)
    assert shifted.middle.verdict is Verdict.REGRESSED
    # The same shift is accepted where the tolerance says so, and the other way round improves.
    assert compare_canary(base, slow, tolerance=0.5, tail_tolerance=0.5).exit_code(strict=True) == 0
    assert compare_canary(slow, base, tolerance=0.1, tail_tolerance=0.1).verdict is Verdict.IMPROVED
    few = compare_canary(base[:2], base[:2], tolerance=0.1, tail_tolerance=0.25)
    assert (few.verdict, few.exit_code(strict=True)) == (Verdict.INCONCLUSIVE, 3)
    assert few.exit_code(strict=False) == 0


def test_durations_are_read_in_groups_or_cut_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("group,seconds\na,1\nb,2\na,3\n")
    assert read_durations(path) == [[1.0, 3.0], [2.0]]
    cut = blocks(list(range(50)))
    assert [len(cut), {len(block) for block in cut}] == [20, {2, 3}]
    assert [value for block in cut for value in block] == list(range(50))
    assert blocks([1.0, 2.0]) == [[1.0], [2.0]]
    path.write_text("seconds\n" + "0.5\n" * 100)
    assert len(read_durations(path)) == 20
    assert run(["slo", "--canary", str(path), str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["canary"]["p99"]["high"] == "Infinity"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("ms\n1\n", "found the columns ms, wanted one named seconds"),
        ("", "found the columns (none)"),
        ("seconds\n", "found no line after the head"),
        ("seconds\n1\n0\n", "a.csv:3: found '0', wanted seconds above zero"),
        ("seconds\nnan\n", "a.csv:2: found 'nan'"),
        ("seconds,group\n,a\n", "a.csv:2: found 'nothing'"),
    ],
)
def test_a_wrong_file_is_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_durations(path)
    assert sentence in str(caught.value)
