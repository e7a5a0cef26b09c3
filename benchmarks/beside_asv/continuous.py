"""A planted +10 % on a quiet benchmark: how long until perfkit, and asv, say so?

Both measure the same two commits of a scratch project with the same asv_runner and their own
processes, builds and statistics; their wall time is real. The benchmark reads a clock of its own,
work done times log-normal noise of ``--between`` percent between processes and 1 % within, so that
it is as quiet on a busy machine as on an idle one. ``--clock cpu`` reads CPU time instead.

asv's number of rounds is the smallest that gives it perfkit's power at perfkit's rate of false
alarms, by resampling processes of this very benchmark recorded just before. asv gets the factor
that equals perfkit's floor: at its default of 1.1 it finds +10 % half of the time at best.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from beside import asv_rule, main, percent, table

from perfkit.config.thresholds import Thresholds
from perfkit.model import Shift, Verdict
from perfkit.stats import SequentialComparison, judge_suite, needs_confirmation
from perfkit.stats.first_sight import FEWEST

FLOOR = 0.05
FALSE_ALARMS = Thresholds().regression.alpha
MOST_ROUNDS = 12
LIMIT = 0.5
COMMITS = ("HEAD~1", "HEAD")
COLUMNS = [
    *("run", "tool", "verdict", "wheels built", "installs"),
    *("wall, s", "CPU, s", "wall ratio", "CPU ratio"),
]
ASV_REPEAT = 5
"""Values that asv takes in each process when there is more than one."""

FILES = {
    "quiet/__init__.py": """\
done = 0

def work(n):
    global done
    total = 0
    for value in range(n):
        total += value * value % 7
        done += 1
    return total
""",
    "pyproject.toml": """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "quiet"
version = "1"
""",
    "asv.conf.json": json.dumps(
        {
            "version": 1,
            "project": "quiet",
            "repo": ".",
            "branches": ["main"],
            "environment_type": "virtualenv",
            "benchmark_dir": "benchmarks",
            "env_dir": ".asv/env",
            "results_dir": ".asv/results",
            "html_dir": ".asv/html",
            # asv's own default runs `python -m build` first, and wants it in every environment.
            "build_command": ["python -m pip wheel --no-deps -w {build_cache_dir} {build_dir}"],
        }
    ),
    "benchmarks/__init__.py": "",
    ".gitignore": ".asv/\n.perfkit/\n__pycache__/\n",
}

CLOCKS = {
    "work": """\
import math
import os
import quiet
from random import SystemRandom

random = SystemRandom()  # asv forks processes that share the state of any other
seen, elapsed, levels = 0, 0.0, {}

def clock():
    global seen, elapsed
    level = levels.setdefault(os.getpid(), math.exp(random.gauss(0, BETWEEN)))
    elapsed += (quiet.done - seen) * 1e-7 * level * math.exp(random.gauss(0, 0.01))
    seen = quiet.done
    return elapsed
""",
    "cpu": "from time import process_time as clock\n",
}

BENCHMARK = """
from quiet import work

def time_work():
    work(50_000)
