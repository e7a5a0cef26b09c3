"""A report as JUnit XML, which the test views of Jenkins, GitLab and others read."""

from collections.abc import Iterable, Iterator
from xml.etree import ElementTree as ET

from perfkit.model import Comparison, Report, Status, Verdict
from perfkit.reporting.headline import sorted_rows
from perfkit.reporting.row_text import (
    budget_text,
    change_text,
    leak_text,
    sides_text,
    site_text,
    verdict_text,
    waiver_text,
)
from perfkit.reporting.visible import visible

Case = tuple[str, str, Status, str, str]
"""Class, name, status, what it came to in one line, more lines."""

CHILD = {Status.FAILED: "failure", Status.ERROR: "error", Status.INCONCLUSIVE: "skipped"}
"""A gate that failed, a measurement that failed, and what could not be decided."""

COUNTED = {"failures": Status.FAILED, "errors": Status.ERROR, "skipped": Status.INCONCLUSIVE}


def report_junit(report: Report) -> str:
    """Return the document: a suite each for benchmarks, budgets, leak checks and waivers.

    What passed because of a waiver or a quarantine is skipped. A report without rows is one case
    with an error, as nothing was measured. Times are left out: a benchmark's is its result.
    """
    suites: dict[str, list[Case]] = {
        "benchmarks": [_comparison(row) for row in sorted_rows(report)],
        "budgets": [
            ("budgets", row.name, row.status, budget_text(row), row.why) for row in report.budgets
        ],
        "leak checks": [
            (
                "leaks",
                row.target,
                Status.INCONCLUSIVE if row.waived else row.status,
                leak_text(row),
                "\n".join(map(site_text, row.sites)),
            )
            for row in report.leaks
        ],
        "waivers": [
            (row.kind, row.pattern, row.status, waiver_text(row), "") for row in report.waivers
        ],
    }
    if not any(suites.values()):
        nothing = "nothing was measured"
        suites["benchmarks"] = [("perfkit", nothing, Status.ERROR, nothing, "")]
    every = [case for cases in suites.values() for case in cases]
    root = ET.Element("testsuites", {"name": "perfkit", **_counts(every, skipped=False)})
    for name, cases in suites.items():
        if cases:
            root.append(_suite(name, cases))
    ET.indent(root)
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _comparison(row: Comparison) -> Case:
    group, _, name = row.benchmark.name.rpartition(".")
    params = f"({', '.join(row.benchmark.params)})" if row.benchmark.params else ""
    accepted = row.waived or row.quarantined
    moved = row.verdict in {Verdict.UNCHANGED, Verdict.IMPROVED, Verdict.NEW}
    status = Status.INCONCLUSIVE if accepted and not moved else row.status
    base, head = sides_text(row)
    figures = f"base {base}, head {head}, change {change_text(row)}"
    more = "\n".join((figures, *row.warnings))
    return (group or "benchmarks", name + params, status, verdict_text(row), more)


def _suite(name: str, cases: Iterable[Case]) -> ET.Element:
    cases = list(cases)
    suite = ET.Element("testsuite", {"name": f"perfkit {name}", **_counts(cases, skipped=True)})
    for group, title, status, line, more in cases:
        case = ET.SubElement(suite, "testcase", classname=visible(group), name=visible(title))
        body = "\n".join(visible(part) for part in (line, *more.splitlines()) if part)
        if status is Status.PASSED:
            ET.SubElement(case, "system-out").text = body
        else:
            child = ET.SubElement(case, CHILD[status], message=visible(line))
            if status is not Status.INCONCLUSIVE:
                child.set("type", str(status))
            child.text = body
    return suite


def _counts(cases: Iterable[Case], *, skipped: bool) -> dict[str, str]:
    found = [status for _, _, status, _, _ in cases]
    return {"tests": str(len(found))} | dict(_numbers(found, skipped=skipped))


def _numbers(found: list[Status], *, skipped: bool) -> Iterator[tuple[str, str]]:
    for name, status in COUNTED.items():
        if skipped or name != "skipped":  # the outer element has no such attribute
            yield name, str(found.count(status))
