"""What a bisection found, as text and as JSON values: pure functions of it."""

from typing import Any

from perfkit.model import Comparison, Revision, Verdict
from perfkit.reporting.quantity import change, change_interval

SHORT = 10
"""Characters of a commit that are shown."""


def culprit_text(
    *,
    total: Comparison,
    suspects: tuple[Revision, ...] | None,
    probed: tuple[tuple[Revision, str], ...],
    step: Comparison | None,
    confirmed: bool,
) -> str:
    """Return the answer first, then how it was reached.

    ``suspects`` are the commits left, None where the ends do not differ; ``probed`` what was
    measured, in order; ``step`` the culprit against its parent.
    """
    lines = []
    if suspects is None:
        lines.append(
            f"GOOD and BAD do not differ in {total.benchmark}: {total.verdict}{_shift(total)}."
            " There is nothing to find, or it needs more rounds (--max-rounds)."
        )
    elif step is not None and confirmed:
        lines.append(f"{_named(suspects[0])} {_word(total)} {total.benchmark}{_shift(step)}")
        lines.append(f"confirmed against its parent on new rounds; the whole range{_shift(total)}")
    elif step is not None:
        lines.append(
            f"No commit can be named: the search led to {_named(suspects[0])}, but against its"
            f" parent it is {step.verdict}{_shift(step)}. The change may be spread over several"
            " commits, or need more rounds (--max-rounds)."
        )
    else:
        lines.append(
            f"One of {len(suspects)} commits {_word(total)} {total.benchmark}{_shift(total)};"
            " the others between do not build or stay undecided:"
        )
        lines += [f"  {_named(revision)}" for revision in suspects]
    if probed:
        lines += ["", "measured against the good end:"]
        lines += [f"  {_named(revision)}: {answer}" for revision, answer in probed]
    return "\n".join(lines)


def _named(revision: Revision) -> str:
    return f"{revision.commit[:SHORT]} {revision.subject}".rstrip()


def _word(total: Comparison) -> str:
    return "slowed" if total.verdict is Verdict.REGRESSED else "improved"


def _shift(row: Comparison) -> str:
    if row.shift is None:
        return f" ({row.reason})" if row.reason else ""
    return f": {change(row.shift.ratio.estimate)} {change_interval(row.shift.ratio)}"


def culprit_values(
    *,
    total: dict[str, Any],
    suspects: tuple[Revision, ...] | None,
    probed: tuple[tuple[Revision, str], ...],
    step: dict[str, Any] | None,
    confirmed: bool,
) -> dict[str, Any]:
    """Return the JSON values; ``total`` and ``step`` are comparisons as in a report."""
    return {
        "total": total,
        "confirmed": confirmed,
        "suspects": None
        if suspects is None
        else [{"commit": one.commit, "subject": one.subject} for one in suspects],
        "probed": [{"commit": one.commit, "answer": answer} for one, answer in probed],
        "step": step,
    }
