"""Waiting, for a bounded time, while other programs use the machine; and knowing that they do."""

from collections.abc import Callable

from perfkit.machine.load import CpuTime, used_by_others

LOADED = 0.5
"""Share of the processors from which on a machine is loaded: with two, one is gone, and a measured
process shares the other one with perfkit and the system."""

STEP = 1.0
"""Seconds between two looks while waiting."""

SHORTEST = 0.1
"""Seconds below which the kernel's counters, in steps of 10 ms, say too little."""

WORTH_A_WARNING = 0.1
"""Share of the measured pairs under load from which on a report warns; single ones do no harm to
statistics on ranks, and any long run has some."""


class Quiet:
    """What other programs do while perfkit measures.

    ``read`` gives the processors' counters, None where the system keeps none: then nothing waits.
    ``patience`` is how many seconds are waited at most, all times together; 0 turns waiting off.
    ``say`` is told when waiting begins, and when it ends in quiet; what was measured under load all
    the same is for the report to say.
    """

    def __init__(
        self,
        *,
        read: Callable[[], CpuTime | None],
        sleep: Callable[[float], None],
        patience: float,
        say: Callable[[str], None],
    ) -> None:
        self._read, self._sleep, self._say = read, sleep, say
        self._patience = patience
        self._before = read()
        self._share: float | None = None
        self.waited_seconds = 0.0

    def lap(self) -> float | None:
        """Return the share of the processors that others used since the last lap.

        None where the system does not tell; the last known share when hardly any time has passed.
        """
        now = self._read()
        if now is None or self._before is None:
            return None
        if now.at - self._before.at >= SHORTEST:
            self._share = used_by_others(self._before, now)
            self._before = now
        return self._share

    def wait(self) -> None:
        """Return once the machine is not loaded, or when all patience is used up."""
        if not loaded(self._share) or self.waited_seconds >= self._patience:
            return
        left = self._patience - self.waited_seconds
        self._say(
            f"other programs use {self._share or 0.0:.0%} of the processors; waiting up to"
            f" {left:.0f} s, then measuring all the same"
        )
        before = self.waited_seconds
        while loaded(self._share) and self.waited_seconds < self._patience:
            step = min(STEP, self._patience - self.waited_seconds)
            self._sleep(step)
            self.waited_seconds += step
            self.lap()
        if not loaded(self._share):
            self._say(f"measuring again after {self.waited_seconds - before:.0f} s")


def loaded(share: float | None) -> bool:
    """Whether so much of the processors used by others disturbs a measurement."""
    return share is not None and share >= LOADED


def unwatched() -> Quiet:
    """Return one that never waits and knows nothing."""
    return Quiet(read=lambda: None, sleep=_never, patience=0.0, say=_never)


def _never(argument: object) -> None:
    message = f"called with {argument!r}, although nothing is waited for"
    raise AssertionError(message)
