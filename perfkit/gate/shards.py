"""Which shard of a CI matrix measures which benchmark: the same answer in every job.

Each job decides alone, so the split is a function of names only. It is rendezvous hashing (Thaler
and Ravishankar, IEEE/ACM Trans. Networking 6 (1998) 1) with a bound on what a shard may hold: a
group goes to the shard that its name and the shard's number hash highest to, unless that is full.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from perfkit.errors import UsageError
from perfkit.model import BenchmarkId, Shard
from perfkit.plural import plural

MOST = 1000
"""Shards that are taken for meant; a matrix of GitHub has at most 256 jobs."""


@dataclass(frozen=True, slots=True)
class Part:
    """One shard of ``count``; ``index`` counts from 1."""

    index: int
    count: int

    def __str__(self) -> str:
        """Return ``2/4``, as ``--shard`` takes it."""
        return f"{self.index}/{self.count}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the shard that ``text`` means; UsageError where it means none."""
        found = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", text)
        if found is None or not 1 <= int(found[1]) <= int(found[2]) <= MOST:
            raise UsageError(
                f"--shard: found {text!r}, wanted K/N with 1 <= K <= N <= {MOST}, such as 2/4."
            )
        return cls(int(found[1]), int(found[2]))


def groups_of(
    identities: Sequence[BenchmarkId], caches: Mapping[str, str]
) -> dict[str, tuple[BenchmarkId, ...]]:
    """Return what has to stay together, by a name that other benchmarks do not change.

    ``caches`` holds the key of ``setup_cache`` by benchmark name: whatever shares one is measured
    where it is made, so that it is made once. Such a group has the name of its first benchmark,
    since asv's key holds a line number. Everything else is a group of its own.
    """
    first: dict[str, str] = {}
    for identity in sorted(identities):
        if (key := caches.get(identity.name)) is not None:
            first.setdefault(key, identity.name)
    found: dict[str, list[BenchmarkId]] = {}
    for identity in identities:
        key = caches.get(identity.name)
        name = str(identity) if key is None else f"setup_cache {first[key]}"
        found.setdefault(name, []).append(identity)
    return {name: tuple(members) for name, members in found.items()}


def split(sizes: Mapping[str, int], count: int) -> dict[str, int]:
    """Return the shard (from 1) of each group, by its name and how many benchmarks it holds.

    Where every group is of one, the shards differ by at most one benchmark.
    """
    least, more = divmod(sum(sizes.values()), count)
    loads = dict.fromkeys(range(1, count + 1), 0)
    found = {}
    # The large ones first: what is left then fills the gaps.
    for name in sorted(sizes, key=lambda name: (-sizes[name], _hash(name), name)):
        by_score = sorted(loads, key=lambda shard: _hash(f"{shard} {name}"), reverse=True)
        room = least + (sum(load > least for load in loads.values()) < more)
        free = [shard for shard in by_score if loads[shard] + sizes[name] <= room]
        chosen = free[0] if free else min(by_score, key=lambda shard: loads[shard])
        loads[chosen] += sizes[name]
        found[name] = chosen
    return found


def part_of(
    part: Part, identities: Sequence[BenchmarkId], caches: Mapping[str, str]
) -> tuple[BenchmarkId, ...]:
    """Return those of ``identities`` that ``part`` measures, in their order."""
    groups = groups_of(identities, caches)
    shards = split({name: len(members) for name, members in groups.items()}, part.count)
    own = {
        identity
        for name, members in groups.items()
        if shards[name] == part.index
        for identity in members
    }
    return tuple(identity for identity in identities if identity in own)


def filled(
    count: int, identities: Sequence[BenchmarkId], caches: Mapping[str, str]
) -> tuple[int, ...]:
    """Return the shards, of ``count``, that hold any of ``identities``, in order."""
    groups = groups_of(identities, caches)
    shards = split({name: len(members) for name, members in groups.items()}, count)
    return tuple(sorted(set(shards.values())))


def suite_digest(versions: Mapping[BenchmarkId, str]) -> str:
    """Return what two jobs share exactly when they saw the same benchmarks of the same source.

    ``versions`` holds the digest of each benchmark's source.
    """
    lines = sorted(f"{identity!r} {version}" for identity, version in versions.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def shard_note(shard: Shard, own: int) -> str:
    """Return what a report of one shard says of itself; ``own`` counts its benchmarks."""
    part, suite = (
        Part(shard.index, shard.count),
        f"the suite's {plural(len(shard.expected), 'benchmark')}",
    )
    if own == 0:
        return f"shard {part} holds none of {suite}: use fewer shards"
    return f"shard {part}: {own} of {suite}; `perfkit merge` gives the verdict of all shards"


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
