"""What runs beside ``perfkit monitor``: probes that write to the store, and pushing over OTLP."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfkit.config.load import Settings
    from perfkit.monitoring.otlp.push import Push
    from perfkit.monitoring.probes.run import Probing
    from perfkit.runtime.batch import Batch

PUSH_SECONDS = 15.0
"""How often metrics are pushed."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What was asked for: ``probe`` runs the configured probes, ``otlp`` is where to push."""

    settings: "Settings"
    path: Path
    probe: bool
    otlp: str | None

    @contextmanager
    def running(self, tell: Callable[[str], None]) -> Iterator[None]:
        """Probe and push, each in a thread of its own, for as long as the context lasts.

        Raises:
            UsageError: no probe is configured, or what is needed is not installed.
            StoreError: the store cannot be opened.
        """
        ended = threading.Event()
        with ExitStack() as stack:
            threads = []
            if self.probe:
                probing = stack.enter_context(self._probing(tell))
                threads.append(threading.Thread(target=probing.run, args=(ended,)))
            if self.otlp is not None:
                push = self._push(self.otlp, tell)
                threads.append(threading.Thread(target=push.run, args=(ended, PUSH_SECONDS)))
            for thread in threads:
                thread.start()
            try:
                yield
            finally:
                ended.set()
                for thread in threads:
                    thread.join()

    def once(self, tell: Callable[[str], None]) -> None:
        """Run every probe once, then push once.

        Raises:
            UsageError: as :meth:`running`.
            StoreError: the same.
        """
        push = None if self.otlp is None else self._push(self.otlp, tell)
        if self.probe:
            with self._probing(tell) as probing:
                probing.once()
        if push is not None:
            push.step()
            push.close()

    @contextmanager
    def _probing(self, tell: Callable[[str], None]) -> "Iterator[Probing]":
        from perfkit.monitoring.probes.opening import planned_probes
        from perfkit.monitoring.probes.run import Probing
        from perfkit.runtime.pruning import Pruning
        from perfkit.runtime.store import Store

        probes = planned_probes(self.settings.monitoring.components)
        with Store(self.path) as store:
            pruning = Pruning(time.time, time.monotonic)

            def add(batch: "Batch") -> None:
                store.add(batch)
                if pruning.due():  # in case nobody but probes writes
                    store.prune()

            yield Probing(probes, add, lambda line: tell(f"! {line}"))

    def _push(self, url: str, tell: Callable[[str], None]) -> "Push":
        from perfkit.monitoring.otlp.push import Push
        from perfkit.monitoring.store_metrics import Totals, read_totals, store_bounds
        from perfkit.monitoring.store_telemetry import open_store

        def totals() -> Totals:
            with open_store(self.path) as store:
                return read_totals(store, time.time())

        return Push(
            url,
            totals,
            self.settings.monitoring.components,
            store_bounds(self.settings),
            lambda line: tell(f"! {line}"),
        )
