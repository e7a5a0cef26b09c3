"""What a comparison has to answer for, whole or one shard of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from perfkit import __version__
from perfkit.benchmarking.discovery import Benchmark, discover, select
from perfkit.benchmarking.sides import Sides
from perfkit.gate.shards import Part, part_of, suite_digest
from perfkit.model import BenchmarkId, Shard


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What has to be answered for: head's benchmarks, and base's that head lacks.

    ``in_base`` are the measured ones that base's suite has with the same source. ``doubtful`` are
    those left out for a reason that may be wrong, with the reason: a row of each says so. ``shard``
    is the manifest where this is one shard's part of it.
    """

    benchmarks: tuple[Benchmark, ...]
    measured: tuple[BenchmarkId, ...]
    missing: tuple[BenchmarkId, ...]
    in_base: frozenset[BenchmarkId]
    whole: bool = True
    """Whether this is the whole suite, and not what patterns selected."""
    doubtful: Mapping[BenchmarkId, str] = field(default_factory=dict)
    shard: Shard | None = None

    @property
    def names(self) -> tuple[BenchmarkId, ...]:
        """Every benchmark that has a row here, or declined to run."""
        return (*self.measured, *self.missing, *self.doubtful)

    @property
    def versions(self) -> dict[BenchmarkId, str]:
        """The digest of each benchmark's source."""
        return {identity: one.version for one in self.benchmarks for identity in one.ids}


def expected_of(
    sides: Sides, patterns: Sequence[str], doubtful: Mapping[str, str] | None = None
) -> Expected:
    """Discover both suites and return what the patterns select of them.

    ``doubtful`` are names of benchmarks that the patterns leave out for a reason that may be wrong,
    with the reason in words.

    Head's suite is what runs on both sides, so that both do the same. A suite of base that no
    longer imports cannot name what is missing, which is then said by its own error.
    """
    benchmarks = sides.listed
    if benchmarks is None:
        benchmarks = discover(sides.head.suite, sides.head.interpreter)
    former: tuple[Benchmark, ...] = ()
    if sides.base.suite.benchmarks.is_dir():
        former = discover(sides.base.suite, sides.base.interpreter)
    current = {identity: one.version for one in benchmarks for identity in one.ids}
    previous = {identity: one.version for one in former for identity in one.ids}
    gone = [identity for identity in previous if identity not in current]
    chosen = select([*current, *sorted(gone)], patterns)
    return Expected(
        benchmarks=benchmarks,
        measured=tuple(identity for identity in chosen if identity in current),
        missing=tuple(identity for identity in chosen if identity not in current),
        in_base=frozenset(one for one in chosen if current.get(one) == previous.get(one)),
        whole=not patterns,
        doubtful={
            identity: (doubtful or {})[str(identity)]
            for identity in current
            if str(identity) in (doubtful or {})
        },
    )


def in_shard(expected: Expected, part: Part, *, project: str, alpha: float) -> Expected:
    """Return what one shard has to answer for; its manifest names what all of them have to."""
    every = expected.names
    caches = {one.name: one.setup_cache for one in expected.benchmarks if one.setup_cache}
    versions = {identity: one.version for one in expected.benchmarks for identity in one.ids}
    own = set(part_of(part, every, caches))
    return replace(
        expected,
        measured=tuple(identity for identity in expected.measured if identity in own),
        missing=tuple(identity for identity in expected.missing if identity in own),
        doubtful={one: reason for one, reason in expected.doubtful.items() if one in own},
        shard=Shard(
            index=part.index,
            count=part.count,
            project=project,
            suite=suite_digest({identity: versions.get(identity, "") for identity in every}),
            version=__version__,
            alpha=alpha,
            expected=tuple(sorted(every)),
        ),
    )
