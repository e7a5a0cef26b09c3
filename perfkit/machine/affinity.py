"""Which processors a process may run on."""

import os
import re

from perfkit.errors import UsageError

LIST = re.compile(r"\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*")
"""``0,2-3``, as taskset(1) writes processors."""


def allowed_processors() -> frozenset[int] | None:
    """Return the processors that this process may use; None where the system does not tell."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    return frozenset(os.sched_getaffinity(0))


def chosen_processors(text: str, allowed: frozenset[int] | None) -> tuple[int, ...]:
    """Return the processors that ``text`` names, in order, when all of them are ``allowed``.

    UsageError where it names none, or others, or where the system cannot pin processes.
    """
    if allowed is None:
        raise UsageError(
            "--cpu-affinity: this system has no way to keep a process on chosen processors (Linux"
            " has); leave the option out."
        )
    named = text.replace(" ", "")
    if not LIST.fullmatch(named):
        raise UsageError(f"--cpu-affinity: found {text!r}, wanted processors such as 2 or 0,2-3.")
    found: set[int] = set()
    for part in named.split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    if not found:
        raise UsageError(f"--cpu-affinity: found {text!r}, wanted the smaller number first.")
    outside = sorted(found - allowed)
    if outside:
        raise UsageError(
            f"--cpu-affinity: found {_words(outside)}, which perfkit may not use here; wanted some"
            f" of {_words(sorted(allowed))}."
        )
    return tuple(sorted(found))


def _words(processors: list[int]) -> str:
    """Return a list of processors in the form that the option takes."""
    spans: list[list[int]] = []
    for one in processors:
        if spans and one == spans[-1][-1] + 1:
            spans[-1][1:] = [one]
        else:
            spans.append([one])
    return ",".join("-".join(map(str, span)) for span in spans)
