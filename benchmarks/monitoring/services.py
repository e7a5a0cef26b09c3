"""The exported files in the real servers, on 127.0.0.1: `make test-services`.

Checks every file with promtool and amtool; lets a real Prometheus scrape counters that begin to
fail, fire, and tell a real Alertmanager, which calls a webhook here; counts objectives in that
Prometheus with `perfkit slo`; lets it scrape `perfkit monitor --serve`, over a restart of that;
measures how long a call takes to the live page, and a fault through `perfkit alerts watch` to the
webhook, five times; and compares verdicts with promtool as promtool.py beside this file does.
Installs nothing: where a program is missing, it says so and ends with 0. Exits 1 where anything is
not as it should be. Runs about eight minutes. With --write-docs, figures go into docs/alerts.md.
"""

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "accuracy"))

from pages import environment, table, write_section
from promtool import Comparison, compare

from perfkit import runtime
from perfkit.monitoring.metric_names import CALLS
from perfkit.monitoring.payloads import webhook
from perfkit.monitoring.routing import Message, Told
from perfkit.runtime.batch import Batch
from perfkit.runtime.bins import Bins
from perfkit.runtime.store import Store
from perfkit.runtime.windows import Calls, Key

PROGRAMS = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "amtool": "prometheus-alertmanager",
    "prometheus-alertmanager": "prometheus-alertmanager",
}
"""Program -> Debian's package that has it."""
EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "example" / "production"
PERFKIT = [sys.executable, "-m", "perfkit"]
LONGEST = 40.0
"""Seconds that the servers have for anything."""
REQUIRED_SECONDS = 3.0
"""From a fault to the webhook, at a step of 1 s."""
REQUIRED_ON_PAGE = 2.0
"""From a call to the live page, seconds."""
FAULTS = 5
"""How often the time from a fault to the webhook is measured."""
ROUNDS, STEPS = 20, 120
"""Of the comparison with promtool."""


class Checks:
    """What was checked, and whether all of it held."""

    def __init__(self) -> None:
        self.done = self.failed = 0

    def __call__(self, what: str, met: object, detail: str = "") -> None:
        """Print one result; the detail where it is not met."""
        self.done += 1
        self.failed += not met
        print(f"{'met    ' if met else 'NOT met'}  {what}" + ("" if met else f"\n{detail}"))


