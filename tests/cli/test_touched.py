"""What --only-touched leaves out, and what it may not be sure of."""

import re
from pathlib import Path

import pytest
from plain_sides import side_of

from perfkit.benchmarking import expected
from perfkit.benchmarking.discovery import Benchmark
from perfkit.benchmarking.expected import expected_of, in_shard
from perfkit.benchmarking.sides import Sides
from perfkit.cli import touched
from perfkit.cli.touched import only_those, with_map
from perfkit.config.thresholds import Thresholds
from perfkit.errors import MeasurementError, PerfkitError, UsageError
from perfkit.forge.git import Repository
from perfkit.gate.shards import Part
from perfkit.model import BenchmarkId, Impact, PathShare, Report, Revision, Unit


def path(target: str, share: float, behind: int | None = 0) -> PathShare:
    return PathShare(target=target, share=share, samples=9, commit="c", behind=behind)


def laid(*paths: PathShare, unmapped: tuple[str, ...] = ()) -> Impact:
    return Impact(base="main", touched=(), paths=paths, unmapped=unmapped)


HOT = path("bench:suite.time_hot(1)", 0.5)
SCRIPT = path("app.py", 0.0, behind=None)
"""A path that is no benchmark is not measured, so it is not left out either."""


def test_what_a_map_of_the_base_does_not_reach_is_left_out_for_certain() -> None:
    chosen = only_those(laid(HOT, path("bench:suite.time_cold", 0.0), SCRIPT), [])
    (pattern,) = chosen.patterns
    names = ("suite.time_hot(1)", "suite.time_cold", "suite.time_colder", "suite.time_new")
    assert [name for name in names if re.search(pattern, name)] == [
        "suite.time_hot(1)", "suite.time_colder", "suite.time_new"
    ]  # fmt: skip
    assert chosen.warning.startswith("--only-touched left out 1 benchmark whose stored profile")
    assert chosen.doubtful == {}


@pytest.mark.parametrize(
    ("behind", "unmapped", "why"),
    [
        (None, (), "its stored profile is of no commit that is known here"),
        (1, (), "its stored profile is 1 commit older than the base"),
        (4, ("x",), "its stored profile is 4 commits older than the base"),
        (0, ("no Python: x", "a.py: lines"), "no Python: x; a.py: lines"),
    ],
)
def test_what_a_map_may_be_wrong_of_is_doubtful(
    behind: int | None, unmapped: tuple[str, ...], why: str
) -> None:
    found = laid(HOT, path("bench:suite.time_cold", 0.0, behind), SCRIPT, unmapped=unmapped)
    chosen = only_those(found, [])
    assert chosen.doubtful == {"suite.time_cold": f"left out by --only-touched, but {why}"}


def test_where_every_path_is_reached_everything_is_measured() -> None:
    chosen = only_those(laid(HOT, unmapped=("no Python: x",)), [])
    assert (chosen.patterns, chosen.warning, chosen.doubtful) == ([], "", {})


def test_a_map_that_would_leave_out_everything_leaves_out_nothing() -> None:
    for cold in (path("bench:a", 0.0), path("bench:a", 0.0, behind=None)):
        chosen = only_those(laid(cold, unmapped=("no Python: x",)), [])
        assert (chosen.patterns, chosen.doubtful) == ([], {})
        assert chosen.warning.endswith("so every benchmark was measured")


def test_a_map_is_needed_and_chooses_by_itself() -> None:
    with pytest.raises(UsageError, match="needs stored profiles"):
        only_those(None, [])
    with pytest.raises(UsageError, match="leave out --bench"):
        only_those(laid(HOT), ["x"])


def test_doubtful_ones_are_rows_of_the_suite_and_of_one_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = tuple(
        Benchmark(
            name=f"suite.time_{name}", kind="time", unit=Unit.SECONDS, parameters=(), version=name,
            timeout=1.0, better="lower",
        )
        for name in ("hot", "cold", "colder")
    )  # fmt: skip
    monkeypatch.setattr(expected, "discover", lambda *_: listed)
    side = side_of(tmp_path / "absent")
    doubts = {"suite.time_cold": "old", "suite.time_colder": "old", "suite.time_gone": "old"}
    found = expected_of(Sides(base=side, head=side), ["hot"], doubts)
    cold, colder, hot = (BenchmarkId(f"suite.time_{one}") for one in ("cold", "colder", "hot"))
    assert found.doubtful == {cold: "old", colder: "old"}
    assert (found.measured, set(found.names)) == ((hot,), {cold, colder, hot})
    parts = [in_shard(found, Part(one, 2), project="p", alpha=0.01) for one in (1, 2)]
    assert [one.shard.expected for one in parts if one.shard] == [(cold, colder, hot)] * 2
    assert sorted([*parts[0].names, *parts[1].names]) == [cold, colder, hot]


REPORT = Report(
    command="compare",
    base=Revision(label="main", commit="a" * 40),
    head=Revision(label="HEAD", commit="b" * 40),
)


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(13, "Permission denied", "tiny.py"),
        MeasurementError("broken profile"),
        UsageError("not a commit"),
    ],
)
def test_a_map_that_cannot_be_drawn_costs_its_line_and_never_the_report(
    monkeypatch: pytest.MonkeyPatch, error: OSError | PerfkitError
) -> None:
    def failing(*_: object) -> Impact:
        raise error

    monkeypatch.setattr(touched, "mapped", failing)
    found = with_map(REPORT, Repository(Path()), Thresholds(), "a map chose")
    assert found.impact == f"There is no map of the change: {error}"
    assert found.warnings == ("a map chose",)
    assert (found.comparisons, found.interrupted) == (REPORT.comparisons, REPORT.interrupted)
