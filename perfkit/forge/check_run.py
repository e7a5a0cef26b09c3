"""A check run: the verdict as GitHub shows it beside the commit."""

from dataclasses import dataclass

from perfkit.forge.sticky import OUTSIDE_CI, Run
from perfkit.model import Report, Status

SUMMARY_CHARACTERS = 65_535
"""GitHub's limit of output.summary; https://docs.github.com/en/rest/checks/runs"""

CONCLUSION = {
    Status.PASSED: "success",
    Status.FAILED: "failure",
    # Undecided is neither: a neutral check does not block a merge and is not green.
    Status.INCONCLUSIVE: "neutral",
    # What was not measured must not let a merge through.
    Status.ERROR: "failure",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """One completed check run on the commit ``sha``."""

    name: str
    sha: str
    conclusion: str
    title: str
    summary: str
    external_id: str

    def values(self) -> dict[str, object]:
        """Return what GitHub is sent."""
        return {
            "name": self.name,
            "head_sha": self.sha,
            "status": "completed",
            "conclusion": self.conclusion,
            "external_id": self.external_id,
            "output": {"title": self.title, "summary": self.summary},
        }


UNPROVEN = (
    "This is no pass: the report is an artifact, and not known to be of a run of this repository."
    " In a run of a fork, the code of the change could have written anything; look at its job."
)


def check_run_of(
    report: Report,
    *,
    name: str,
    sha: str,
    run: Run | None,
    title: str,
    summary: str,
    proven: bool = True,
) -> CheckRun:
    """Return the check run of ``report``: cancelled where it was interrupted, else its status.

    ``summary`` is Markdown; one that is too long is replaced by its title. A report that passed is
    no success unless it is ``proven``, which one that a fork's run wrote is not: then the check is
    neutral and says why.
    """
    which = run or OUTSIDE_CI
    conclusion = "cancelled" if report.interrupted else CONCLUSION[report.status]
    if conclusion == "success" and not proven:
        conclusion, title, summary = "neutral", f"Not proven: {title}", f"{UNPROVEN}\n\n{summary}"
    return CheckRun(
        name=name,
        sha=sha,
        conclusion=conclusion,
        title=title,
        summary=summary if len(summary) <= SUMMARY_CHARACTERS else title,
        external_id=f"{which.number}.{which.attempt}",
    )
