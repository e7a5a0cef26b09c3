"""The commands that the pages show: read, run in a scratch repository, and recorded.

A fence `console` holds commands after `$ ` and what they print. A command exits with 0, or with
what a comment at its end says: `# exits 1`. `console exact` holds output that is the same in every
run; `tests/docs` compares it. The commands of a page run one after the other in one scratch copy of
`docs/example`, on its branch `any-date`; a page that says `<!-- repository: plain -->` gets it
without a suite and without configuration.

`python docs/consoles.py PAGE...` runs the commands of pages and writes what they print.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

DOCS = Path(__file__).resolve().parent
EXAMPLE = DOCS / "example"
SHOWN = "/home/you/shop"
"""What stands in the pages for the folder of the scratch repository."""

FENCE = re.compile(r"^```console(?P<exact> exact)?\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^\$ (?P<command>.*?)(?: +# exits (?P<code>\d+))?$")

LONGEST_SECONDS = 150.0
"""Time that a command may take; the slowest takes a third of it on two loaded cores."""

ELSEWHERE = {
    "make demo": (".ci/run", "make demo"),
    "make test": (".ci/run", "make test"),
    "python -m pip install -e .": (
        "Makefile",
        "pip install --quiet --disable-pip-version-check -e",
    ),
}
"""Commands that do not run here -> the file that runs them, and the words that do it there."""


@dataclass(slots=True)
class Step:
    """One command, the code it has to exit with, and the lines it prints."""

    line: str
    command: str
    code: int
    output: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """One fence; ``exact`` is whether its output is the same in every run."""

    steps: tuple[Step, ...]
    exact: bool

    @property
    def text(self) -> str:
        """The fence as a page has it."""
        body = "".join(f"{step.line}\n{step.output}" for step in self.steps)
        return f"```console{' exact' if self.exact else ''}\n{body}```"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it printed: stderr, then stdout."""

    code: int
    output: str


def blocks(page: str) -> list[Block]:
    """Return the fences of a page's text."""
    return [_block(fence) for fence in FENCE.finditer(page)]


def _block(fence: re.Match[str]) -> Block:
    steps: list[Step] = []
    for line in fence["body"].splitlines():
        if found := COMMAND.match(line):
            steps.append(Step(line, found["command"], int(found["code"] or 0)))
        elif steps:
            steps[-1].output += f"{line}\n"
        else:
            message = f"a console block starts with output instead of a command: {line}"
            raise ValueError(message)
    return Block(tuple(steps), exact=fence["exact"] is not None)


def scratch_repository(folder: Path, page: str) -> Path:
    """Make the repository that the commands of ``page`` run in, and return its folder."""
    folder.mkdir(exist_ok=True)
    shop = folder / "shop"
    plain = "<!-- repository: plain -->" in page
    shutil.copytree(
        EXAMPLE / "project",
        shop,
        ignore=shutil.ignore_patterns("__pycache__", *(("benchmarks", "config") if plain else ())),
    )
    shutil.copy2(EXAMPLE / "report.json", folder / "report.json")
    shutil.copy2(EXAMPLE / "latency.csv", folder / "latency.csv")
    shutil.copytree(EXAMPLE / "production", folder / "production")
    shutil.copy2(EXAMPLE / "chaos.yaml", folder / "chaos.yaml")
    for command in (
        "init --quiet --initial-branch main",
        "config user.name You",
        "config user.email you@shop.invalid",
        "add .",
        "commit --quiet --message=Sum",
        "checkout --quiet -b any-date",
        f"apply {EXAMPLE / 'any_date.patch'}",
        "commit --quiet --all --message=Dates",
    ):
        words = {
            "--message=Sum": "--message=Sum orders by month",
            "--message=Dates": "--message=Read dates of any form",
        }
        subprocess.run(
            ["git", *(words.get(word, word) for word in command.split())],
            cwd=shop,
            check=True,
            env=_environment(),
        )
    return shop


def _environment() -> dict[str, str]:
    """Return variables under which everyone sees the same: no settings of this user or shell.

    Nor is what runs here traced for coverage, which would slow what is shown by half again.
    """
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PERFKIT_", "COVERAGE_", "COV_CORE_"))
    }
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        # The first commit then has the same hash everywhere.
        "GIT_AUTHOR_DATE": "2026-01-05T12:00:00Z",
        "GIT_COMMITTER_DATE": "2026-01-05T12:00:00Z",
        "PYTHONPATH": "",
    }


def run(step: Step, shop: Path, **variables: str) -> Ran:
    """Run one command in a shell, with more environment variables, and return how it ended."""
    # A busy machine is not waited for; `config show` would show that.
    given = {"PERFKIT_REGRESSION_LOAD_WAIT": "0s", **variables}
    if "config show" in step.command:
        given = {}
    with subprocess.Popen(
        ["bash", "-c", step.command],
        cwd=shop,
        env=_environment() | given,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            report, rest = process.communicate(timeout=LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            # As Ctrl-C does: perfkit then ends what it started.
            os.killpg(process.pid, signal.SIGINT)
            raise
    output = (rest + report).replace(str(shop.resolve()), SHOWN)
    lines = [line.rstrip() for line in output.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    return Ran(process.returncode, "".join(f"{line}\n" for line in lines))


def record(page: Path) -> None:
    """Run every command of a page and write what it prints under it."""
    text = page.read_text(encoding="utf-8")
    with TemporaryDirectory(prefix="perfkit-docs-") as folder:
        shop = scratch_repository(Path(folder), text)
        for fence in FENCE.finditer(text):
            block = _block(fence)
            for step in block.steps:
                if step.command in ELSEWHERE:
                    continue
                ran = run(step, shop)
                print(f"{page.name}: {step.line}: {ran.code}", flush=True)
                if ran.code != step.code:
                    sys.exit(f"wanted {step.code}\n{ran.output}")
                step.output = ran.output
            text = text.replace(fence[0], block.text, 1)
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        record(Path(name))
