"""What ``compare`` and ``check`` take from the map of ``perfkit impact``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.cli.impact import stored_place
from perfkit.errors import PerfkitError, UsageError
from perfkit.plural import plural

if TYPE_CHECKING:
    from perfkit.config.thresholds import Thresholds
    from perfkit.forge.git import Repository
    from perfkit.model import Impact, PathShare, Report, Revision


def mapped(
    repository: "Repository", base: "Revision", head: "Revision", thresholds: "Thresholds"
) -> "Impact | None":
    """Return the map of the change; None where no profile is stored, or head is not checked out."""
    from perfkit.profiling.stored import impact_of_change, stored_profiles

    place = stored_place(repository, thresholds)
    if head.commit != repository.resolve("HEAD").commit or not _holds_profiles(place):
        return None
    return impact_of_change(repository, base, stored_profiles(place))


def _holds_profiles(place: Path) -> bool:
    return place.is_file() or any(place.glob("*.pyisession"))


def with_map(
    report: "Report", repository: "Repository", thresholds: "Thresholds", warning: str = ""
) -> "Report":
    """Return the report with the map in one line, and with the warning that a map chose its rows.

    A stored profile or a source that cannot be used costs the line, and never the report.
    """
    from perfkit.reporting.impact_text import impact_line

    if warning:
        report = replace(report, warnings=(*report.warnings, warning))
    if report.base is None or report.head is None:
        return report
    try:
        found = mapped(repository, report.base, report.head, thresholds)
    except (PerfkitError, OSError) as error:
        return replace(report, impact=f"There is no map of the change: {error}")
    return report if found is None else replace(report, impact=impact_line(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The pattern of the benchmarks to measure, and the warning that a map chose them.

    ``doubtful`` are the names of those left out on a map that may be wrong of them, with the
    reason.
    """

    patterns: list[str]
    warning: str = ""
    doubtful: Mapping[str, str] = field(default_factory=dict)


def only_those(found: "Impact | None", patterns: list[str]) -> Chosen:
    """Return what ``--only-touched`` measures.

    Left out are the benchmarks whose stored profile does not meet the change; those without a
    profile are measured, since nothing is known of them.
    """
    if patterns:
        raise UsageError("--only-touched chooses the benchmarks itself; leave out --bench.")
    if found is None:
        raise UsageError(
            "--only-touched needs stored profiles of the checked-out tree; record some with"
            " `perfkit impact --record`, or leave it out."
        )
    left = {
        path.target.removeprefix("bench:"): path
        for path in found.paths
        if not path.share and path.target.startswith("bench:")
    }
    if not left:
        return Chosen(patterns=[])
    if len(left) == len(found.paths):
        # It may be that nothing is slower, which only measuring shows.
        return Chosen(
            patterns=[],
            warning="--only-touched chose nothing: no stored profile meets the change, so every"
            " benchmark was measured",
        )
    names = "|".join(map(re.escape, left))
    warning = (
        f"--only-touched left out {plural(len(left), 'benchmark')} whose stored profile does not"
        " meet the change: a map chose, and what it left out was not measured"
    )
    reasons = {name: _doubt(found, path) for name, path in left.items()}
    return Chosen(
        patterns=[f"^(?!(?:{names})$)"],
        warning=warning,
        doubtful={
            name: f"left out by --only-touched, but {reason}"
            for name, reason in reasons.items()
            if reason
        },
    )


def _doubt(found: "Impact", path: "PathShare") -> str:
    """Return in a clause why a profile that the change does not meet shows nothing; else empty."""
    if path.behind is None:
        return "its stored profile is of no commit that is known here"
    if path.behind:
        return f"its stored profile is {plural(path.behind, 'commit')} older than the base"
    return "; ".join(found.unmapped)
