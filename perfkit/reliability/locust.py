"""The same plan on Locust: written as a locustfile, run by a master and workers, read back."""

import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, closing
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from perfkit.config.load_plan import LoadPlan
from perfkit.config.load_settings import PlannedRequest
from perfkit.errors import MeasurementError, UsageError
from perfkit.model import LoadResult
from perfkit.process_group import end_group, wait
from perfkit.reliability.arrivals import Arrivals, Stage, arrivals
from perfkit.reliability.bound import bound_to_us
from perfkit.reliability.hosts import check_address, joined, resolve
from perfkit.reliability.judge import judge_load
from perfkit.reliability.load import bounded_stages, objectives_of
from perfkit.reliability.opening import choice_of
from perfkit.reliability.record import LoadRecord, Outcome
from perfkit.reliability.summary import summarize

START_SECONDS = 60.0
"""What master and workers may take beside the plan: importing Locust takes seconds."""

LAST_LINES = 5

DEGRADED = "X-Degraded"
"""The header by which an answer says that it is not the real one, as for perfkit's own sender."""

EXPLAINED = (
    "sent by Locust when due, and latency counts from then; Locust itself says p99 {p99:.0f} ms of"
    " {requests} requests, from when it sent each"
)


def run_on_locust(plan: LoadPlan, *, workers: int, owned: bool) -> tuple[LoadRecord, LoadResult]:
    """Send the load of ``plan`` from ``workers`` processes; return every request, and the result.

    Locust's users wait for their answer before they go on, so that they would send less to a
    server that stalls. The written locustfile sends each request when it is due instead.

    Raises:
        UsageError: Locust is not installed, or the target is no address that it can be given.
        MeasurementError: Locust gave no result.
    """
    if find_spec("locust") is None:
        raise UsageError("--engine locust needs Locust: install perfkit[locust]")
    if not plan.target.startswith(("http://", "https://")):
        raise UsageError(f"{plan.target}: --engine locust is for http and https addresses")
    check_address(plan.target, owned=owned, resolve=resolve)
    stages = bounded_stages(plan)
    rng = np.random.default_rng(plan.seed)
    planned = arrivals(stages, plan.arrivals, rng)
    choice = choice_of(plan.requests, rng)
    with TemporaryDirectory(prefix="perfkit-") as scratch:
        result = Path(scratch, "result.json")
        written = Path(scratch, "plan.json")
        document = _document(plan, planned, choice, workers=workers, result=result)
        written.write_text(json.dumps(document), encoding="utf-8")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = START_SECONDS + sum(stage.seconds for stage in stages) + plan.timeout
        _run(written, Path(scratch), workers=workers, seconds=seconds)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if not result.exists():
            said = Path(scratch, "said").read_text(errors="replace").strip().splitlines()
            raise MeasurementError(f"Locust gave no result: {' '.join(said[-LAST_LINES:])}")
        found = json.loads(result.read_text(encoding="utf-8"))
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    record = record_of(found["rows"], planned, stages, cpu_seconds=used)
    own = found["locust"]
    note = EXPLAINED.format(p99=own["p99_seconds"] * 1e3, requests=own["requests"])
    judged = judge_load(record, objectives_of(plan), seed=plan.seed)
    return record, summarize(
        record, judged, target=plan.target, arrivals=plan.arrivals, notes=(note,)
    )


def _document(
    plan: LoadPlan, planned: Arrivals, choice: Sequence[int], *, workers: int, result: Path
) -> dict[str, Any]:
    kinds = plan.requests or (PlannedRequest(),)
    return {
        "host": plan.target,
        "due": planned.due.tolist(),
        "choice": list(choice),
        "requests": [
            {
                "method": one.method,
                "url": joined(plan.target, one.path),
                "headers": one.headers,
                "body": one.body,
            }
            for one in kinds
        ],
        "timeout": plan.timeout,
        "most_waiting": max(1, plan.most_waiting // workers),
        "workers": workers,
        "degraded": DEGRADED,
        "result": str(result),
    }


def _run(plan: Path, folder: Path, *, workers: int, seconds: float) -> None:
    """Run master and workers to their end; none of them is left."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {**os.environ, "PERFKIT_LOCUST_PLAN": str(plan)}
    with ExitStack() as stack:
        template = files("perfkit.reliability") / "templates" / "locustfile.py"
        locustfile = stack.enter_context(as_file(template))
        sink = stack.enter_context((folder / "said").open("wb"))
        common = [sys.executable, "-m", "locust", "-f", str(locustfile), "--headless"]
        common += ["--loglevel", "WARNING"]
        users = ["--users", str(workers), "--spawn-rate", str(workers)]
        ends = ["--run-time", f"{seconds:.0f}s", "--exit-code-on-error", "0"]
        bound = ["--master-bind-host", "127.0.0.1", "--master-bind-port", port]
        master = [*common, "--master", "--expect-workers", str(workers), *users, *ends, *bound]
        worker = [*common, "--worker", "--master-host", "127.0.0.1", "--master-port", port]

        def start(command: Sequence[str]) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                bound_to_us(command, environ=environment, cwd=folder),
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            stack.callback(end_group, process)
            return process

        first = start(master)
        others = [start(worker) for _ in range(workers)]
        try:
            wait(first, seconds + START_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise MeasurementError("Locust did not end in time") from error
        end = time.monotonic() + LAST_SECONDS
        while time.monotonic() < end and any(one.poll() is None for one in others):
            time.sleep(0.02)


LAST_SECONDS = 3.0
"""What workers get to end by themselves, once the master has."""


def record_of(
    rows: Sequence[Sequence[Any]],
    planned: Arrivals,
    stages: Sequence[Stage],
    *,
    cpu_seconds: float,
) -> LoadRecord:
    """Return what the workers told of every request; one that none told of was not due.

    ``rows`` hold index, sent, done (seconds, or None), outcome and reason.
    """
    count = len(planned)
    sent, done, ended = (np.full(count, np.nan) for _ in range(3))
    outcome = np.full(count, Outcome.UNSENT, dtype=np.int8)
    errors: Counter[str] = Counter()
    degradations: Counter[str] = Counter()
    for index, sent_at, done_at, how, reason in rows:
        outcome[index] = Outcome[how.upper()]
        sent[index] = np.nan if sent_at is None else sent_at
        ended[index] = planned.due[index] if done_at is None else done_at
        if how in {"ok", "degraded"}:
            done[index] = done_at
        if how == "degraded":
            degradations[reason] += 1
        elif how != "ok":
            errors[reason] += 1
    return LoadRecord(
        due=planned.due,
        sent=sent,
        done=done,
        ended=ended,
        outcome=outcome,
        stage=planned.stage,
        stages=tuple(stages),
        errors=dict(errors.most_common()),
        degradations=dict(degradations.most_common()),
        seconds=float(np.nanmax(ended, initial=0.0)),
        cpu_seconds=cpu_seconds,
        interrupted=bool((outcome == Outcome.UNSENT).any()),
    )
