"""Random times between samples, so that a target called again and again is seen at every phase."""

import random
from collections.abc import Callable
from typing import Any, Final

from pyinstrument.stack_sampler import StackSampler, get_stack_sampler

Subscriber = Callable[[list[str], float, Any], None]
"""Told the stack of a sample and the seconds since the one before."""

SHORTEST: Final = 0.1
LONGEST: Final = 1.9
"""Bounds of the time to the next sample, in intervals; its density is a triangle between them.

A sampler of a fixed interval falls into step with a call that takes less than it: each sample
comes at the first event after the interval, from there the next one, and soon the same few places
are met for ever. Of a call of 0.22 ms in twelve functions, sampled each millisecond, one function
was seen with a fifth of its time. Random times do what dither does for quantisation: the
characteristic function of a triangle falls with the square of the frequency (Wannamaker, Lipshitz,
Vanderkooy and Wright, A theory of nonsubtractive dither, IEEE Trans. Signal Processing 48, 2000),
so that calls shorter than half an interval are met evenly within some hundredths.
"""


class Dither:
    """Makes the thread's next sample come after a random time, begun anew between two calls.

    The times of samples are as long as what they stand for, so that nothing is lost by it.

    Args:
        interval: Mean seconds between the beginning of a wait and its sample.
        seed: Of the random times.
    """

    def __init__(self, interval: float, seed: int = 0) -> None:
        self.sampled = False
        """Whether there was a sample since the last wait began."""
        self._interval = interval
        self._random = random.Random(seed)

    def __enter__(self) -> None:
        """Begin a wait; the sampler follows the shortest interval that anybody asked for."""
        self.sampled = False
        get_stack_sampler().subscribe(
            self.saw,
            desired_interval=self._interval * self._random.triangular(SHORTEST, LONGEST),
            use_timing_thread=None,
            use_async_context=False,
        )

    def __exit__(self, *_: object) -> None:
        """Leave the sampler to the others."""
        unsubscribe(self.saw)

    def again(self) -> None:
        """Begin another wait."""
        self.__exit__()
        self.__enter__()

    def saw(self, _stack: list[str], _since: float, _state: object) -> None:
        """Note that there was a sample; the sampler calls this."""
        self.sampled = True


def unsubscribe(subscriber: Subscriber) -> None:
    """Take a subscriber from this thread's sampler, if the target's own profiler has not yet."""
    try:
        get_stack_sampler().unsubscribe(subscriber)
    except StackSampler.SubscriberNotFound:
        return
