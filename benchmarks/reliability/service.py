"""The reference service at its declared production rate: steady, killed, and 200 ms late.

Five loads of `--seconds` each, by `perfkit load` and `perfkit chaos run`, on the service of the
reference workload (MCP over HTTP, `benchmarks/workload`): as it is; with one kill -9 in the middle
and a new start, through the guarded client; with 200 ms of latency before every answer; with six
kills through the guarded client; and with the same six kills without a guard. Latency counts from
when a request was due, and a failed request is slower than any answer.

Exits 1 where a requirement is not met, or cannot be told. `--write-docs` puts the table into
docs/workload.md; its figures need a machine that does nothing else.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "accuracy"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workload"))

import yaml
from pages import environment, table, write_section

from perfkit.reporting.load_text import seconds as shown
from perfkit.reporting.load_text import share
from perfkit.stats import share_interval
from workload.lecture import synthetic_lecture
from workload.service import PRODUCTION_P99, PRODUCTION_RATE
from workload.subtitles import parse

WORKLOAD = Path(__file__).resolve().parents[1] / "workload"
FEWEST, FEWEST_WITH_KILLS = 6000, 2995
KILLS = 6
ADDED = 0.2
"""Seconds of latency before every answer, in the load that has it."""
MOST_LAG = 5e-3
"""Seconds that the generator may be late (p99) for a load to be the planned one."""

GUARDED, PLAIN = "workload.client:guarded_cue", "workload.client:plain_cue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One load: counts, and seconds, None where so many requests failed."""

    name: str
    due: int
    ok: int
    degraded: int
    failed: int
    p50: float | None
    p99: float | None
    lag_p99: float
    status: str
    faults: tuple[dict[str, Any], ...] = ()

    @property
    def on_time(self) -> bool:
        """Whether the generator kept its plan."""
        return self.lag_p99 <= MOST_LAG

    @property
    def hits(self) -> int:
        """How often its faults hit: kills that were done, requests that were late."""
        return sum(one["hits"] for one in self.faults)

    @property
    def in_time(self) -> bool:
        """Whether the p99 is within what the service promises."""
        return self.p99 is not None and self.p99 < PRODUCTION_P99

    def row(self) -> list[str]:
        """Return the cells of the table."""
        found = share_interval(self.due - self.ok, self.due)
        return [
            self.name,
            str(self.due),
            str(self.failed),
            str(self.degraded),
            *(shown(float("inf") if one is None else one) for one in (self.p50, self.p99)),
            f"{share(found.estimate)} [{share(found.low)}, {share(found.high)}]",
            _recovery(self.faults),
            shown(self.lag_p99),
        ]


def _recovery(faults: tuple[dict[str, Any], ...]) -> str:
    """Return the longest time until a client saw the last of a fault."""
    found = [one["recovered_after"] for one in faults if one["recovered_after"] is not None]
    return shown(max(found)) if found else ""


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each load")
    parser.add_argument("--rate", type=float, default=PRODUCTION_RATE, help="requests a second")
    parser.add_argument("--write-docs", action="store_true", help="update docs/workload.md")
    options = parser.parse_args()
    found = list(measured(options.seconds, options.rate))
    lines = [
        "### At its production rate",
        "",
        f"`python benchmarks/reliability/service.py`, {environment('mcp', 'aiohttp', 'uvloop')}.",
        "",
        (
            f"{options.rate:g} requests a second for {options.seconds:g} s each, constant arrivals;"
            " the load, the client and the server share the machine. A degraded answer is not"
            " available."
        ),
        "",
        *table(
            [
                *("load", "requests", "failed", "degraded", "p50", "p99"),
                *("availability [each end 95 %]", "recovered after", "generator's lag p99"),
            ],
            [one.row() for one in found],
        ),
        "",
        *(f"Required: {wanted}: {answer}." for wanted, answer in judged(found)),
    ]
    print("\n".join(lines))
    if options.write_docs:
        write_section("service", "\n".join(lines), "workload.md")
    return 0 if all(answer == "met" for _, answer in judged(found)) else 1


def judged(found: list[Measured]) -> Iterator[tuple[str, str]]:
    """Yield each requirement, and whether it is met."""
    steady, killed, late, guarded, plain = found
    # Without its fault a load shows nothing of it, however good its figures are.
    slowed = late.p50 is not None and late.p50 >= ADDED
    for one, there in ((steady, True), (killed, killed.hits == 1), (late, slowed)):
        met = one.due >= FEWEST and one.in_time and one.status == "passed" and there
        yield (
            f"{one.name}: at least {FEWEST} requests, p99 below {PRODUCTION_P99:g} s",
            _answer(met=met, sure=one.on_time),
        )
    kept = guarded.due >= FEWEST_WITH_KILLS and not guarded.failed and guarded.status == "passed"
    yield (
        f"{guarded.name}: at least {FEWEST_WITH_KILLS} requests, none failed",
        _answer(met=kept and guarded.hits == KILLS, sure=True),
    )
    yield (
        f"{plain.name}: the failures are counted",
        _answer(met=plain.failed > 0 and plain.hits == KILLS, sure=True),
    )


