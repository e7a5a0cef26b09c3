"""The usual stages of a load, from a few numbers. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from perfkit.reliability.arrivals import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A load in words: requests a second and seconds; a length of 0 leaves a stage out.

    Before holding, the rate rises from nothing over ``ramp``, and ``warm`` seconds at the full
    rate let caches fill and compilers finish; neither is judged. A spike goes to ``spike_rate`` at
    once and is shown; ``recover`` at the normal rate afterwards is judged again.
    """

    rate: float
    hold: float
    warm: float = 0.0
    ramp: float = 0.0
    spike_rate: float = 0.0
    spike: float = 0.0
    recover: float = 0.0


def stages_of(shape: Shape) -> tuple[Stage, ...]:
    """Return the stages that have a length, in their order."""

    def every() -> Iterator[Stage]:
        rate = shape.rate
        yield Stage("ramp", shape.ramp, 0.0, rate, judged=False)
        yield Stage("warm", shape.warm, rate, rate, judged=False)
        yield Stage("hold", shape.hold, rate, rate)
        yield Stage("spike", shape.spike, shape.spike_rate, shape.spike_rate, judged=False)
        yield Stage("recover", shape.recover, rate, rate)

    return tuple(stage for stage in every() if stage.seconds > 0)
