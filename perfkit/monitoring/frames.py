"""When a live dashboard looks at the store."""

from typing import Final

FRAME_SECONDS: Final = 1.0
WRITTEN_SECONDS: Final = 0.3
"""The runtime folds and writes at every whole second of the clock. A frame that much later finds
what it wrote, so that an event is seen 1.3 s after it happened, and the time it takes to look."""


def until_next_frame(at: float) -> float:
    """Return the seconds from ``at`` (since 1970) to the next frame, above 0."""
    return FRAME_SECONDS - (at - WRITTEN_SECONDS) % FRAME_SECONDS


def frame_of(at: float) -> int:
    """Return the number of the frame that ``at`` (since 1970) belongs to."""
    return int((at - WRITTEN_SECONDS) // FRAME_SECONDS)
