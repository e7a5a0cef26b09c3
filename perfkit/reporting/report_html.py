"""A report as one HTML file that works offline: verdicts, intervals, processes and history."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template

from perfkit.model import Comparison, Environment, Report, Series, Status, Verdict
from perfkit.plural import plural
from perfkit.reporting.culprit_words import culprit_lines
from perfkit.reporting.headline import advice, counted, headline, row_notes, sorted_rows
from perfkit.reporting.plots import (
    Axis,
    history_plot,
    interval_plot,
    outlook,
    processes_plot,
    ratio_axis,
    ratio_labels,
)
from perfkit.reporting.quantity import significant
from perfkit.reporting.row_text import (
    budget_text,
    change_text,
    difference_text,
    floor_source,
    leak_text,
    method,
    revision,
    sides_text,
    site_text,
    waiver_text,
)
from perfkit.reporting.visible import shortened, visible

PLOTTED_ROWS = 500
"""Rows with plots, the gravest; each takes about 3 kB."""

LISTED_ROWS = 5_000
"""Rows at all; a browser still opens a table of them. All are in the JSON and the CSV."""

LONGEST_TEXT = 1_000
"""Characters of one name or sentence."""

HISTORIES = 2
"""Series drawn for one benchmark: it has one for each machine and environment."""

MARK = {
    Status.PASSED: "✓",
    Status.FAILED: "✗",
    Status.INCONCLUSIVE: "?",
    Status.ERROR: "!",
}

HEAD = (
    "<tr><th>verdict</th><th>benchmark</th><th>base</th><th>head</th><th>change</th>"
    "<th>ratio, with the floor$labels</th><th>processes: base above head</th></tr>"
)


def report_html(report: Report, history: Sequence[Series] = ()) -> str:
    """Return the page; it asks for nothing from elsewhere, and no text in it becomes markup.

    ``history`` holds stored series of the report's benchmarks, by their full names.
    """
    rows = sorted_rows(report)
    past: dict[str, list[Series]] = {}
    for series in history:
        past.setdefault(series.name, []).append(series)
    parts = {
        "status": str(report.status),
        "headline": _text(headline(report)),
        "revisions": _revisions(report),
        "advice": _paragraph(report.impact) + _commands(_paragraph(advice(report))),
        "benchmarks": "".join(_benchmarks(rows, past)),
        "findings": "".join(_findings(report)),
        "method": _text(method(report)),
        "environment": _environment(report.environment),
    }
    template = files("perfkit.reporting") / "templates" / "report.html"
    return Template(template.read_text(encoding="utf-8")).substitute(parts)


def _text(text: str) -> str:
    return escape(shortened(visible(text), LONGEST_TEXT))


def _paragraph(text: str) -> str:
    return f"<p>{_text(text)}</p>" if text else ""


def _commands(advice: str) -> str:
    """Return perfkit's own words with what stands in backticks as something to type."""
    return re.sub(r"`([^`]+)`", r"<kbd>\1</kbd>", advice)


def _revisions(report: Report) -> str:
    if report.base is None or report.head is None:
        return ""
    base, head = (_revision(side.subject, revision(side)) for side in (report.base, report.head))
    return f"<p>{base} → {head}</p>"


def _revision(subject: str, name: str) -> str:
    return f"<b>{_text(name)}</b>{f' {_text(subject)}' if subject else ''}"


def _benchmarks(rows: Sequence[Comparison], past: Mapping[str, Sequence[Series]]) -> Iterator[str]:
    """Yield the table of rows that say something, then that of the unchanged ones, folded."""
    listed = rows[:LISTED_ROWS]
    plotted = {id(row) for row in rows[:PLOTTED_ROWS]}
    shown = [row for row in listed if row.verdict is not Verdict.UNCHANGED or not counted(row)]
    folded = [row for row in listed if row.verdict is Verdict.UNCHANGED and counted(row)]
    if shown:
        yield f"<h2>Benchmarks</h2>{_table(shown, past, plotted)}"
    if folded:
        unfold = " open" if not shown else ""
        yield (
            f"<details{unfold}><summary>{len(folded)} unchanged</summary>"
            f"{_table(folded, past, plotted)}</details>"
        )
    if len(rows) > len(listed):
        yield _paragraph(f"and {len(rows) - len(listed)} more, which the JSON and the CSV have.")


