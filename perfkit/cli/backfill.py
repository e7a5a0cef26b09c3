"""``perfkit bench --backfill``: asv measures a range of commits, perfkit checks its results."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.cli.invocation import Invocation
from perfkit.errors import ExitCode
from perfkit.plural import plural

if TYPE_CHECKING:
    from perfkit.benchmarking.suite import Suite
    from perfkit.forge.git import Repository

ASV_BENCHMARK_FAILED = 2
"""What asv exits with where it ran to its end and a benchmark or a build failed."""


def backfill(
    invocation: Invocation,
    repository: "Repository",
    suite: "Suite",
    span: str,
    *,
    every: int,
    patterns: Sequence[str],
) -> ExitCode:
    """Let asv measure the commits of ``span`` and report which results exist and which do not."""
    from perfkit.baselines.backfilled import (
        existing_results,
        keep_descriptions,
        missing_results,
        remove_halves,
        restore,
        wanted_results,
    )
    from perfkit.baselines.descriptions import read_descriptions
    from perfkit.baselines.store import check_storable
    from perfkit.benchmarking.asv_run import commits_of, failed, matrix_of, run_asv
    from perfkit.benchmarking.build import state_folder
    from perfkit.cli.progress import saying, working
    from perfkit.reporting.backfill_text import backfill_text, backfill_values

    commits = commits_of(repository, span, every)
    check_storable(suite.results)
    folder = state_folder(repository.root) / "backfill"
    folder.mkdir(exist_ok=True)
    stem = f"{int(time.time() * 1000):013d}"
    log, hashes = folder / f"{stem}.log", folder / f"{stem}.commits"
    hashes.write_text("".join(f"{commit}\n" for commit in commits), encoding="ascii")
    descriptions = read_descriptions(suite.results)
    interrupted, found = False, {}
    saying(invocation)(f"what asv says is written into {log}")
    with working(invocation, f"asv run: {plural(len(commits), 'commit')}"):
        matrix = matrix_of(suite, log)
        before = existing_results(suite.results, matrix.machine, commits)
        code = 0
        try:
            code = run_asv(
                suite,
                # What is there stays; never --quick, which measures once.
                [
                    "run",
                    f"HASHFILE:{hashes}",
                    "--skip-existing-successful",
                    "--record-samples",
                    "--show-stderr",
                ]
                + [word for pattern in patterns for word in ("--bench", pattern)],
                log,
            )
        except KeyboardInterrupt:
            interrupted = True
        finally:
            put_back = restore(before)
            written = existing_results(suite.results, matrix.machine, commits)
            halves = remove_halves([path for path in written if path not in before])
            found = keep_descriptions(suite.results, descriptions)
    if not interrupted and code not in (0, ASV_BENCHMARK_FAILED):
        raise failed("asv run", code, log)
    wanted = wanted_results(commits, matrix.environments, found, patterns)
    missing = missing_results(existing_results(suite.results, matrix.machine, commits), wanted)
    values = backfill_values(
        commits,
        wanted,
        missing,
        new=len(missing_results(before, wanted)) - len(missing),
        put_back=put_back,
        halves=halves,
        folder=str(suite.results / matrix.machine),
        log=str(log),
    )
    complete = bool(wanted) and not missing
    done = ExitCode.PASSED if complete else ExitCode.MEASUREMENT
    return invocation.finish(
        ExitCode.INTERRUPTED if interrupted else done,
        text=backfill_text(values, last=() if complete else _last(log)),
        values=values,
    )


def _last(log: Path) -> Sequence[str]:
    from perfkit.benchmarking.asv_run import last_lines

    return last_lines(log).splitlines()[1:]
