"""The process of a callable's probe: calls it once and says on a pipe what came of it."""

import asyncio
import importlib
import inspect
import json
import os
import sys
import time
from collections.abc import Callable
from functools import reduce
from typing import Any


def look(name: str, clock: Callable[[], float]) -> dict[str, object]:
    """Call ``pkg.mod:function``; return seconds of the call, and reason and detail of a failure."""
    began = clock()
    try:
        module, _, path = name.partition(":")
        owner: Any = importlib.import_module(module)
        function = reduce(getattr, path.split("."), owner)
        began = clock()
        found = function()
        if inspect.iscoroutine(found):
            found = asyncio.run(found)
    except BaseException as error:  # noqa: BLE001  # whatever it raises is what was looked for
        detail = f"{type(error).__name__}: {error}"[:500]
        return {"seconds": clock() - began, "reason": "error", "detail": detail}
    failed = found is False
    return {
        "seconds": clock() - began,
        "reason": "error" if failed else None,
        "detail": "returned False" if failed else "",
    }


def main() -> None:
    """Look once, and write what was found to the file descriptor that the caller named."""
    writing, name = int(sys.argv[1]), sys.argv[2]
    sys.path.insert(0, os.getcwd())  # noqa: PTH109  # sys.path holds text
    said = json.dumps(look(name, time.perf_counter)).encode()
    os.write(writing, said)
    # A thread that the callable left behind does not keep the process.
    os._exit(0)


if __name__ == "__main__":
    main()
