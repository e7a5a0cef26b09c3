"""The history in a folder of results, seen from a branch."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Self

from perfkit.baselines.analyses import kept_history
from perfkit.baselines.collection import Collection
from perfkit.baselines.descriptions import unit_of_results
from perfkit.baselines.index import read_results
from perfkit.baselines.series import commits_by_date, machine_labels, series_of
from perfkit.errors import MeasurementError, UsageError
from perfkit.forge.git import Repository
from perfkit.model import Commit, Series
from perfkit.stats.history import History

log = logging.getLogger("perfkit.baselines")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which series to look at; no pattern of a kind chooses all."""

    benchmarks: tuple[re.Pattern[str], ...] = ()
    machines: tuple[re.Pattern[str], ...] = ()

    @classmethod
    def of(cls, benchmarks: Sequence[str], machines: Sequence[str]) -> Self:
        """Compile the patterns; UsageError names the option of a broken one."""
        return cls(_compiled("--bench", benchmarks), _compiled("--machine", machines))

    def chooses(self, series: Series, labels: Mapping[str, Sequence[str]]) -> bool:
        """Whether ``series`` is wanted; ``labels`` are the names of each machine."""
        names = (series.group, *labels.get(series.group.partition(",")[0], ()))
        return (
            not self.benchmarks or any(one.search(series.name) for one in self.benchmarks)
        ) and (
            not self.machines or any(one.search(name) for one in self.machines for name in names)
        )


def _compiled(option: str, patterns: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    try:
        return tuple(re.compile(pattern) for pattern in patterns)
    except re.error as error:
        raise UsageError(
            f"{option}: {error.pattern!r} is no regular expression: {error}."
        ) from error


def stored_history(
    folder: Path,
    repository: Repository | None,
    branch: str,
    selection: Selection,
    *,
    since: str | None,
    alpha: float,
    min_effect: float,
) -> History:
    """Return the history of all results in ``folder``, asv's and perfkit's.

    Commits come along the first parents of ``branch``. Where ``repository`` is None, or has not
    got a single one of the commits, they come by author date, which is said. ``since`` is a commit
    or a date (YYYY-MM-DD, UTC). Unreadable files are named on the log, one sentence each.

    Raises:
        MeasurementError: nothing was measured that is asked for.
        UsageError: no such folder, branch or commit.
    """
    collection, unreadable = read_results(folder)
    for one in unreadable:
        log.warning("%s: left out: %s", folder / one.path, one.reason)
    notes = []
    order = repository.first_parents(repository.resolve(branch).commit) if repository else []
    dated = commits_by_date(collection)
    if not set(dated).intersection(order):
        if not dated:
            raise _nothing(folder, "no results")
        if repository and folder.resolve().is_relative_to(repository.root):
            raise _elsewhere(folder, branch, dated, _dates(collection))
        order = dated
        notes.append("the commits are not known here: they are in the order of their dates")
    labels = machine_labels(collection)
    series = [
        one
        for one in series_of(collection, order, unit_of=unit_of_results(folder))
        if selection.chooses(one, labels)
    ]
    if not series:
        raise _nothing(
            folder,
            f"no run of a commit of {branch}"
            + (" that --bench and --machine match" if selection != Selection() else ""),
        )
    history = kept_history(folder, series, alpha=alpha, min_effect=min_effect)
    commits = {**_dates(collection)}
    if repository:
        commits |= repository.commits(history.labels)
    history = replace(
        history,
        commits={label: commits[label] for label in history.labels},
        notes=(*notes, *_machine_notes(labels)),
    )
    return history if since is None else history.since(_first(history, order, repository, since))


def _nothing(folder: Path, found: str) -> MeasurementError:
    return MeasurementError(f"{folder}: holds {found}; `perfkit bench` measures one and stores it.")


def _elsewhere(
    folder: Path, branch: str, dated: Sequence[str], dates: Mapping[str, Commit]
) -> MeasurementError:
    """Return what is said where there are results, but of other branches."""
    newest = dated[-1]
    day = datetime.fromtimestamp(dates[newest].date / 1000, UTC).date()
    commits = "one commit" if len(dated) == 1 else f"{len(dated)} commits"
    return MeasurementError(
        f"{folder}: holds results of {commits}, none of them on the line of first parents of"
        f" {branch}; the newest is {newest[:10]} of {day}. Name its branch with --branch, or"
        f" measure a commit of {branch} with `perfkit bench`."
    )


def _dates(collection: Collection) -> dict[str, Commit]:
    return {
        collection.texts[commit]: Commit(date=date, subject="")
        for commit, date in zip(
            collection.column("commit").tolist(), collection.column("date").tolist(), strict=True
        )
    }


def _machine_notes(labels: Mapping[str, Sequence[str]]) -> list[str]:
    names = sum(len(one) for one in labels.values())
    if names <= len(labels):
        return []
    machines = "one machine" if len(labels) == 1 else f"{len(labels)} machines"
    said = f"{names} machine names are read as {machines}"
    return [f"{said}: a machine is its CPU, cores and system, not its name"]


def _first(
    history: History, order: Sequence[str], repository: Repository | None, since: str
) -> int:
    """Return the index of the first point after ``since``."""
    labels = history.labels
    try:
        midnight = datetime.combine(date.fromisoformat(since), time(), UTC)
    except ValueError:
        if repository is not None:
            commit = repository.resolve(since).commit
        else:
            known = [label for label in order if label.startswith(since)]
            if len(known) != 1:
                raise UsageError(
                    f"--since: {since!r} is neither a date (YYYY-MM-DD) nor one measured commit."
                ) from None
            (commit,) = known
        if commit not in order:
            raise UsageError(
                f"--since: {since} is no commit of the branch; name one of its history."
            ) from None
        place = {label: index for index, label in enumerate(order)}
        return sum(place[label] <= place[commit] for label in labels)
    start = midnight.timestamp() * 1000
    return sum(history.commits[label].date < start for label in labels)