def _answer(*, met: bool, sure: bool) -> str:
    if not met:
        return "NOT met"
    return "met" if sure else "cannot be told: the generator was late"


def measured(seconds: float, rate: float) -> Iterator[Measured]:
    """Yield the five loads."""
    port = free_port()
    start = f"{sys.executable} -m workload.service --port {port}"
    texts = [cue.text for cue in parse(synthetic_lecture().srt)]
    over_mcp = {
        "target": f"mcp:http://127.0.0.1:{port}/mcp",
        "requests": [{"tool": "process_cue", "arguments": {"text": text}} for text in texts],
    }
    once = [{"at": f"{seconds / 2}s", "lasts": "0s", "kind": "kill"}]
    often = [
        {"at": f"{seconds * (number + 0.5) / KILLS}s", "lasts": "0s", "kind": "kill"}
        for number in range(KILLS)
    ]
    slow = {
        "at": "0s",
        "lasts": f"{seconds}s",
        "kind": "latency",
        "measures": {"delay": f"{ADDED}s"},
    }
    common = {"rate": f"{rate:g}/s", "arrivals": "constant", "timeout": "5s", "warm": "3s"}
    # No fault at all is no experiment: a load by itself, on a service that is held meanwhile.
    with running(start, port):
        document = perfkit({**over_mcp, **common, "hold": f"{seconds}s"}, port, "load", "--plan")
    yield of("as it is", document)
    for name, target, faults in (
        ("one kill -9, guarded client", {"target": GUARDED}, once),
        ("200 ms of latency", over_mcp, [slow]),
        (f"{KILLS} kills, guarded client", {"target": GUARDED}, often),
        (f"{KILLS} kills, without a guard", {"target": PLAIN}, often),
    ):
        plan = {
            "name": name,
            "start": start,
            "ready": f"127.0.0.1:{port}",
            "ready_within": "60s",
            "steady": "5s",
            "method": f"{seconds}s",
            "load": {**target, **common},
            "faults": faults,
        }
        document = perfkit(plan, port, "chaos", "run")
        if not document["meanwhile"]:
            raise SystemExit(f"{name}: {document['reason']}")
        yield of(name, document)


def of(name: str, document: dict[str, Any]) -> Measured:
    """Return the judged stage of a document: of a load, or of an experiment's load with faults."""
    stages = document.get("meanwhile", document)["stages"]
    (stage,) = (one for one in stages if one["judged"])
    return Measured(
        name=name,
        due=stage["due"],
        ok=stage["ok"],
        degraded=stage["degraded"],
        failed=stage["errors"] + stage["timeouts"] + stage["missed"],
        p50=stage["latency"]["p50"],
        p99=stage["latency"]["p99"],
        lag_p99=stage["lag_p99"],
        status=document["status"],
        faults=tuple(document.get("faults", ())),
    )


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _environ(port: int) -> dict[str, str]:
    path = os.pathsep.join([str(WORKLOAD), *filter(None, [os.environ.get("PYTHONPATH")])])
    url = f"http://127.0.0.1:{port}/mcp"
    return {**os.environ, "PYTHONPATH": path, "WORKLOAD_URL": url}


class running:  # noqa: N801 - read as a statement
    """Hold the service while a load by itself is sent."""

    def __init__(self, command: str, port: int) -> None:
        self._process = subprocess.Popen(
            command.split(), env=_environ(port), stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> None:
        if self._process.stdout is None or not self._process.stdout.readline():
            raise SystemExit("the service does not start")

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait(30)


def perfkit(plan: dict[str, Any], port: int, *verb: str) -> dict[str, Any]:
    """Run a verb on a plan and return its JSON document; what it says goes to stderr."""
    with tempfile.TemporaryDirectory(prefix="perfkit-service-") as folder:
        path = Path(folder, "plan.yaml")
        path.write_text(yaml.safe_dump(plan, allow_unicode=True, sort_keys=False), "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "perfkit", *verb, str(path), "--json"],
            env=_environ(port),
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    document: dict[str, Any] = json.loads(done.stdout)
    if "error" in document:
        raise SystemExit(document["error"]["message"])
    return document


if __name__ == "__main__":
    sys.exit(main())
