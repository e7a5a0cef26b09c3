"""``perfkit baselines``: look after the stored results."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options
from perfkit.errors import ExitCode
from perfkit.plural import plural

if TYPE_CHECKING:
    from perfkit.forge.git import Repository
    from perfkit.forge.orphan_branch import OrphanBranch

baselines = typer.Typer(help="Look after the stored results.", no_args_is_help=True)

Results = Annotated[
    Path | None,
    typer.Option("--results", metavar="DIR", help="An asv results folder. Default: the suite's."),
]
Remote = Annotated[str, typer.Option("--remote", help="The remote to exchange with.")]
Branch = Annotated[str, typer.Option("--branch", help="A branch for results only.")]


def _folder(results: Path | None) -> Path:
    from perfkit.benchmarking.suite import find_suite

    return find_suite(Path.cwd()).results if results is None else results


def _repository() -> "Repository":
    from perfkit.forge.git import Repository

    return Repository.around(Path.cwd())


def _exchange(remote: str, branch: str) -> "OrphanBranch":
    from perfkit.forge.orphan_branch import OrphanBranch

    return OrphanBranch(repository=_repository(), remote=remote, branch=branch)


@baselines.command()
def check(
    context: typer.Context, *, results: Results = None, json: options.Json = False
) -> ExitCode:
    """Read every result file anew, name those that cannot be read, and write benchmarks.json.

    Exits 4 when a file cannot be read, or a shard of a commit was lost. asv needs
    benchmarks.json, which is generated and not committed: run this after a clone or a merge.
    """
    from dataclasses import asdict

    from perfkit.baselines.lost_shards import lost_shards
    from perfkit.baselines.upkeep import check_results
    from perfkit.reporting.baselines_text import condition_text

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "baselines check"
    folder = _folder(results)
    found = check_results(folder)
    lost = lost_shards(folder)
    counts = {state.name.lower(): count for state, count in found.results.items()}
    unreadable = [(str(folder / one.path), one.reason) for one in found.unreadable]
    return invocation.finish(
        ExitCode.MEASUREMENT if unreadable or lost else ExitCode.PASSED,
        text=condition_text(
            files=found.files,
            commits=found.commits,
            benchmarks=found.benchmarks,
            results=counts,
            machines=found.machines,
            unreadable=unreadable,
            lost=[(one.commit, one.environment, one.count, one.lost) for one in lost],
        ),
        values={
            "files": found.files,
            "commits": found.commits,
            "benchmarks": found.benchmarks,
            "results": counts,
            "machines": {name: list(labels) for name, labels in found.machines.items()},
            "unreadable": [{"path": path, "reason": reason} for path, reason in unreadable],
            "lost_shards": [asdict(one) for one in lost],
        },
    )


@baselines.command()
def prune(
    context: typer.Context,
    *,
    before: Annotated[
        str | None,
        typer.Option("--before", metavar="DATE", help="Results of commits older than YYYY-MM-DD."),
    ] = None,
    lost: Annotated[
        bool, typer.Option("--lost", help="Results of commits that this repository has not got.")
    ] = False,
    unreadable: Annotated[
        bool, typer.Option("--unreadable", help="Files that cannot be read.")
    ] = False,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete them. Without it they are only listed.")
    ] = False,
    results: Results = None,
    json: options.Json = False,
) -> ExitCode:
    """List, or delete, results that are no longer wanted, and what interrupted writes left.

    Nothing that git has is lost by deleting: it stays in the history of the repository.
    """
    from datetime import UTC, datetime
    from time import time

    from perfkit.baselines.upkeep import prunable
    from perfkit.cli.invocation import Raw
    from perfkit.errors import UsageError

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "baselines prune"
    oldest = None
    if before is not None:
        try:
            oldest = int(datetime.fromisoformat(before).replace(tzinfo=UTC).timestamp() * 1000)
        except ValueError as error:
            raise UsageError(
                f"--before: found {before}, wanted a date such as 2026-01-31"
            ) from error
    repository = _repository() if lost else None
    folder = _folder(results)
    paths = prunable(
        folder,
        before=oldest,
        known=None if repository is None else repository.commits,
        unreadable=unreadable,
        now=time(),
    )
    if delete:
        for path in paths:
            path.unlink(missing_ok=True)
    said = "deleted" if delete else "can go; --delete deletes them"
    lines = [*map(str, paths), f"{plural(len(paths), 'file')} {said}"]
    return invocation.finish(
        ExitCode.PASSED,
        text=Raw("\n".join(lines) + "\n"),
        values={"files": [str(path) for path in paths], "deleted": delete},
    )


@baselines.command("import")
def import_(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="JSON files of other benchmark tools.")],
    *,
    commit: Annotated[str, typer.Option("--commit", help="The commit that was measured.")] = "HEAD",
    results: Results = None,
    json: options.Json = False,
) -> ExitCode:
    """Store what pytest-benchmark, pyperf, hyperfine or Google Benchmark measured.

    Each file becomes a run of its own. Processes are kept apart where the tool does.
    """
    from perfkit.baselines.foreign import as_run, descriptions_of, read_foreign
    from perfkit.baselines.store import save_run
    from perfkit.cli.invocation import Raw

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "baselines import"
    folder, repository = _folder(results), _repository()
    revision = repository.resolve(commit)
    read = [(path, read_foreign(path)) for path in files]  # all, before the first is stored
    stored, lines = [], []
    for path, measured in read:
        run = as_run(
            measured,
            commit=revision.commit,
            date=repository.commit_time(revision.commit),
            started=int(path.stat().st_mtime * 1000),
        )
        target = save_run(folder, run, descriptions_of(run))
        count = plural(len(run.samples), "benchmark")
        lines.append(f"{path}: {count} of {measured.tool} stored in {target}")
        stored.append(
            {
                "file": str(path),
                "tool": measured.tool,
                "benchmarks": len(run.samples),
                "stored": str(target),
            }
        )
    return invocation.finish(
        ExitCode.PASSED, text=Raw("\n".join(lines) + "\n"), values={"runs": stored}
    )


@baselines.command()
def export(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files are written.")],
    *,
    parquet: Annotated[
        bool, typer.Option("--parquet", help="As Parquet, partitioned by machine and year.")
    ] = False,
    results: Results = None,
    json: options.Json = False,
) -> ExitCode:
    """Write every result as Parquet, which DuckDB, Spark, pandas or any engine reads."""
    from perfkit.baselines.descriptions import unit_of_results
    from perfkit.baselines.index import read_results
    from perfkit.baselines.parquet import export_parquet
    from perfkit.cli.invocation import Raw
    from perfkit.errors import UsageError

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "baselines export"
    if not parquet:
        raise UsageError("export writes Parquet: say --parquet.")
    folder = _folder(results)
    collection, unreadable = read_results(folder)
    rows = export_parquet(collection, target, unit_of=unit_of_results(folder))
    left_out = f", {plural(len(unreadable), 'file')} cannot be read" if unreadable else ""
    return invocation.finish(
        ExitCode.MEASUREMENT if unreadable else ExitCode.PASSED,
        text=Raw(
            f"{plural(rows, 'result')} of {plural(collection.files, 'file')} written to"
            f" {target}{left_out}\n"
        ),
        values={"rows": rows, "files": collection.files, "unreadable": len(unreadable)},
    )


@baselines.command()
def push(
    context: typer.Context,
    *,
    remote: Remote = "origin",
    branch: Branch = "perfkit-baselines",
    results: Results = None,
    json: options.Json = False,
) -> ExitCode:
    """Add the stored results to a branch of their own, also while other jobs do.

    The branch shares no history with the code. Nothing on it is changed or removed.
    """
    import random
    import time

    from perfkit.baselines.exchange import push_results
    from perfkit.cli.invocation import Raw

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "baselines push"
    count = push_results(
        _folder(results), _exchange(remote, branch), pause=time.sleep, jitter=random.random
    )
    return invocation.finish(
        ExitCode.PASSED,
        text=Raw(f"{count} new files pushed to {branch} at {remote}\n"),
        values={"files": count, "branch": branch, "remote": remote},
    )


@baselines.command()
def pull(
    context: typer.Context,
    *,
    remote: Remote = "origin",
    branch: Branch = "perfkit-baselines",
    results: Results = None,
    json: options.Json = False,
) -> ExitCode:
    """Take the results that others pushed; files that are here already stay as they are."""
    from perfkit.baselines.exchange import pull_results
    from perfkit.baselines.index import read_results
    from perfkit.baselines.upkeep import make_benchmarks_json
    from perfkit.cli.invocation import Raw

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "baselines pull"
    folder = _folder(results)
    count = pull_results(folder, _exchange(remote, branch))
    make_benchmarks_json(folder, read_results(folder)[0])
    return invocation.finish(
        ExitCode.PASSED,
        text=Raw(f"{count} new files from {branch} at {remote}\n"),
        values={"files": count, "branch": branch, "remote": remote},
    )
