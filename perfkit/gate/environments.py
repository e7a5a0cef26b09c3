"""Whether two sides were measured in places whose times may be compared."""

from collections.abc import Sequence
from dataclasses import replace

from perfkit.gate.waivers import with_exceeded
from perfkit.model import (
    Comparison,
    Environment,
    EnvironmentDifference,
    Report,
    Verdict,
)

HARD = {
    "cpu": "CPU model",
    "cpu_flags": "CPU features",
    "cores": "cores",
    "quota_cores": "CPU quota",
    "governor": "CPU governor",
    "system": "operating system",
    "libc": "C library",
    "python": "Python",
    "packages_digest": "installed packages",
    "image": "runner image",
}
"""Facts that move times by more than most changes do, in people's words.

The kernel, the memory and the load are none of them: they differ between equal machines, and from
one hour to the next.
"""

LATER = {"cpu_flags", "image"}
"""Facts that results of earlier versions lack: unknown there, and so no difference."""

JUDGED = {Verdict.REGRESSED, Verdict.IMPROVED, Verdict.UNCHANGED, Verdict.DIFFERENT_WORK}


def differences(base: Environment, head: Environment) -> tuple[EnvironmentDifference, ...]:
    """Return the hard facts that differ, in the order of ``HARD``."""
    found = []
    for fact, words in HARD.items():
        one, other = getattr(base, fact), getattr(head, fact)
        if one == other or (fact in LATER and None in {one, other}):
            continue
        found.append(EnvironmentDifference(fact=words, base=_text(one), head=_text(other)))
    return tuple(found)


def _text(value: object) -> str:
    """Return a fact in a few words; a digest by its beginning."""
    text = "none" if value is None else str(value)
    digest = len(text) == 64 and not text.strip("0123456789abcdef")  # noqa: PLR2004  # of SHA-256
    return text[:10] if digest else text


def demoted(row: Comparison, found: Sequence[EnvironmentDifference]) -> Comparison:
    """Return the row as one that claims nothing, where ``found`` holds any difference.

    Failed, missing and new rows are facts about the suite and stay; and so do equal values of an
    exact metric, which no machine makes equal. A waiver or quarantine is for what is known, so it
    goes as well.
    """
    if not found or row.verdict not in JUDGED:
        return row
    if row.verdict is Verdict.UNCHANGED and row.shift is not None and row.shift.design == "exact":
        return row
    facts = ", ".join(one.fact for one in found)
    return replace(
        row,
        verdict=Verdict.INCONCLUSIVE,
        waived="",
        reason=f"looks {row.verdict}, but the sides were measured under different conditions:"
        f" {facts}",
    )


def in_places(report: Report, base: Environment, head: Environment) -> Report:
    """Return the report of what was measured in ``base`` and ``head``, differences listed."""
    found = differences(base, head)
    if not found:
        return report
    rows = tuple(demoted(row, found) for row in report.comparisons)
    # No row claims a regression any more, so none is beyond a ceiling either.
    return replace(
        report,
        differences=found,
        comparisons=rows,
        waivers=with_exceeded(report.waivers, rows),
    )
