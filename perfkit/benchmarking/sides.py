"""The two sides of a comparison: two revisions built, or two interpreters as they are."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from perfkit.benchmarking.build import Side, built
from perfkit.benchmarking.discovery import Benchmark, compiled, discover, select
from perfkit.benchmarking.isolation import existing
from perfkit.benchmarking.suite import Suite
from perfkit.errors import ConfigError
from perfkit.forge.git import Repository
from perfkit.model import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Both built revisions of a comparison.

    ``listed`` is what head's suite holds, where that was asked before base was built; else None.
    """

    base: Side
    head: Side
    listed: tuple[Benchmark, ...] | None = None


@contextmanager
def both_built(
    repository: Repository,
    base: Revision,
    head: Revision,
    suite: Suite,
    *,
    isolate: bool = False,
    patterns: Sequence[str] = (),
) -> Iterator[Sides]:
    """Hold both revisions built: exactly two builds, however many rounds follow.

    ``patterns`` say what will be measured. Where both sides have one suite, and nothing of head's
    matches, UsageError is raised before base is built.
    """
    compiled(patterns)
    listed = None
    with ExitStack() as stack:
        after = stack.enter_context(built(repository, head, suite, isolate=isolate))
        if patterns and _same_suite(repository, base, head, suite):
            listed = discover(after.suite, after.interpreter)
            select([identity for one in listed for identity in one.ids], patterns)
        before = stack.enter_context(built(repository, base, suite, isolate=isolate))
        yield Sides(base=before, head=after, listed=listed)


def _same_suite(repository: Repository, base: Revision, head: Revision, suite: Suite) -> bool:
    """Whether no tracked file of the suite differs, so that no benchmark went away with head."""
    sides = [base.commit] if head.dirty else [base.commit, head.commit]
    return not repository.git("diff", "--name-only", *sides, "--", str(suite.benchmarks))


def installed_sides(repository: Repository, suite: Suite, base: Path, head: Path) -> Sides:
    """Return two interpreters that have the project installed, measured with the suite as it is.

    Nothing is built. Raises as :func:`perfkit.benchmarking.isolation.existing`.
    """
    here = repository.working_tree()

    def side(python: Path) -> Side:
        return Side(
            revision=replace(here, label=str(python)),
            suite=suite,
            interpreter=existing(python),
            requirements=(),
        )

    return Sides(base=side(base), head=side(head))


def suite_in(repository: Repository, suite: Suite) -> Suite:
    """Return the suite after checking that it lies inside the repository that is compared."""
    root = repository.root.resolve()
    if root not in suite.benchmarks.parents and root != suite.benchmarks:
        raise ConfigError(
            f"{suite.config}: benchmark_dir is {suite.benchmarks}, outside the repository {root};"
            " perfkit measures the suite of each commit, so keep it inside."
        )
    return suite
