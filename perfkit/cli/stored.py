"""``perfkit compare --stored``: two commits by what `perfkit bench` stored of them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfkit.benchmarking.suite import Suite
    from perfkit.config.thresholds import Thresholds
    from perfkit.forge.git import Repository
    from perfkit.gate.stored import StoredSample
    from perfkit.model import Report, Revision, Run


def stored_report(
    repository: "Repository",
    suite: "Suite",
    base_name: str | None,
    head_name: str | None,
    *,
    thresholds: "Thresholds",
    patterns: Sequence[str],
) -> "Report":
    """Return the judged stored results of both commits (``head_name`` None: HEAD).

    Without ``base_name``, base is the merge base with the default branch or, where that has no
    result, its nearest first-parent ancestor that has one. Nothing is measured. MeasurementError
    where one of them has no result, UsageError where no benchmark matches.
    """
    from perfkit.baselines.store import read_runs
    from perfkit.benchmarking.discovery import select
    from perfkit.errors import MeasurementError
    from perfkit.gate.stored import judge_stored, stored_differences
    from perfkit.gate.waivers import exceptions_of
    from perfkit.model import Report

    head = repository.resolve(head_name or "HEAD")
    warnings = []
    if base_name is not None:
        base = repository.resolve(base_name)
    else:
        wanted = repository.merge_base(head.commit, repository.default_branch())
        base = _nearest(repository, suite, wanted)
        if base.between:
            warnings.append(
                f"{wanted.label} ({wanted.commit[:10]}) has no stored result; base is its nearest"
                f" ancestor with one, and the difference holds what lies between:"
                f" {_some(base.between)}"
            )
    if head_name is None and repository.is_dirty(apart_from=suite.results):
        warnings.append("uncommitted changes are not part of stored results")
    runs = [
        run
        for run in read_runs(suite.results, {base.commit, head.commit})
        if not run.dirty and run.samples
    ]
    sides = []
    for side in (base, head):
        found = [run for run in runs if run.commit == side.commit]
        if not found:
            raise MeasurementError(
                f"{suite.results}: no stored result of {side.label} ({side.commit[:10]}); store one"
                f" with `perfkit bench {side.commit[:10]}`, or measure both now without --stored."
            )
        sides.append([one for run in found for one in _samples(run)])
    identities = sorted({one.sample.benchmark for side in sides for one in side})
    chosen = set(select(identities, patterns))
    before, after = ([one for one in side if one.sample.benchmark in chosen] for side in sides)
    newest = max((run for run in runs if run.commit == head.commit), key=lambda run: run.started)
    today = datetime.now(tz=UTC).date()
    name = base_name or base.commit[:10]
    rows = judge_stored(
        before,
        after,
        thresholds,
        today=today,
        remedy=f"measure both now with perfkit compare {name} {head.label}",
    )
    return Report(
        command="compare",
        base=base,
        head=head,
        environment=newest.environment,
        comparisons=rows,
        waivers=exceptions_of(
            rows, thresholds, today=today, whole=not patterns and head.commit != base.commit
        ),
        differences=stored_differences(before, after),
        warnings=tuple(warnings),
    )


NAMED = 5
"""Commits that a warning names; a report as JSON has all of them."""


def _some(commits: Sequence[str]) -> str:
    names = ", ".join(commit[:10] for commit in commits[:NAMED])
    return names if len(commits) <= NAMED else f"{names} and {len(commits) - NAMED} more"


def _nearest(repository: "Repository", suite: "Suite", wanted: "Revision") -> "Revision":
    from perfkit.baselines.store import is_stored
    from perfkit.errors import MeasurementError

    found = repository.nearest_measured(wanted, lambda commit: is_stored(suite.results, commit))
    if found is None:
        raise MeasurementError(
            f"{suite.results}: no stored result of {wanted.label} ({wanted.commit[:10]}) nor of any"
            f" commit before it; store one with `perfkit bench {wanted.commit[:10]}`."
        )
    return found


def _samples(run: "Run") -> "Iterable[StoredSample]":
    from perfkit.baselines.machine import machine_name
    from perfkit.gate.stored import Origin, StoredSample

    machine = machine_name(run.environment)
    # When a run ended is not stored, and not asked for where its identity is.
    origin = Origin(
        run=run.identity,
        machine=machine,
        started=run.started,
        ended=run.started,
        environment=run.environment,
    )
    return [StoredSample(sample=sample, origin=origin) for sample in run.samples]
