"""One measuring of one revision: what a baseline is made of."""

from dataclasses import dataclass

from perfkit.model.environment import Environment
from perfkit.model.sample import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class RunShard:
    """Which part of a suite a run holds: shard ``index`` (from 1) of ``count``.

    ``suite`` is a digest of all benchmarks and their sources, the same in every shard of one
    suite. ``due`` are the shards that hold any benchmark, so that a lost one is noticed.
    """

    index: int
    count: int
    suite: str
    due: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All samples of one revision, measured in one go on one machine.

    ``date`` is the commit's author date and ``started`` when measuring began, both in
    milliseconds since 1970 (UTC), as asv stores times. ``identity`` tells runs of the same commit
    apart; ``dirty`` is true for uncommitted changes on top of ``commit``. ``perfkit`` and
    ``asv_runner`` are the versions that measured. ``packages`` are the names and versions that the
    measured interpreter had installed, sorted; ``environment.packages_digest`` is their digest.
    ``loads`` are the shares of the processors that other programs used, round by round (None where
    the system does not tell). ``shard`` is None for a run of the whole suite.
    """

    identity: str
    commit: str
    dirty: bool
    date: int
    started: int
    environment: Environment
    samples: tuple[Sample, ...]
    # What later versions added; empty in runs that earlier ones stored.
    perfkit: str = ""
    asv_runner: str = ""
    packages: tuple[tuple[str, str], ...] = ()
    loads: tuple[float | None, ...] = ()
    shard: RunShard | None = None
