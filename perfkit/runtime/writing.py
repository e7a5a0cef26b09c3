"""What waits for the store and is written to it; a store may be away for a while."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from perfkit.runtime.batch import Batch
from perfkit.runtime.bounds import Bounds
from perfkit.runtime.pruning import Pruning
from perfkit.runtime.series import RUNTIME
from perfkit.runtime.store import Store
from perfkit.runtime.store_errors import StoreBusyError, StoreError, StoreFullError, UnstorableError

MOST_BATCHES = 600
"""Folded seconds that wait for a store that cannot be written: ten minutes, then the oldest go."""

AGAIN_SECONDS = 0.05
"""From one try to the next where another process holds the store. The waiting is ours and not
SQLite's, since it has to end at once where the application forks or stops."""

logger = logging.getLogger(RUNTIME)


class Writing:
    """The batches that wait, and the store. Belongs to whoever holds the recorder's lock.

    ``trouble`` says why something is not stored, and is None where everything is.
    """

    def __init__(
        self,
        open_store: Callable[[Path, Bounds], Store],
        pruning: Pruning,
        count: Callable[[str], None],
    ) -> None:
        self.path: Path | None = None
        self.bounds = Bounds()
        self.trouble: str | None = None
        self.waiting: deque[Batch] = deque()
        self.store: Store | None = None
        self._open_store = open_store
        self._pruning = pruning
        self._count = count

    def put(self, batch: Batch) -> None:
        """Let a batch wait; where too many do, the oldest go."""
        if batch:
            self.waiting.append(batch)
        while len(self.waiting) > MOST_BATCHES:
            self.waiting.popleft()
            self._count("runtime.lost")

    def write(self, hurry: threading.Event, tries: int) -> None:
        """Write what waits; where another process holds the store, until ``hurry`` or so often."""
        if self.path is None:
            return
        trouble: str | None = None
        for _ in range(tries):
            try:
                trouble = self._write(self.path)
            except StoreBusyError as error:
                trouble = str(error)
                if not hurry.wait(AGAIN_SECONDS):
                    continue
            except StoreError as error:
                trouble = str(error)
            break
        if trouble is None:
            self.trouble = None
        else:
            self.tell(trouble)

    def _write(self, path: Path) -> str | None:
        """Write and prune; return why some was given up. Raises StoreError."""
        if self.store is None:
            self.store = self._open_store(path, self.bounds)
        trouble: str | None = None
        while self.waiting:
            try:
                self.store.add(self.waiting[0])
            except StoreFullError as error:
                self.waiting.popleft()
                return str(error)
            except UnstorableError as error:
                # Whatever is beside the one row that fails is to be stored.
                failed = self.waiting.popleft()
                halves = failed.halves()
                self.waiting.extendleft(reversed(halves))
                if not halves:
                    trouble = f"{failed.names[0]} is left out: {error}"
                    self._count("runtime.refused")
            else:
                self.waiting.popleft()
        if self._pruning.due():
            self.store.prune()
        return trouble

    def tell(self, trouble: str) -> None:
        """Say a trouble once, until it is over."""
        if self.trouble is None:
            logger.warning("telemetry is not stored: %s", trouble)
        self.trouble = trouble

    def close(self) -> None:
        """End, and say so where something still waits."""
        if self.waiting:
            logger.warning("telemetry that could not be stored is lost at the end")
        if self.store is not None:
            self.store.close()
        self.forget()

    def forget(self) -> Store | None:
        """Leave the store as it is, and what waits to whoever has it; return the store."""
        store, self.store = self.store, None
        self.waiting.clear()
        return store
