"""What a target's code raised, as one sentence; runs in the child process only."""

import importlib
import runpy
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from types import TracebackType

from perfkit.errors import MeasurementError, PerfkitError
from perfkit.targets.spec import Target


def is_part_of(missing: str | None, wanted: str) -> bool:
    """Whether a missing module is the wanted one or a package around it."""
    return missing is not None and f"{wanted}.".startswith(f"{missing}.")


@contextmanager
def blamed(target: Target) -> Iterator[None]:
    """Turn what the target's code raises into a :class:`MeasurementError` with its cause."""
    try:
        yield
    except PerfkitError:
        raise
    except BaseException as error:
        raise blame(target, error) from error


def blame(target: Target, error: BaseException) -> MeasurementError:
    """Return the sentence for what the target's code raised; trims the error's traceback."""
    error.__traceback__ = _without_own_frames(error.__traceback__)
    if isinstance(error, SystemExit):
        return MeasurementError(
            f"{target} ended itself with sys.exit({error.code!r}), so its work was not measured: "
            "give it what it needs to succeed"
        )
    summary = traceback.extract_tb(error.__traceback__)
    place = "".join(f" at {at.filename}:{at.lineno} in {at.name}" for at in summary[-1:])
    lines = "".join(traceback.format_exception_only(error)).strip().splitlines()
    said = lines[-1 if isinstance(error, SyntaxError) else 0]  # a syntax error shows the line first
    return MeasurementError(
        f"{target} raised {said}{place}: its traceback stands above, "
        "repair the target and measure again"
    )


_OWN_FILES = {runpy.__file__, "<frozen runpy>", importlib.__file__}
_OWN_FOLDER = str(Path(__file__).parent)


def _without_own_frames(trace: TracebackType | None) -> TracebackType | None:
    """Drop the outermost frames that belong to perfkit, pytest and the import machinery."""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        own = name in _OWN_FILES or name.startswith((_OWN_FOLDER, "<frozen importlib"))
        if not own and not is_of_pytest(name):
            return trace
        trace = trace.tb_next
    return None


def is_of_pytest(file: str) -> bool:
    """Whether a source file is a part of pytest, which calls the test, or of its plugin system."""
    return not {"_pytest", "pluggy"}.isdisjoint(PurePath(file).parts)
