"""What ``perfkit profile`` does with ``--compare`` and ``--save``: several sessions, two sides."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Literal

from perfkit.cli.invocation import Invocation
from perfkit.cli.progress import saying, working
from perfkit.errors import ExitCode, InterruptedMeasurementError, UsageError

if TYPE_CHECKING:
    from perfkit.benchmarking.suite import Suite
    from perfkit.forge.git import Repository
    from perfkit.model import AllocationChange
    from perfkit.profiling.difference import Sides
    from perfkit.profiling.recording import Recording
    from perfkit.targets.spec import Target


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """How a target is recorded again and again."""

    target: "Target"
    count: int | None
    """Sessions a side; None for the usual number."""
    seed: int
    interval: float
    repeat: int | Literal["auto"]
    warmup: int
    timeout: float | None
    memory: bool = False
    """Whether allocations are compared as well."""

    @property
    def number(self) -> int:
        """The number of sessions a side."""
        from perfkit.profiling.interleaved import SESSIONS

        return self.count or SESSIONS

    def record(self) -> "Recording":
        """Return one session of the working tree, with its time without a profiler."""
        from perfkit.profiling.capture import capture

        return capture(
            self.target,
            cwd=Path.cwd(),
            interval=self.interval,
            repeat=self.repeat,
            warmup=self.warmup,
            timeout=self.timeout,
        )


def recorded_set(invocation: Invocation, sessions: Sessions) -> "tuple[Recording, ...]":
    """Return the sessions of the working tree, one after the other."""
    say = saying(invocation)
    say(f"profiling {sessions.target}: {sessions.number} sessions")
    return tuple(sessions.record() for _ in range(sessions.number))


def two_sides(
    invocation: Invocation, base: str, sessions: Sessions
) -> "tuple[Sides, tuple[AllocationChange, ...] | None]":
    """Return the sessions of both sides: a saved set and now, or two builds in turns.

    With them the changes of their allocations, None where they were not asked for.
    """
    if Path(base).is_dir() and any(Path(base).glob("*.pyisession")):
        if sessions.memory:
            raise UsageError(
                f"--memory: {base} keeps times and no allocations; compare with a commit, so that"
                " both sides are built and run now"
            )
        return _since(invocation, Path(base), sessions), None
    return _built(invocation, base, sessions)


def _since(invocation: Invocation, folder: Path, sessions: Sessions) -> "Sides":
    from perfkit.forge.diff import renames
    from perfkit.forge.git import Repository
    from perfkit.profiling.difference import Profiled, Sides
    from perfkit.profiling.origin import origin_of, sources_of
    from perfkit.profiling.saved import load_set

    kept = load_set(folder)
    if kept[0].recording.target != str(sessions.target):
        raise UsageError(
            f"{folder}: found sessions of {kept[0].recording.target}, wanted those of"
            f" {sessions.target}; the two cannot be compared"
        )
    then, now = kept[0].origin, origin_of(Path.cwd())
    repository = Repository.around(Path.cwd()) if now.commit else None
    moved: dict[str, str] = {}
    if repository is not None and then.commit:
        repository.resolve(then.commit)  # says what to do where it is not here
        moved = renames(repository, then.commit)
    found = recorded_set(invocation, sessions)
    return Sides(
        base=Profiled(
            label=f"{folder}{f' ({then.commit[:10]})' if then.commit else ''}",
            recordings=tuple(one.recording for one in kept),
            sources=sources_of(then, repository),
            timed=True,
        ),
        head=Profiled(
            label="now", recordings=found, sources=sources_of(now, repository), timed=True
        ),
        renamed=moved,
        apart=True,
    )


def _built(
    invocation: Invocation, base: str, sessions: Sessions
) -> "tuple[Sides, tuple[AllocationChange, ...] | None]":
    from perfkit.benchmarking.sides import both_built
    from perfkit.cli.profile_memory import changes_of
    from perfkit.forge.git import Repository
    from perfkit.profiling.builds import place, sides_of
    from perfkit.profiling.interleaved import interleaved, recorder

    repository = Repository.around(Path.cwd())
    suite = _suite(repository, sessions.target)
    inner = Path.cwd().resolve().relative_to(repository.root.resolve())
    before = repository.resolve(base)
    after = repository.working_tree(apart_from=suite.results)
    with ExitStack() as stack:
        with working(invocation, f"building {before.label} and {after.label}"):
            built = stack.enter_context(both_built(repository, before, after, suite))
        target = sessions.target
        base_place, head_place = (
            place(side, built.head, target, inner) for side in (built.base, built.head)
        )
        taken = interleaved(
            recorder(
                target,
                base_place,
                head_place,
                interval=sessions.interval,
                repeat=sessions.repeat,
                warmup=sessions.warmup,
                timeout=sessions.timeout,
            ),
            sessions=sessions.number,
            seed=sessions.seed,
            name=str(target),
            clock=monotonic,
            progress=saying(invocation),
        )
        if taken.interrupted:
            raise InterruptedMeasurementError(
                f"interrupted after {len(taken.base)} of {sessions.number} sessions a side of"
                f" {target}; nothing was kept"
            )
        changes = None
        if sessions.memory:
            changes = changes_of(
                invocation,
                target,
                (base_place, head_place),
                warmup=sessions.warmup,
                timeout=sessions.timeout,
            )
        return sides_of(built.base, built.head, taken, timed=True), changes


def _suite(repository: "Repository", target: "Target") -> "Suite":
    """Return the suite; for targets outside of it one that stands for a repository without any."""
    from perfkit.benchmarking.sides import suite_in
    from perfkit.benchmarking.suite import Suite, find_suite
    from perfkit.targets.spec import TargetKind

    try:
        return suite_in(repository, find_suite(Path.cwd(), repository.root))
    except UsageError:
        if target.kind is TargetKind.BENCHMARK:
            raise
    root = repository.root.resolve()
    return Suite(
        config=root / "asv.conf.json",
        project=root.name,
        subdirectory="",
        benchmarks=root,
        results=root / "results",
        default_timeout=60.0,
    )


def check_options(count: int | None, several: dict[str, bool], single: dict[str, bool]) -> None:
    """Refuse what does not go together.

    ``several`` holds the options that make several recordings and ``single`` those that are about
    one, each with whether it was given.
    """
    wanted = [name for name, given in several.items() if given]
    if not wanted:
        raise UsageError("--sessions is for --compare and --save; give one of them.")
    if len(wanted) > 1:
        raise UsageError(
            "--save keeps sessions of the working tree and --compare looks at both sides now; give"
            " one of them, and compare with the folder afterwards"
        )
    if count is not None and count < 2:  # noqa: PLR2004  # a spread takes two
        raise UsageError(f"--sessions: found {count}, wanted 2 or more; 5 can show a difference.")
    if wrong := [name for name, given in single.items() if given]:
        raise UsageError(
            f"{' and '.join(wrong)}: about one recording, and {wanted[0]} makes several; leave it"
            " out, or record the target alone"
        )


def saved_set(invocation: Invocation, sessions: Sessions, folder: Path, *, top: int) -> ExitCode:
    """Record the working tree, keep every session in ``folder``, and show the first one."""
    from dataclasses import asdict

    from perfkit.profiling.origin import origin_of
    from perfkit.profiling.reading import read
    from perfkit.profiling.saved import save_set
    from perfkit.reporting.profile_text import profile_text

    recordings = recorded_set(invocation, sessions)
    save_set(folder, recordings, origin_of(Path.cwd()))
    saying(invocation)(f"kept {len(recordings)} sessions in {folder}; below is the first")
    found = read(recordings[0])
    return invocation.finish(
        ExitCode.PASSED, text=profile_text(found, top=top), values={"profile": asdict(found)}
    )


def compared(
    invocation: Invocation, sessions: Sessions, base: str, *, html: Path | None, top: int
) -> ExitCode:
    """Profile both sides and report what made the difference."""
    from dataclasses import asdict

    from rich.console import Group

    from perfkit.cli.profile_memory import SESSIONS
    from perfkit.durable import write_whole
    from perfkit.profiling.difference import difference
    from perfkit.profiling.flame import difference_tree
    from perfkit.reporting.difference_text import (
        difference_html,
        difference_text,
        difference_values,
    )
    from perfkit.reporting.memory_text import allocation_text

    sides, changes = two_sides(invocation, base, sessions)
    found = difference(sides, seed=sessions.seed)
    if html is not None:
        write_whole(html, difference_html(found, difference_tree(sides)))
        saying(invocation)(f"wrote {html}")
    text = difference_text(found, top=top)
    values: dict[str, object] = {"difference": difference_values(found)}
    if changes is not None:
        text = Group(text, allocation_text(changes, sessions=SESSIONS, top=top))
        values["allocations"] = [asdict(one) | {"apart": one.apart} for one in changes]
    return invocation.finish(ExitCode.PASSED, text=text, values=values)
