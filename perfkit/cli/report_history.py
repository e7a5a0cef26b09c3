"""The stored series that a report's page draws beside its comparisons."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfkit.model import Report, Series

log = logging.getLogger("perfkit.cli")


def stored_series(report: "Report") -> "tuple[Series, ...]":
    """Return what is stored of the report's benchmarks, where its head is a commit of this place.

    Empty outside a repository with a suite, or of another one: a history is an addition.
    """
    from perfkit.baselines.descriptions import unit_of_results
    from perfkit.baselines.index import read_results
    from perfkit.baselines.series import series_of
    from perfkit.cli.settings import repository_and_suite
    from perfkit.errors import UsageError

    if report.head is None:
        return ()
    try:
        repository, suite = repository_and_suite(Path.cwd())
        order = repository.first_parents(repository.resolve(report.head.commit).commit)
    except UsageError as error:
        log.info("no history: %s", error)
        return ()
    if not suite.results.is_dir():
        return ()
    collection, _ = read_results(suite.results)
    wanted = {str(row.benchmark) for row in report.comparisons}
    found = series_of(collection, order, unit_of=unit_of_results(suite.results))
    return tuple(one for one in found if one.name in wanted)
