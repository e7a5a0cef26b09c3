"""The rim: the one place where errors become output and an exit code."""

import sys
import traceback
from collections.abc import Sequence

from perfkit.cli.invocation import PIPE_COLUMNS, Invocation
from perfkit.errors import ExitCode, PerfkitError

BUG_REPORT = (
    "perfkit itself failed; this says nothing about your code. Please report it with the"
    " traceback above: https://github.com/perfkit/perfkit/issues"
)


def main() -> None:
    """Run the command line of this process and exit with its code."""
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
    except PerfkitError as error:
        return invocation.fail(str(error), error.exit_code)
    except typer.TyperException as error:
        return invocation.fail(f"{error.format_message()} See --help.", ExitCode.USAGE)
    except (KeyboardInterrupt, typer.Abort):
        return invocation.fail("interrupted; nothing was stored.", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our stdout went away (`perfkit ... | head`); Python would otherwise
        # complain once more while flushing at shutdown.
        sys.stdout = None
        return ExitCode.PASSED
    except Exception as error:  # noqa: BLE001  # the rim: an unknown error is a bug, told as one
        traceback.print_exc()
        return invocation.fail(
            f"internal error: {type(error).__name__}: {error}. {BUG_REPORT}", ExitCode.INTERNAL
        )
    if code == ExitCode.INTERRUPTED and not invocation.finished:
        # typer turns Ctrl-C into this code without a word.
        return invocation.fail("interrupted; nothing was stored.", ExitCode.INTERRUPTED)
    return code if isinstance(code, int) else ExitCode.PASSED


if __name__ == "__main__":
    main()