def _table(
    rows: Sequence[Comparison], past: Mapping[str, Sequence[Series]], plotted: set[int]
) -> str:
    axis = ratio_axis(rows)
    body = "".join(
        _row(row, axis, past.get(str(row.benchmark), ()), plots=id(row) in plotted) for row in rows
    )
    head = Template(HEAD).substitute(labels=ratio_labels(axis))
    return f"<table><thead>{head}</thead>{body}</table>"


def _row(row: Comparison, axis: Axis, past: Sequence[Series], *, plots: bool) -> str:
    """Return one benchmark: its figures, and below them over the whole width what is said of it."""
    base, head = sides_text(row)
    mark = MARK[row.status] if counted(row) else "👁"
    notes = "".join(f"<small>{_text(note)}</small>" for note in _notes(row))
    drawn = list(filter(None, map(history_plot, past[:HISTORIES]))) if plots else []
    cells = [
        f'<td class="{outlook(row)}">{mark} {row.verdict}</td>',
        f"<td><code>{_text(str(row.benchmark))}</code></td>",
        *(f'<td class="number">{_text(cell)}</td>' for cell in (base, head, change_text(row))),
        f"<td>{interval_plot(row, axis) if plots else ''}</td>",
        f"<td>{processes_plot(row) if plots else ''}</td>",
    ]
    more = f'<tr><td></td><td colspan="6">{notes}{"".join(drawn)}</td></tr>'
    return f"<tbody><tr>{''.join(cells)}</tr>{more if notes or drawn else ''}</tbody>"


def _notes(row: Comparison) -> Iterator[str]:
    yield from row_notes(row)
    yield from culprit_lines(row)
    if row.shift is not None:
        p = row.shift.p_value if row.p_adjusted is None else row.p_adjusted
        yield (
            f"p {p:.2g}, floor {significant(row.shift.floor * 100)} %{floor_source(row)},"
            f" n {row.shift.n_base}+{row.shift.n_head},"
            f" {row.shift.ratio.confidence * 100:.3g} % interval, {row.shift.design}"
        )
        if row.shift.rounds_needed is not None:
            yield f"{plural(row.shift.rounds_needed, 'round')} would decide"


def _findings(report: Report) -> Iterator[str]:
    yield from _list(
        "Budgets", ((row.status, budget_text(row), (row.why,)) for row in report.budgets)
    )
    yield from _list(
        "Leaks",
        (
            (row.status, leak_text(row), (*map(site_text, row.sites), *row.holders, *row.notes))
            for row in report.leaks
        ),
    )
    yield from _list("Waivers", ((row.status, waiver_text(row), ()) for row in report.waivers))
    doubts = [*report.warnings, *map(difference_text, report.differences)]
    yield from _list("Warnings", ((Status.INCONCLUSIVE, text, ()) for text in doubts))


def _list(title: str, rows: Iterable[tuple[Status, str, Iterable[str]]]) -> Iterator[str]:
    items = []
    for status, line, more in list(rows)[:LISTED_ROWS]:
        notes = "".join(f"<small>{_text(note)}</small>" for note in more if note)
        items.append(f'<li class="{status}">{MARK[status]} {_text(line)}{notes}</li>')
    if items:
        yield f"<h2>{title}</h2><ul>{''.join(items)}</ul>"


def _environment(environment: Environment | None) -> str:
    if environment is None:
        return ""
    facts = {
        "machine": environment.label,
        "processor": environment.cpu,
        "cores": environment.cores,
        "quota of cores": environment.quota_cores,
        "governor": environment.governor,
        "memory": f"{environment.memory_bytes / 2**30:.1f} GiB",
        "system": f"{environment.system} {environment.kernel}, {environment.libc}",
        "runner image": environment.image,
        "Python": environment.python,
        "load when it began": environment.load,
    }
    rows = "".join(
        f"<dt>{name}</dt><dd>{_text(str(value))}</dd>"
        for name, value in facts.items()
        if value is not None
    )
    return f"<details><summary>Environment</summary><dl>{rows}</dl></details>"
