"""perfkit, wrk and hey against a fresh server, each with its own words, as processes."""

import json
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERVER = Path(__file__).with_name("server.py")
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, slots=True)
class Ran:
    """What one tool printed, and what it used: processor and wall seconds."""

    text: str
    cpu: float
    wall: float


@contextmanager
def serving(freeze: str = "0:0", workers: str = "0:0") -> Iterator[str]:
    """Hold a server process, and yield its address."""
    command = [sys.executable, str(SERVER), "--freeze", freeze, "--workers", workers]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = server.stdout.readline().strip() if server.stdout else ""
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()


def run(command: Sequence[str]) -> Ran:
    """Run a tool to its end; a failure of perfkit's gate is an answer as well."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if done.returncode not in {0, 1, 3}:
        raise SystemExit(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return Ran(done.stdout, cpu, time.perf_counter() - start)


def perfkit(url: str, rate: float, seconds: float, *more: str) -> tuple[dict[str, Any], Ran]:
    """Run `perfkit load` with constant arrivals; return its JSON document as well."""
    command = [sys.executable, "-m", "perfkit", "load", url, "--json", "--arrivals", "constant"]
    ran = run([*command, "--rate", f"{rate}/s", "--for", f"{seconds}s", *more])
    document: dict[str, Any] = json.loads(ran.text)
    return document, ran


def installed(tool: str) -> bool:
    """Return whether a tool is on the path."""
    return shutil.which(tool) is not None


def wrk(url: str, seconds: float) -> tuple[float, float, Ran]:
    """Run wrk with 10 connections; return its p99 in seconds and its requests a second."""
    ran = run(["wrk", "-t1", "-c10", f"-d{seconds:.0f}s", "--latency", url])
    return _p99(r"99%\s+([\d.]+)(us|ms|s|m)", ran.text), _rate(ran.text), ran


def hey(url: str, rate: float, seconds: float, workers: int) -> tuple[float, float, Ran]:
    """Run hey with workers that share the rate; return its p99 and its requests a second."""
    each = max(1, round(rate / workers))
    ran = run(["hey", "-z", f"{seconds:.0f}s", "-c", str(workers), "-q", str(each), url])
    return _p99(r"99%+ in ([\d.]+) (s)ecs", ran.text), _rate(ran.text), ran


def _p99(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"no p99 in:\n{text}")
    return float(found[1]) * UNITS[found[2]]


def _rate(text: str) -> float:
    found = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if found is None:
        raise SystemExit(f"no rate in:\n{text}")
    return float(found[1])
