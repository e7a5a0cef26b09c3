"""``perfkit init``: the first files of a project that is measured."""

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from perfkit.cli import options
from perfkit.errors import ExitCode

if TYPE_CHECKING:
    from rich.text import Text

    from perfkit.init.write import Written


def init(
    context: typer.Context,
    *,
    ci: Annotated[
        Literal["github", "gitlab", "none"], typer.Option("--ci", help="Whose CI gets its files.")
    ] = "github",
    force: Annotated[bool, typer.Option("--force", help="Write over files that exist.")] = False,
    json: options.Json = False,
) -> ExitCode:
    """Write commented configuration, an asv suite that runs and what CI needs.

    Works at the root of the git repository. A file that exists is kept, and so is a suite.
    """
    from perfkit.forge.git import Repository
    from perfkit.init.plan import OWN_SUITE, includes_job, planned_files, shape_of
    from perfkit.init.write import write_files

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    root = Repository.around(Path.cwd()).root
    shape = shape_of(root)
    planned = planned_files(shape, ci, replace_suite=force)
    done = write_files(root, planned, force=force)
    own_suite = None if OWN_SUITE in planned else shape.suite
    steps = next_steps(
        example="benchmarks/suite/example.py" in done.written,
        include=ci == "gitlab" and shape.pipeline is not None and not includes_job(shape),
    )
    return invocation.finish(
        ExitCode.PASSED,
        text=written_text(done, own_suite, steps),
        values={
            "root": str(root),
            "written": done.written,
            "kept": done.kept,
            "suite": str(own_suite or OWN_SUITE),
            "next": steps,
        },
    )


def next_steps(*, example: bool, include: bool) -> tuple[str, ...]:
    """Return what to do now, in order.

    ``example`` is whether the example was written, ``include`` whether the project's pipeline does
    not include the job yet.
    """
    replace = "measure the path your users wait for, in place of benchmarks/suite/example.py"
    return (
        *((replace,) if example else ()),
        *(("add to .gitlab-ci.yml: include: [{local: .gitlab/perfkit.yml}]",) if include else ()),
        "commit these files: commits are compared by building them",
        "perfkit doctor: see what adds noise on this machine",
        "perfkit compare HEAD: judge the working tree against the last commit",
        "set budgets and leak checks in config/performance_thresholds.yaml",
    )


def written_text(
    done: "Written", own_suite: PurePosixPath | None, steps: tuple[str, ...]
) -> "Text":
    """Return what was written, what was kept (also the project's own suite), what to do now."""
    from rich.text import Text

    text = Text()
    for path in done.written:
        text.append("wrote ", style="green").append(f"{path}\n")
    for path in done.kept:
        text.append("kept  ", style="cyan").append(f"{path} (--force writes over it)\n")
    if own_suite is not None:
        text.append("kept  ", style="cyan").append(f"{own_suite} (a suite exists)\n")
    text.append("\nNext\n", style="bold")
    text.append("\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1)))
    return text