time_work.timer = clock
"""

Processes = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Timed:
    """One run of a tool: seconds of wall time and of CPU, what it printed, and its exit code."""

    wall: float
    cpu: float
    output: str
    code: int


class Scratch:
    """A repository of two commits, the second 10 % slower, and a home of its own for asv."""

    def __init__(self, folder: Path, clock: str, between: int) -> None:
        code = CLOCKS[clock].replace("BETWEEN", str(between / 100)) + BENCHMARK
        self.root = folder / "quiet"
        home = folder / "home"
        home.mkdir()
        cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pip"
        self.environment = {
            **os.environ,
            "HOME": str(home),
            "PIP_CACHE_DIR": str(cache),
            "OPENBLAS_NUM_THREADS": "1",
            **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "You"),
            **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "you@example.org"),
        }
        for name, text in {**FILES, "benchmarks/loops.py": code}.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.run("git", "init", "--quiet", "--initial-branch=main")
        self.commit("first")
        slower = FILES["quiet/__init__.py"].replace("range(n)", "range(n + n // 10)")
        (self.root / "quiet" / "__init__.py").write_text(slower)
        self.commit("ten percent more")
        self.asv("machine", "--yes")

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)

    def run(self, *command: str) -> Timed:
        """Run a command in the repository; one that takes ten minutes is an error."""
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        wall, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Timed(wall, cpu, done.stdout + done.stderr, done.returncode)

    def asv(self, *words: str) -> Timed:
        """Run asv."""
        return self.run(sys.executable, "-m", "asv", *words)

    def perfkit(self, *words: str) -> Timed:
        """Run perfkit."""
        return self.run(sys.executable, "-m", "perfkit", *words)

    def builds(self) -> int:
        """Return how many builds perfkit keeps; each is one wheel built and installed."""
        return sum(one.is_dir() for one in (self.root / ".perfkit" / "builds").glob("*"))

    def forget(self) -> None:
        """Remove every build and environment."""
        for name in (".asv", ".perfkit"):
            rmtree(self.root / name, ignore_errors=True)


def recorded(scratch: Scratch, processes: int) -> Processes:
    """Return the values of fresh processes of the benchmark on the first commit."""
    done = scratch.perfkit(*("bench", "HEAD~1", "--no-store", "--rounds", str(processes), "--json"))
    if done.code != 0:
        sys.exit(done.output)
    document = json.loads(done.output[done.output.index("{") : done.output.rindex("}") + 1])
    found: Processes = document["benchmarks"][0]["processes"]
    return found


def drawn(known: Processes, random: np.random.Generator, n: int, effect: float) -> Processes:
    """Return ``n`` of the processes, drawn with replacement and made slower."""
    return [[effect * v for v in known[i]] for i in random.integers(0, len(known), n)]


def perfkit_says(known: Processes, random: np.random.Generator, effect: float) -> tuple[int, int]:
    """Return (-1, 0 or 1 for the verdict, rounds) of one simulated comparison with defaults."""
    rule = Thresholds().regression
    rounds = 0

    def measured(start: int) -> Shift:
        nonlocal rounds
        base, head = (drawn(known, random, rule.max_rounds, one) for one in (1.0, effect))
        look = SequentialComparison(floor=FLOOR, alpha=rule.alpha, max_rounds=rule.max_rounds)
        for n in range(start, rule.max_rounds + 1):
            shift = look.look(base[:n], head[:n])
            if shift.verdict is not Verdict.INCONCLUSIVE or shift.suspected is not None:
                break
        rounds += n
        return shift

    first = {"": measured(FEWEST)}
    again = {key: measured(rule.min_rounds) for key in needs_confirmation(first)}
    verdict = judge_suite(first, alpha=rule.alpha, confirmations=again)[""].verdict
    return {Verdict.REGRESSED: 1, Verdict.IMPROVED: -1}.get(verdict, 0), rounds


def asv_says(known: Processes, random: np.random.Generator, effect: float, rounds: int) -> int:
    """Return asv's verdict on one simulated comparison, 1 for slower."""
    base, head = (
        [v for process in drawn(known, random, rounds, one) for v in process[:ASV_REPEAT]]
        for one in (1.0, effect)
    )
    return asv_rule(base, head, 1 + FLOOR)


def equal_power(known: Processes, draws: int, seed: int) -> tuple[int, list[list[str]]]:
    """Return asv's rounds of equal power, and the table that shows it."""
    random = np.random.default_rng(seed)
    ours = [perfkit_says(known, random, 1.1) for _ in range(draws)]
    power = sum(verdict == 1 for verdict, _ in ours) / draws
    false = sum(perfkit_says(known, random, 1.0)[0] != 0 for _ in range(draws)) / draws
    mean = float(np.mean([rounds for _, rounds in ours]))
    rows = [["perfkit", f"{mean:.1f} on average", percent(power), percent(false)]]
    allowed = max(FALSE_ALARMS, false)
    for rounds in range(1, MOST_ROUNDS + 1):
        found = sum(asv_says(known, random, 1.1, rounds) == 1 for _ in range(draws)) / draws
        wrong = sum(asv_says(known, random, 1.0, rounds) != 0 for _ in range(draws)) / draws
        rows.append(["asv", str(rounds), percent(found), percent(wrong)])
        if found >= power and wrong <= allowed:
            return rounds, rows
    return MOST_ROUNDS, rows


