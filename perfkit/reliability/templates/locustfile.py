"""A plan of perfkit load on Locust: every request is sent when it is due, whatever came before.

The file that PERFKIT_LOCUST_PLAN names says when and what. Locust's own figures count from when a
request was sent; each worker also keeps when it was due, and the master writes all of them.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]
from gevent.event import AsyncResult  # type: ignore[import-untyped]
from gevent.pool import Group  # type: ignore[import-untyped]
from locust import FastHttpUser, events, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

PLAN = json.loads(Path(os.environ["PERFKIT_LOCUST_PLAN"]).read_text(encoding="utf-8"))
ROWS_IN_A_MESSAGE = 5000
FIRST_FAILURE = 400

begin: AsyncResult = AsyncResult()
"""Of a worker: its number, and the moment at which the load begins."""


class Planned(FastHttpUser):
    """The only user of a worker: it sends that worker's share of the plan."""

    host = PLAN["host"]
    network_timeout = connection_timeout = PLAN["timeout"]
    concurrency = PLAN["most_waiting"]

    @task
    def send_all(self) -> None:
        """Send what is due, wait for the answers, and tell the master."""
        told = begin.get()
        start = time.perf_counter() + told["at"] - time.time()
        # A redirect is an answer.
        self.client.client.redirect_response_codes = frozenset()  # type: ignore[misc]
        rows: list[list[Any]] = []
        waiting = Group()
        for index in range(told["number"], len(PLAN["due"]), PLAN["workers"]):
            due = PLAN["due"][index]
            # Zero lets the others read their answers.
            gevent.sleep(max(0.0, due - (time.perf_counter() - start)))
            if len(waiting) >= PLAN["most_waiting"]:
                now = time.perf_counter() - start
                rows.append([index, None, now, "missed", "too many were waiting for an answer"])
            else:
                waiting.spawn(self._send_one, index, start, rows)
        waiting.join()
        runner = self.environment.runner
        for first in range(0, len(rows), ROWS_IN_A_MESSAGE):
            runner.send_message("perfkit-rows", {"rows": rows[first : first + ROWS_IN_A_MESSAGE]})
        runner.send_message("perfkit-done", {})
        gevent.sleep(PLAN["timeout"] + 60)  # the master ends this

    def _send_one(self, index: int, start: float, rows: list[list[Any]]) -> None:
        request = PLAN["requests"][PLAN["choice"][index % len(PLAN["choice"])]]
        sent = time.perf_counter() - start
        answer = self.client.request(
            request["method"], request["url"], data=request["body"], headers=request["headers"]
        )
        done = time.perf_counter() - start
        if 0 < answer.status_code < FIRST_FAILURE:
            degraded = (answer.headers or {}).get(PLAN["degraded"])
            how = "ok" if degraded is None else "degraded"
            rows.append([index, sent, done, how, degraded or ""])
        elif answer.status_code:
            rows.append([index, sent, done, "error", f"HTTP {answer.status_code}"])
        else:
            late = done - sent >= PLAN["timeout"]
            reason = type(getattr(answer, "error", None)).__name__
            rows.append([index, sent, done, "timeout" if late else "error", reason])


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust's own is not typed
def prepare(environment: Environment, **more: object) -> None:
    """Let master and workers understand each other's messages."""
    del more
    runner = environment.runner
    if isinstance(runner, WorkerRunner):
        runner.register_message("perfkit-begin", lambda msg, **_: begin.set(msg.data))
    if isinstance(runner, MasterRunner):
        _prepare_master(runner, environment)


def _prepare_master(runner: MasterRunner, environment: Environment) -> None:
    rows: list[list[Any]] = []
    done: list[str] = []

    def begin_all(**more: object) -> None:
        del more
        at = time.time() + 1.0
        for number, worker in enumerate(sorted(runner.clients)):
            runner.send_message("perfkit-begin", {"number": number, "at": at}, worker)

    def collect(msg: Any, **more: object) -> None:  # noqa: ANN401 - Locust's message
        del more
        rows.extend(msg.data["rows"])

    def end(msg: Any, **more: object) -> None:  # noqa: ANN401 - the same
        del more
        done.append(msg.node_id)
        if len(done) < PLAN["workers"]:
            return
        # The workers' own figures come every three seconds, and may not be complete here.
        total = environment.stats.total
        own = {
            "requests": total.num_requests,
            "p99_seconds": (total.get_response_time_percentile(0.99) or 0) / 1000,
        }
        part = Path(PLAN["result"] + ".part")
        part.write_text(json.dumps({"rows": rows, "locust": own}), encoding="utf-8")
        part.rename(PLAN["result"])
        runner.quit()

    environment.events.spawning_complete.add_listener(begin_all)  # type: ignore[no-untyped-call]
    runner.register_message("perfkit-rows", collect)
    runner.register_message("perfkit-done", end)
