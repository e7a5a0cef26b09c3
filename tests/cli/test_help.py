"""The help of the program and of every verb, as it is printed into a pipe (120 columns).

`python tests/cli/test_help.py` writes the golden texts anew; read what changed before keeping it.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from perfkit.cli.app import app
from perfkit.errors import ExitCode

GOLDEN = Path(__file__).with_name("golden") / "help"


def commands() -> list[tuple[str, ...]]:
    """Return the words of every command of the program, the program itself first."""
    found: list[tuple[str, ...]] = []
    waiting = [((), typer.main.get_command(app))]
    while waiting:
        words, command = waiting.pop()
        found.append(words)
        below = getattr(command, "commands", {})
        waiting += [((*words, name), one) for name, one in below.items()]
    return sorted(found)


def printed(words: tuple[str, ...]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "perfkit", *words, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "60"},  # a pipe is 120 wide, whatever the terminal was
        timeout=60,
    )
    assert done.stderr == ""
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_the_help(words: tuple[str, ...]) -> None:
    name = "_".join(("perfkit", *words))
    assert printed(words) == (GOLDEN / f"{name}.txt").read_text("utf-8")


def test_no_golden_is_left_over() -> None:
    wanted = {"_".join(("perfkit", *words)) for words in commands()}
    assert {path.stem for path in GOLDEN.iterdir()} == wanted


def test_the_help_holds_every_exit_code_and_panel() -> None:
    text = (GOLDEN / "perfkit.txt").read_text("utf-8")
    table = text[text.index("Exit codes") :]
    codes = {line.split()[0] for line in table.splitlines()[1:] if line.strip()}
    assert codes >= {str(code.value) for code in ExitCode}
    assert all(f"\n{panel}:\n" in text for panel in ("Measure", "Decide", "Report"))


if __name__ == "__main__":
    for path in GOLDEN.iterdir():
        path.unlink()
    for words in commands():
        (GOLDEN / f"{'_'.join(('perfkit', *words))}.txt").write_text(printed(words), "utf-8")
