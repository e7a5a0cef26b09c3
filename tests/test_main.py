"""The rim: every way in which an invocation ends, as a process and in process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import typer

from perfkit import __main__ as rim
from perfkit.cli import app as command_line
from perfkit.cli import options
from perfkit.errors import (
    ConfigError,
    ExitCode,
    InterruptedMeasurementError,
    MeasurementError,
    UsageError,
)

Streams = pytest.CaptureFixture[str]


def perfkit(cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "perfkit", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], int]], None]:
    """Put a command line of one verb behind the rim, which ends as the given function does."""

    def install(end: Callable[[], int]) -> None:
        app = typer.Typer()

        @app.callback()
        def start(context: typer.Context) -> None:
            options.invocation_of(context).command = str(context.invoked_subcommand)

        @app.command()
        def verb(context: typer.Context, *, as_json: options.Json = False) -> int:
            del as_json
            code = ExitCode(end())
            return options.invocation_of(context).finish(code, text="done", values={"n": 1})

        monkeypatch.setattr(command_line, "app", app)

    return install


def raising(error: BaseException) -> Callable[[], int]:
    def end() -> int:
        raise error

    return end


@pytest.mark.parametrize("code", ExitCode)
def test_a_report_ends_with_its_own_code(
    ending: Callable[[Callable[[], int]], None], capsys: Streams, code: ExitCode
) -> None:
    ending(lambda: code)
    assert rim.run(["verb"]) == code
    assert capsys.readouterr() == ("done\n", "")
    assert rim.run(["verb", "--json"]) == code
    streams = capsys.readouterr()
    document = json.loads(streams.out)
    assert set(document) == {"perfkit", "status", "exit_code", "n"}
    assert set(document["perfkit"]) == {"schema", "version", "command"}
    assert document["perfkit"]["command"] == "verb"
    assert document["exit_code"] == code
    status = {0: "passed", 1: "failed", 3: "inconclusive"}.get(code, "error")
    assert document["status"] == status
    assert streams.err == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("no such thing"), 2),
        (ConfigError("no such thing"), 2),
        (MeasurementError("no such thing"), 4),
        (InterruptedMeasurementError("no such thing"), 130),
    ],
)
def test_an_error_is_one_sentence_with_its_code(
    ending: Callable[[Callable[[], int]], None], capsys: Streams, error: Exception, code: int
) -> None:
    ending(raising(error))
    assert rim.run(["verb"]) == code
    assert capsys.readouterr() == ("", "perfkit: no such thing\n")
    assert rim.run(["verb", "--json"]) == code
    streams = capsys.readouterr()
    document = json.loads(streams.out)
    assert (document["status"], document["exit_code"]) == ("error", code)
    assert document["error"] == {"message": "no such thing"}
    assert streams.err == "perfkit: no such thing\n"


def test_an_unknown_error_is_a_bug_of_perfkit_and_asks_for_a_report(
    ending: Callable[[Callable[[], int]], None], capsys: Streams
) -> None:
    ending(raising(ZeroDivisionError("division by zero")))
    assert rim.run(["verb", "--json"]) == ExitCode.INTERNAL
    streams = capsys.readouterr()
    assert json.loads(streams.out)["exit_code"] == 70
    assert "Traceback (most recent call last)" in streams.err
    last = streams.err.splitlines()[-1]
    assert last.startswith("perfkit: internal error: ZeroDivisionError: division by zero. ")
    assert "https://github.com/perfkit/perfkit/issues" in last


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort()])
def test_an_interrupt_is_said_and_is_130(
    ending: Callable[[Callable[[], int]], None], capsys: Streams, error: BaseException
) -> None:
    ending(raising(error))
    assert rim.run(["verb", "--json"]) == ExitCode.INTERRUPTED
    streams = capsys.readouterr()
    assert json.loads(streams.out)["error"] == {"message": "interrupted; nothing was stored."}
    assert streams.err == "perfkit: interrupted; nothing was stored.\n"


def test_an_interrupted_report_is_not_followed_by_a_second_document(
    ending: Callable[[Callable[[], int]], None], capsys: Streams
) -> None:
    ending(lambda: ExitCode.INTERRUPTED)
    assert rim.run(["verb", "--json"]) == ExitCode.INTERRUPTED
    json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["compare", "--nonsense"], "--nonsense"),
        (["compare"], "Missing argument"),
        (["nonsense"], "No such command 'nonsense'"),
        (["bench", "--rounds", "0"], "--rounds"),
        (["bench", "--rounds", "many"], "--rounds"),
    ],
)
def test_a_command_line_that_is_not_understood(
    capsys: Streams, words: list[str], sentence: str
) -> None:
    assert rim.run(words) == ExitCode.USAGE
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.startswith("perfkit: ")
    assert sentence in streams.err
    assert streams.err.endswith("See --help.\n")
    assert streams.err.count("\n") == 1
    assert rim.run([*words, "--json"]) == ExitCode.USAGE
    document = json.loads(capsys.readouterr().out)
    assert (document["status"], document["exit_code"]) == ("error", 2)


def test_json_behind_two_dashes_belongs_to_the_target(capsys: Streams) -> None:
    assert rim.run(["profile", "--nonsense", "app.py", "--", "--json"]) == ExitCode.USAGE
    assert capsys.readouterr().out == ""


def test_without_a_verb_there_is_help_and_the_code_of_a_usage_error(tmp_path: Path) -> None:
    done = perfkit(tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert "Usage: perfkit" in done.stdout + done.stderr


def test_the_version(tmp_path: Path) -> None:
    done = perfkit(tmp_path, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"perfkit {version('perfkit')}\n", "")


def test_outside_a_repository_it_is_a_sentence_on_stderr_and_a_document_on_stdout(
    tmp_path: Path,
) -> None:
    done = perfkit(tmp_path, "compare", "main", "--json")
    assert done.returncode == ExitCode.USAGE
    document = json.loads(done.stdout)
    assert document["perfkit"]["command"] == "compare"
    assert "not usable as a git repository" in document["error"]["message"]
    assert done.stderr == f"perfkit: {document['error']['message']}\n"


VERDICT_AND_MUCH_TEXT = """
import sys, typer
from perfkit import __main__ as rim
from perfkit.cli import app as command_line, options
from perfkit.cli.invocation import Raw
from perfkit.errors import ExitCode
from rich.text import Text

app = typer.Typer()

@app.callback()
def start(): ...

@app.command()
def verb(context: typer.Context, raw: bool = False, json: options.Json = False) -> int:
    text = "regressed\\n" * 100_000
    return options.invocation_of(context).finish(
        ExitCode.FAILED, text=Raw(text) if raw else Text(text), values={"text": text}
    )

command_line.app = app
rim.main()
"""


@pytest.mark.parametrize("option", ["", " --raw", " --json"])
def test_a_reader_that_goes_away_does_not_change_the_verdict(tmp_path: Path, option: str) -> None:
    (tmp_path / "much.py").write_text(VERDICT_AND_MUCH_TEXT)
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} much.py verb{option} | head -1; exit ${{PIPESTATUS[0]}}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
    assert done.returncode == ExitCode.FAILED


def test_help_into_a_pipe_that_nobody_reads(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "perfkit", "--help"],
        cwd=tmp_path,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_completion_still_answers(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "perfkit"],
        cwd=tmp_path,
        env={
            **os.environ,
            "_PERFKIT_COMPLETE": "complete_bash",
            "COMP_WORDS": "perfkit com",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0
    assert set(done.stdout.split()) == {"comment", "compare"}
