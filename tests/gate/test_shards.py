"""Which shard measures what: a function of names, balanced, and hardly moved by a new name."""

import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.errors import UsageError
from perfkit.gate.shards import Part, groups_of, part_of, shard_note, split, suite_digest
from perfkit.model import BenchmarkId, Shard


@pytest.mark.parametrize("text", ["", "3", "0/2", "3/2", "1/0", "-1/2", "1/1001", "a/b", "1/2/3"])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(UsageError, match=r"--shard: found '.*', wanted K/N .* such as 2/4"):
        Part.parse(text)


@pytest.mark.parametrize("text", ["2/4", "1/1", "4/4", "1000/1000"])
def test_a_shard_is_written_as_it_is_read(text: str) -> None:
    assert str(Part.parse(text)) == text


names = st.dictionaries(st.text(max_size=8), st.integers(1, 5), max_size=30)


@settings(max_examples=50)
@given(names, st.integers(1, 6))
def test_every_group_has_one_shard_whatever_the_order(sizes: dict[str, int], count: int) -> None:
    found = split(sizes, count)
    assert found.keys() == sizes.keys()
    assert set(found.values()) <= set(range(1, count + 1))
    assert split(dict(reversed(sizes.items())), count) == found


@settings(max_examples=50)
@given(st.sets(st.text(max_size=8), max_size=60), st.integers(1, 7))
def test_shards_differ_by_at_most_one(found: set[str], count: int) -> None:
    shards = list(split(dict.fromkeys(found, 1), count).values())
    loads = [shards.count(shard) for shard in range(1, count + 1)]
    assert max(loads) - min(loads) <= 1


def test_large_groups_are_spread() -> None:
    sizes = {"a": 50, "b": 50, **{f"time_{index}": 1 for index in range(100)}}
    shards = split(sizes, 4)
    loads = [sum(sizes[n] for n, at in shards.items() if at == k) for k in (1, 2, 3, 4)]
    assert loads == [50, 50, 50, 50]


def test_what_fits_nowhere_goes_where_least_is() -> None:
    for name in ("a", "b", "c", "d"):
        shards = split({name: 50, "w": 40, "x": 30, "y": 20, "z": 10}, 3)
        loads = [0, 0, 0]
        for one, at in shards.items():
            loads[at - 1] += {name: 50, "w": 40, "x": 30, "y": 20, "z": 10}[one]
        assert loads.count(50) == 3


def test_names_that_are_no_text_have_a_shard() -> None:
    odd = [BenchmarkId("suite.time_a", ("\udcff",)), BenchmarkId("suite.time_a", ("\udcfe",))]
    parts = [part_of(Part(index, 2), odd, {}) for index in (1, 2)]
    assert sorted(map(len, parts)) == [1, 1]


def test_a_new_benchmark_hardly_moves_others() -> None:
    before = {f"suite.time_{index}": 1 for index in range(200)}
    was = split(before, 4)
    moved = []
    for index in range(40):
        now = split({**before, f"new.time_{index}": 1}, 4)
        moved.append(sum(now[name] != was[name] for name in before))
    assert max(moved) <= 2  # docs/merge.md; dealing the names out in turn could move all 200
    assert statistics.mean(moved) < 1


PLAIN = [BenchmarkId("suite.time_a", (str(n),)) for n in range(6)]
CACHED = [BenchmarkId("suite.C.time_b", (str(n),)) for n in range(6)]
BESIDE = [BenchmarkId("suite.C.time_c")]
CACHES = {"suite.C.time_b": "suite:12", "suite.C.time_c": "suite:12"}


def test_what_shares_a_setup_cache_stays_together() -> None:
    every = [*PLAIN, *CACHED, *BESIDE]
    parts = [part_of(Part(index, 3), every, CACHES) for index in (1, 2, 3)]
    assert sorted(one for part in parts for one in part) == sorted(every)
    (with_cache,) = [part for part in parts if CACHED[0] in part]
    assert set(with_cache) >= {*CACHED, *BESIDE}
    assert len([part for part in parts if set(part) & set(PLAIN)]) > 1


def test_a_line_that_moves_does_not_move_a_setup_cache() -> None:
    every = [*PLAIN, *CACHED, *BESIDE]
    moved = dict.fromkeys(CACHES, "suite:99")
    assert groups_of(every, moved) == groups_of(every, CACHES)
    assert len(groups_of(every, moved)) == len(PLAIN) + 1


def test_two_setup_caches_are_two_groups_named_by_their_first_benchmarks() -> None:
    every = [*BESIDE, *CACHED]
    groups = groups_of(every, {"suite.C.time_b": "suite:12", "suite.C.time_c": "suite:30"})
    assert groups == {
        "setup_cache suite.C.time_b": tuple(CACHED),
        "setup_cache suite.C.time_c": tuple(BESIDE),
    }
    # The first one by name, in whatever order they come.
    assert list(groups_of(every, CACHES)) == ["setup_cache suite.C.time_b"]


WHOLE = "; `perfkit merge` gives the verdict of all shards"


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (0, "shard 2/3 holds none of the suite's 6 benchmarks: use fewer shards"),
        (1, f"shard 2/3: 1 of the suite's 6 benchmarks{WHOLE}"),
    ],
)
def test_what_a_report_of_one_shard_says_of_itself(own: int, said: str) -> None:
    shard = Shard(
        index=2, count=3, project="p", suite="0", version="1", alpha=0.01, expected=tuple(PLAIN)
    )
    assert shard_note(shard, own) == said


def test_the_digest_of_a_suite() -> None:
    versions = dict.fromkeys(PLAIN, "v1")
    assert suite_digest(versions) == suite_digest(dict(reversed(versions.items())))
    assert suite_digest(versions) != suite_digest({**versions, PLAIN[0]: "v2"})
    assert suite_digest(versions) != suite_digest(dict.fromkeys(PLAIN[1:], "v1"))
