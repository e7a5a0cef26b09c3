"""``perfkit compare --stored``: two commits by what `perfkit bench` stored of them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfkit.benchmarking.suite import Suite
    from perfkit.config.thresholds import Thresholds
    from perfkit.forge.git import Repository
    from perfkit.gate.stored import StoredSample
    from perfkit.model import Report, Run


def stored_report(
    repository: "Repository",
    suite: "Suite",
    base_name: str,
    head_name: str | None,
    *,
    thresholds: "Thresholds",
    patterns: Sequence[str],
) -> "Report":
    """Return the judged stored results of both commits (``head_name`` None: HEAD).

    Nothing is measured. MeasurementError where one of them has no result, UsageError where no
    benchmark matches.
    """
    from perfkit.baselines.store import read_runs
    from perfkit.benchmarking.discovery import select
    from perfkit.errors import MeasurementError
    from perfkit.gate.stored import judge_stored
    from perfkit.model import Report

    base, head = repository.resolve(base_name), repository.resolve(head_name or "HEAD")
    warnings = []
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
    return Report(
        command="compare",
        base=base,
        head=head,
        environment=newest.environment,
        comparisons=judge_stored(
            before,
            after,
            thresholds,
            today=datetime.now(tz=UTC).date(),
            remedy=f"measure both now with perfkit compare {base.label} {head.label}",
        ),
        warnings=tuple(warnings),
    )


def _samples(run: "Run") -> "Iterable[StoredSample]":
    from perfkit.baselines.machine import machine_name
    from perfkit.gate.stored import Origin, StoredSample

    machine = machine_name(run.environment)
    # When a run ended is not stored, and not asked for where its identity is.
    origin = Origin(run=run.identity, machine=machine, started=run.started, ended=run.started)
    return [StoredSample(sample=sample, origin=origin) for sample in run.samples]
