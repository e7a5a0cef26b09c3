"""Starts the recording of a process; Python imports this by its name, from ``PYTHONPATH``.

Only processes of a target that is recorded with ``--children`` have this folder there.
"""

import importlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - nothing else is imported this early
OLDEST = (3, 11)


def _make_way() -> None:
    """Let the environment's own ``sitecustomize``, which this one hides, have its turn."""
    sys.path[:] = [folder for folder in sys.path if folder != HERE]
    hidden = sys.modules.pop("sitecustomize")
    try:
        importlib.import_module("sitecustomize")
    except ModuleNotFoundError:
        sys.modules["sitecustomize"] = hidden


def _record(settings: str) -> None:
    root = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))  # noqa: PTH120
    sys.path.insert(0, root)
    try:
        from perfkit.profiling.processes import join
    except ImportError:
        return  # another interpreter, without pyinstrument: its time is told as not recorded
    finally:
        sys.path.remove(root)
    join(settings)


_make_way()
if "PERFKIT_PROFILE_PROCESSES" in os.environ and sys.version_info >= OLDEST:
    _record(os.environ["PERFKIT_PROFILE_PROCESSES"])
