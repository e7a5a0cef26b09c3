"""The rim: the one place where errors become output and an exit code."""

import itertools
import os
import signal
import sys
import traceback
from collections.abc import Sequence

from perfkit.cli.invocation import PIPE_COLUMNS, Invocation
from perfkit.errors import ExitCode, PerfkitError

BUG_REPORT = (
    "perfkit itself failed; this says nothing about your code. Please report it with the"
    " traceback above: https://github.com/perfkit/perfkit/issues"
)


OF_PYDANTIC = "Value error, "
"""What typer leaves in front of a choice that is none; no word of ours or of the user's."""

STDOUT = 1
"""File descriptor, as POSIX numbers it."""


def main() -> None:
    """Run the command line of this process and exit with its code."""
    # What a cancelled CI job gets: it ends like Ctrl-C, with the measured processes ended, the
    # worktrees removed and the report kept.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; raises nothing but SystemExit."""
    import typer

    from perfkit.cli.app import app

    invocation = Invocation()
    try:
        code = app(
            args=list(arguments),
            prog_name="perfkit",
            standalone_mode=False,
            obj=invocation,
            terminal_width=None if sys.stdout.isatty() else PIPE_COLUMNS,
        )
        if code == ExitCode.INTERRUPTED and not invocation.finished:
            raise KeyboardInterrupt  # noqa: TRY301  # which typer turned into a code, without a word
        sys.stdout.flush()  # here, where a failure still has a sentence
    except PerfkitError as error:
        return invocation.fail(str(error), error.exit_code)
    except typer.TyperException as error:
        # The command line was not understood, so no option has acted yet.
        invocation.json = "--json" in itertools.takewhile(lambda word: word != "--", arguments)
        said = error.format_message().replace(OF_PYDANTIC, "", 1)
        return invocation.fail(f"{said.rstrip('.')}. See --help.", ExitCode.USAGE)
    except (KeyboardInterrupt, typer.Abort):
        return invocation.fail("interrupted; nothing was stored.", ExitCode.INTERRUPTED)
    except (BrokenPipeError, SystemExit) as error:
        # The reader of our stdout went away (`perfkit ... | head`), which rich and typer turn
        # into an exit with 1; the verdict stays what it is. Completion exits by itself.
        if isinstance(error, SystemExit) and not isinstance(error.__context__, BrokenPipeError):
            raise
        _discard_stdout()
        return invocation.finished or ExitCode.PASSED
    except Exception as error:  # noqa: BLE001  # the rim: an unknown error is a bug, told as one
        traceback.print_exc()
        return invocation.fail(
            f"internal error: {type(error).__name__}: {error}. {BUG_REPORT}", ExitCode.INTERNAL
        )
    return code if isinstance(code, int) else ExitCode.PASSED


def _discard_stdout() -> None:
    """Send what is still buffered nowhere; Python would fail once more flushing it at exit.

    The recipe of the Python documentation's note on SIGPIPE.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, STDOUT)
    os.close(nowhere)


if __name__ == "__main__":
    main()