def lines(options: argparse.Namespace) -> Iterator[str]:
    """The section, line by line."""
    with TemporaryDirectory(prefix="beside-asv-") as folder:
        scratch = Scratch(Path(folder), options.clock, options.between)
        known = recorded(scratch, options.processes)
        centres = [np.quantile(process, 0.1) for process in known]
        between = np.std(np.log(centres))
        within = np.median([np.std(np.log(process)) for process in known])
        yield (
            f"{len(known)} processes recorded: {percent(between)} % between them,"
            f" {percent(within)} % within. Load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores."
        )
        yield ""
        rounds, rows = equal_power(known, options.draws, options.seed)
        yield from table(["", "rounds", "% found at +10 %", "% reported at A/A"], rows)
        yield ""
        yield f"asv therefore runs with `-a rounds={rounds} -f {1 + FLOOR:g}`, interleaved."
        yield ""
        yield from _timed(scratch, rounds, options.repeats)


def _timed(scratch: Scratch, rounds: int, repeats: int) -> Iterator[str]:
    rows: list[list[str]] = []
    walls: dict[str, list[float]] = {"cold": [], "warm": []}
    for repeat in range(1, repeats + 1):
        scratch.forget()
        # Which tool goes first changes, so that a load that comes or goes favours neither.
        runs: dict[str, Timed] = {}
        made: dict[str, int] = {}
        for tool in ("perfkit", "asv") if repeat % 2 else ("asv", "perfkit"):
            if tool == "perfkit":
                # The verdict is what is timed; asv continuous looks for no culprits after it.
                for state in ("cold", "warm"):
                    before = scratch.builds()
                    name = f"perfkit, {state}"
                    runs[name] = scratch.perfkit("compare", "--no-culprits", *COMMITS)
                    made[name] = scratch.builds() - before
            else:
                runs["asv, cold"] = scratch.asv(*continuous(rounds), *COMMITS)
                runs["asv, warm"] = scratch.asv(*continuous(rounds), *COMMITS)
        for name, one in runs.items():
            tool, state = name.split(", ")
            ours = runs[f"perfkit, {state}"]
            wall, cpu = ours.wall / one.wall, ours.cpu / one.cpu
            rows.append(
                [
                    str(repeat),
                    name,
                    "right" if found_slower(tool, one) else f"NOT found (exit {one.code})",
                    *map(str, built(one.output) if tool == "asv" else (made[name], made[name])),
                    *(f"{one.wall:.1f}", f"{one.cpu:.1f}", f"{wall:.2f}x", f"{cpu:.2f}x"),
                ]
            )
            if tool == "asv":
                walls[state].append(wall)
    yield from table(COLUMNS, rows)
    yield ""
    yield (
        "*cold* creates asv's environment and builds both commits, *warm* finds what the cold run"
        " made: asv its environment and wheels, perfkit its builds. The ratios are of perfkit to"
        " the row, cold to cold and warm to warm."
    )
    yield ""
    for name, found in walls.items():
        met = "met" if median(found) <= LIMIT else "NOT met"
        spread = f"{min(found):.2f}x to {max(found):.2f}x"
        yield (
            f"Required, wall time at most {LIMIT}x of asv: {median(found):.2f}x of asv, both {name}"
            f" ({spread}), {met}."
        )
        yield ""


def continuous(rounds: int) -> tuple[str, ...]:
    """Return the words of ``asv continuous`` with this many interleaved rounds."""
    words = ("continuous", "--verbose", "--interleave-rounds")
    return (*words, "-f", str(1 + FLOOR), "-a", f"rounds={rounds}")


def found_slower(name: str, one: Timed) -> bool:
    """Whether the run said that the benchmark became slower."""
    if name == "perfkit":
        return one.code == 1 and "1 of 1 benchmarks regressed" in one.output
    return bool(re.search(r"^\|\s*\+", one.output, re.MULTILINE))


def built(output: str) -> tuple[int, int]:
    """Return how often asv built a wheel, and how often it installed one."""
    builds = len(re.findall(r"Building [0-9a-f]{8} ", output))
    return builds, len(re.findall(r"Installing [0-9a-f]{8} ", output))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--between", type=int, default=1, help="%% noise between processes")
    parser.add_argument("--clock", choices=sorted(CLOCKS), default="work")
    parser.add_argument("--processes", type=int, default=24, help="recorded for the simulation")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=20260)
    main("continuous", "A planted +10 %, {between} % between processes", lines, parser, "between")
