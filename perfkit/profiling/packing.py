"""Sessions in few bytes; imported by every recorded process, so it imports nothing heavy."""

from collections.abc import Mapping
from typing import Any


def packed(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return a session with each frame text and each stack written once.

    A minute of samples as pyinstrument writes it is over 100 MB of repeated text.
    """
    texts: dict[str, int] = {}
    known: dict[tuple[int, ...], int] = {}
    records = []
    for frames, seconds in session["frame_records"]:
        stack = tuple(texts.setdefault(frame, len(texts)) for frame in frames)
        records.append([known.setdefault(stack, len(known)), seconds])
    return {**session, "texts": list(texts), "stacks": list(known), "frame_records": records}


def unpacked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the session that :func:`packed` was given; equal stacks are one object."""
    texts = values["texts"]
    shared = [[texts[index] for index in stack] for stack in values["stacks"]]
    session = {key: value for key, value in values.items() if key not in {"texts", "stacks"}}
    return {
        **session,
        "frame_records": [(shared[stack], seconds) for stack, seconds in values["frame_records"]],
    }