def ran(*words: str, folder: Path, longest: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(
        words, cwd=folder, capture_output=True, text=True, check=False, timeout=longest
    )


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Serve on loopback and yield the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def running(*words: str, folder: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program beside this one and end it."""
    log = (folder / f"{Path(words[0]).name}.log").open("wb")
    with (
        log,
        subprocess.Popen(
            words, cwd=folder, stdout=log, stderr=log, env={**os.environ, **variables}
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=20)


def wait_for(condition: Callable[[], bool], longest: float = LONGEST) -> bool:
    """Whether the condition became true in time."""
    end = time.monotonic() + longest
    while time.monotonic() < end:
        try:
            if condition():
                return True
        except OSError:
            pass  # the server is not up yet
        time.sleep(0.05)
    return False


def hook(bodies: list[dict[str, Any]], arrived: list[float]) -> type[BaseHTTPRequestHandler]:
    """Return what keeps every body that is posted, and when it came."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            arrived.append(time.time())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def exporter(failing: Event) -> type[BaseHTTPRequestHandler]:
    """Return counters that rise with every scrape; from ``failing`` on, half of the calls fail."""
    counts = {"ok": 0, "error": 0}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            counts["ok"] += 50 if failing.is_set() else 100
            counts["error"] += 50 if failing.is_set() else 0
            lines = [
                f'{CALLS}{{component="shop",name="monthly",outcome="{outcome}"}} {count}'
                for outcome, count in counts.items()
            ]
            body = ("\n".join([f"# TYPE {CALLS} counter", *lines]) + "\n").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def check_files(checks: Checks, folder: Path) -> None:
    """Ask the tools about what is exported of the example, and of the example with other levels."""
    configuration = shutil.copytree(EXAMPLE, folder / "config")
    perfkit = [*PERFKIT, "--config", str(configuration)]
    scenario = "config/scenario.yaml"
    for tool in ("prometheus", "alertmanager"):
        done = ran(*perfkit, "export", tool, str(configuration), folder=folder)
        checks(f"perfkit export {tool}", done.returncode == 0, done.stderr)
    for words in (
        ("promtool", "check", "rules", "config/perfkit.rules.yml"),
        ("promtool", "check", "config", "config/prometheus.yml"),
        ("promtool", "test", "rules", scenario),
        ("amtool", "check-config", "config/alertmanager.yml"),
    ):
        done = ran(*words, folder=folder)
        checks(" ".join(words), done.returncode == 0, done.stdout + done.stderr)
    ran(*perfkit, "export", "grafana", str(configuration), folder=folder)
    dashboard = json.loads((configuration / "perfkit-dashboard.json").read_text(encoding="utf-8"))
    queries = [one["expr"] for panel in dashboard["panels"] for one in panel.get("targets", [])]
    rules = [
        {"record": f"panel:{number}", "expr": query.replace("$__rate_interval", "5m")}
        for number, query in enumerate(queries)
    ]
    (folder / "panels.json").write_text(json.dumps({"groups": [{"name": "p", "rules": rules}]}))
    done = ran("promtool", "check", "rules", "panels.json", folder=folder)
    checks(
        f"promtool reads the {len(queries)} queries of the dashboard",
        queries and done.returncode == 0,
        done.stdout + done.stderr,
    )
    path = configuration / "monitoring_config.yaml"
    text = path.read_text(encoding="utf-8")
    for old, new in (("above: 5%", "above: 50%"), ("for: 1min", "for: 10min"), ("10min", "2h")):
        path.write_text(text.replace(old, new), encoding="utf-8")
        ran(*perfkit, "export", "prometheus", str(configuration), folder=folder)
        theirs = ran("promtool", "test", "rules", scenario, folder=folder).returncode
        ours = ran(*perfkit, "alerts", "test", scenario, folder=folder).returncode
        checks(f"{old} made {new} is noticed by both", theirs == 1 and ours == 1)


def fast_configuration(folder: Path, port: int) -> Path:
    """Write a configuration that fires within seconds and tells ``port``; return its folder."""
    configuration = folder / "fast"
    configuration.mkdir()
    rule = {"name": "Fails", "kind": "threshold", "signal": "error-ratio", "above": "5%"}
    receiver = {"name": "hook", "kind": "webhook", "url": f"http://127.0.0.1:{port}/"}
    monitoring = {
        "components": [{"name": "shop"}],
        "alerts": {"interval": "1s", "rules": [{**rule, "window": "10s", "severity": "page"}]},
        "notification": {
            "receivers": [receiver],
            "journal": str(folder / "journal"),
            "group_interval": "1s",
        },
    }
    objective = {"name": "answered", "component": "shop", "target": "99.9%", "window": "1h"}
    for name, values in (
        ("monitoring_config.yaml", monitoring),
        ("performance_thresholds.yaml", {"objectives": [objective]}),
    ):
        (configuration / name).write_text(json.dumps(values), encoding="utf-8")
    return configuration


def check_servers(checks: Checks, folder: Path) -> None:
    """Let real servers scrape, fire and tell; count an objective in Prometheus."""
    bodies: list[dict[str, Any]] = []
    failing = Event()
    with ExitStack() as stack:
        hooked = stack.enter_context(serving(hook(bodies, [])))
        scraped = stack.enter_context(serving(exporter(failing)))
        configuration = fast_configuration(folder, hooked)
        perfkit = [*PERFKIT, "--config", str(configuration)]
        for tool in ("prometheus", "alertmanager"):
            ran(*perfkit, "export", tool, str(folder), folder=folder)
        ours, theirs = free_port(), free_port()
        path = folder / "prometheus.yml"
        text = path.read_text(encoding="utf-8")
        text = text.replace(":9464", f":{scraped}").replace(":9093", f":{theirs}")
        path.write_text(text, encoding="utf-8")
        stack.enter_context(
            running(
                "prometheus-alertmanager",
                "--config.file=alertmanager.yml",
                "--storage.path=alertmanager",
                f"--web.listen-address=127.0.0.1:{theirs}",
                "--cluster.listen-address=",
                folder=folder,
            )
        )
        stack.enter_context(
            running(
                "prometheus",
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=prometheus",
                f"--web.listen-address=127.0.0.1:{ours}",
                folder=folder,
            )
        )
        url = f"http://127.0.0.1:{ours}"

        def objective() -> dict[str, Any]:
            done = ran(*perfkit, "slo", "--prometheus", url, "--json", folder=folder)
            found: list[dict[str, Any]] = json.loads(done.stdout).get("objectives", [{}])
            return found[0]

        met = wait_for(lambda: objective().get("total", 0) >= 400)
        checks("Prometheus scrapes, and perfkit slo counts there", met)
        checks(
            "a clean record of few calls is inconclusive", objective()["state"] == "inconclusive"
        )
        time.sleep(3)
        checks("nobody is told while nothing fails", not bodies, str(bodies))
        failing.set()
        told = wait_for(lambda: bool(bodies))
        checks("Prometheus fires, and Alertmanager calls the webhook", told)
        exceeded = wait_for(lambda: objective()["state"] == "exceeded")
        checks("perfkit slo calls the objective exceeded", exceeded)
        with urlopen(f"{url}/api/v1/rules", timeout=5) as answer:  # noqa: S310  # loopback
            groups = json.load(answer)["data"]["groups"]
        wrong = [r for group in groups for r in group["rules"] if r["health"] != "ok"]
        checks("every rule is healthy in Prometheus", groups and not wrong, str(wrong))
        if told:
            one = Told("0", {"alertname": "A"}, {}, 0.0, None)
            own = webhook(Message("hook", {}, (one,), 0.0))
            checks("the webhook's keys are ours", set(own) == set(bodies[0]), str(bodies[0]))
            alert = bodies[0]["alerts"][0]
            checks("an alert's keys are ours", set(own["alerts"][0]) == set(alert), str(alert))


def value_of(url: str, query: str) -> float:
    """Return the single value of a query to Prometheus; NaN where it has none."""
    with urlopen(f"{url}/api/v1/query?query={quote(query)}", timeout=5) as answer:  # noqa: S310  # loopback
        found = json.load(answer)["data"]["result"]
    return float(found[0]["value"][1]) if len(found) == 1 else float("nan")


def check_exporter(checks: Checks, folder: Path) -> None:
    """Let promtool read what `monitor --serve` says, and Prometheus scrape it over a restart."""
    path, port, theirs = folder / "telemetry.sqlite", free_port(), free_port()
    configuration = shutil.copytree(EXAMPLE, folder / "config")
    perfkit = [*PERFKIT, "--config", str(configuration)]
    key, slow = Key("shop", 'say "hi"\n'), 300_000_000

    def record(calls: int, errors: int) -> None:
        counted = Calls(calls - errors, errors, 0, calls * slow, slow, Bins([slow] * calls))
        with Store(path) as store:
            store.add(Batch(int(time.time()), calls={key: counted, Key("mcp", "sum"): counted}))

    serve = [*perfkit, "monitor", "--serve", f"127.0.0.1:{port}", "--store", str(path)]
    record(100, 0)
    ran(*perfkit, "export", "prometheus", str(folder), folder=folder)
    scrape = folder / "prometheus.yml"
    text = scrape.read_text(encoding="utf-8").replace(":9464", f":{port}").replace("15s", "1s")
    scrape.write_text(text, encoding="utf-8")
    url, metrics = f"http://127.0.0.1:{theirs}", f"http://127.0.0.1:{port}/metrics"
    errors = 'sum(perfkit_calls_total{component="shop",outcome="error"})'
    with ExitStack() as stack:
        served = ExitStack()
        stack.callback(served.close)
        served.enter_context(running(*serve, folder=folder))

        def scraped() -> str:
            with urlopen(metrics, timeout=5) as answer:  # loopback
                return str(answer.read().decode())

        checks("perfkit monitor --serve answers", wait_for(lambda: bool(scraped())))
        done = subprocess.run(
            ["promtool", "check", "metrics"],
            input=scraped(),
            capture_output=True,
            text=True,
            check=False,
        )
        checks("promtool check metrics", done.returncode == 0 and not done.stderr, done.stderr)
        words = ["--storage.tsdb.path=tsdb", f"--web.listen-address=127.0.0.1:{theirs}"]
        stack.enter_context(running("prometheus", f"--config.file={scrape}", *words, folder=folder))
        checks(
            "Prometheus scrapes it, errors are 0 before the first one",
            wait_for(lambda: value_of(url, errors) == 0),
        )
        record(50, 20)
        checks("and then their number", wait_for(lambda: value_of(url, errors) == 20))
        raised = f"increase({errors.removeprefix('sum(').removesuffix(')')}[1m])"
        rise = wait_for(lambda: value_of(url, raised) >= 19)
        checks("the first failures are a rise", rise, str(value_of(url, raised)))
        within = 'perfkit_call_duration_seconds_bucket{component="shop",le="%s"}'
        met = value_of(url, within % "0.25") == 0 and value_of(url, within % "0.5") == 150
        checks("its buckets count what the store has", met)
        served.close()
        with Store(path, clock=lambda: time.time() + 10**9) as store:
            store.prune()
        served.enter_context(running(*serve, folder=folder))
        back = wait_for(lambda: bool(scraped()))
        record(1, 1)
        back = back and wait_for(lambda: value_of(url, errors) == 21)
        counters = ("calls_total", "call_duration_seconds_bucket", "call_duration_seconds_sum")
        fallen = " + ".join(f"sum(resets(perfkit_{one}[5m]))" for one in counters)
        resets = value_of(url, fallen)
        checks("no counter falls over a restart and retention", back and resets == 0, str(resets))
        wrong = value_of(url, "count(up != 1) or vector(0)")
        checks("the target is healthy", wrong == 0, str(wrong))


def check_page(checks: Checks, folder: Path) -> list[float]:
    """Measure the time (seconds) from a call to the open page, at ten phases of a second."""
    path, port, seconds = folder / "telemetry.sqlite", free_port(), []
    runtime.start(path, component="shop")
    serve = [*PERFKIT, "monitor", "--serve", f"127.0.0.1:{port}", "--store", str(path)]
    try:
        with running(*serve, folder=folder):
            events = f"http://127.0.0.1:{port}/events"

            def answers() -> bool:
                with urlopen(events, timeout=5) as stream:  # loopback
                    return bool(stream.readline())

            wait_for(answers)
            with urlopen(events, timeout=20) as stream:  # loopback
                for number in range(10):
                    time.sleep(1 - (time.time() - number / 10) % 1)
                    began = time.time()
                    with runtime.track(f"order {number}"):
                        pass
                    while f"order {number}<".encode() not in stream.readline():
                        pass
                    seconds.append(time.time() - began)
    finally:
        runtime.stop()
    worst = max(seconds)
    checks(
        f"call to page in {worst:.2f} s at most of {len(seconds)} (<= {REQUIRED_ON_PAGE:g} s)",
        worst <= REQUIRED_ON_PAGE,
        str(seconds),
    )
    return seconds


def check_delay(checks: Checks, folder: Path) -> list[float]:
    """Measure the time (seconds) from a fault to the webhook, through the store and alerts watch.

    Faults begin at different phases of a second.
    """
    bodies: list[dict[str, Any]] = []
    arrived: list[float] = []
    path, ended, failing = folder / "telemetry.sqlite", Event(), Event()

    def application() -> None:
        with Store(path) as store:
            while not ended.is_set():
                second = int(time.time())
                time.sleep(max(0.0, second + 1 - time.time()))
                bad = 50 if failing.is_set() else 0
                calls = Calls(100 - bad, bad, 0, 10**9, 10**7, Bins([10**7] * 100))
                store.add(Batch(second, calls={Key("shop", "monthly"): calls}))

    seconds = []
    thread = Thread(target=application)
    thread.start()
    try:
        with serving(hook(bodies, arrived)) as port:
            configuration = fast_configuration(folder / "delay", port)
            words = ["alerts", "watch", "--store", str(path)]
            wait_for(path.exists)
            time.sleep(2)
            with running(*PERFKIT, "--config", str(configuration), *words, folder=folder):
                time.sleep(5)
                checks("nobody is told while nothing fails", not bodies, str(bodies))
                for number in range(FAULTS):
                    time.sleep(1 - (time.time() - number / FAULTS) % 1)
                    before, fault = len(arrived), time.time()
                    failing.set()
                    if not wait_for(lambda before=before: len(arrived) > before, 10):  # type: ignore[misc]  # bound now
                        seconds.append(float("inf"))
                        break
                    seconds.append(arrived[before] - fault)
                    failing.clear()
                    over = wait_for(lambda: bodies[-1]["status"] == "resolved")
                    checks(f"fault {number + 1} is told, and its end", over, str(bodies[-1]))
    finally:
        ended.set()
        thread.join()
    worst = max(seconds)
    checks(
        f"fault to webhook in {worst:.2f} s at most of {len(seconds)} (<= {REQUIRED_SECONDS:g} s)",
        worst <= REQUIRED_SECONDS,
        str(seconds),
    )
    return seconds


def versions() -> str:
    """Return the servers with their versions."""
    found = []
    for program in ("prometheus", "prometheus-alertmanager"):
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        number = re.search(r"version (\S+)", done.stdout + done.stderr)
        found.append(f"{program} {number[1] if number else 'of unknown version'}")
    return ", ".join(found)


def section(
    checks: Checks, on_page: list[float], delays: list[float], compared: Comparison
) -> list[str]:
    """Return the part of the page with what was measured."""
    rows = [
        [
            f"fault to webhook, of {len(delays)}, at a step of 1 s",
            f"{min(delays):.2f} to {max(delays):.2f} s",
            f"<= {REQUIRED_SECONDS:g} s",
        ],
        [
            f"call to the open page, of {len(on_page)}",
            f"{min(on_page):.2f} to {max(on_page):.2f} s",
            f"<= {REQUIRED_ON_PAGE:g} s",
        ],
        ["generated series judged by perfkit and promtool", str(compared.series), ">= 200"],
        ["verdicts on them, and how many fire", f"{compared.verdicts}, {compared.firing}", ""],
        [
            "rounds with another verdict",
            f"{compared.differing} of {len(compared.rounds)}",
            "0",
        ],
        [
            "thresholds moved one at a time that promtool noticed",
            f"{compared.noticed} of {compared.moves}",
            "all",
        ],
        ["checks of the real servers", f"{checks.done - checks.failed} of {checks.done}", "all"],
    ]
    return [
        f"`python benchmarks/monitoring/services.py`, {environment('perfkit')}, {versions()}.",
        "",
        *table(["what", "measured", "required"], rows),
        "",
        f"Required: {'met' if not checks.failed else 'NOT met'}.",
    ]


def main() -> int:
    """Run every check; return 1 where one is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args()
    missing = {PROGRAMS[program] for program in PROGRAMS if shutil.which(program) is None}
    if missing:
        print(
            "test-services: skipped, as the real servers are not installed here (Debian: apt-get "
            f"install {' '.join(sorted(missing))}); nothing was checked."
        )
        return 0
    checks = Checks()
    with TemporaryDirectory(prefix="perfkit-services-") as folder:
        inner = [Path(folder, name) for name in ("files", "servers", "exporter", "page", "delay")]
        for one in inner:
            one.mkdir()
        check_files(checks, inner[0])
        check_servers(checks, inner[1])
        check_exporter(checks, inner[2])
        on_page = check_page(checks, inner[3])
        (inner[4] / "delay").mkdir()
        delays = check_delay(checks, inner[4])
    compared = compare(ROUNDS, STEPS)
    checks("the same verdicts as promtool", compared.met, "\n".join(compared.lines()))
    text = section(checks, on_page, delays, compared)
    print("", *text, f"{checks.failed} not met", sep="\n")
    if options.write_docs:
        write_section("services", "\n".join(text), "alerts.md")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
