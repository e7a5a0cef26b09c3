from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from rich.console import Console

from perfkit.model import CallNode, CallPath, Function, Hotspot, Profile, Timing
from perfkit.reporting.profile_text import profile_text

GOLDEN = Path(__file__).with_name("golden")


def hotspot(name: str, place: str, own: float, total: float, samples: int) -> Hotspot:
    return Hotspot(
        function=Function(name, f"/project/{place.partition(':')[0]}", 4),
        place=place,
        self_seconds=own,
        total_seconds=total,
        self_share=own / 2,
        total_share=total / 2,
        samples=samples,
        self_band=(own / 2 - 0.02, own / 2 + 0.014),
        own=place.startswith("workload"),
    )


def node(depth: int, name: str, place: str, seconds: float, folded: int = 0) -> CallNode:
    return CallNode(
        depth=depth,
        function=Function(name, f"/project/{place.partition(':')[0]}", 4),
        place=place,
        seconds=seconds,
        share=seconds / 2,
        samples=round(seconds * 1000),
        folded=folded,
    )


PROFILE = Profile(
    target="bench:suite.TimeCorrect.time_warm([bold])",
    timing=Timing(calls=12, first=0.25, median=0.0831, total=1.2, warmup_seconds=0.4),
    seconds=2.0,
    calls=11,
    warmup=1,
    interval=0.001,
    samples=1987,
    hotspots=(
        hotspot("Lexicon.is_known", "workload/lexicon.py:41", 1.7, 1.75, 1690),
        hotspot(
            "[calling]",
            "a/very/deep/folder/of/modules/that/goes/on/and/on/for/long.py:1",
            0.3,
            1.0,
            297,
        ),
        hotspot("main", "app.py:1", 0.0, 2.0, 0),
    ),
    tree=(
        node(0, "main", "app.py:1", 2.0),
        node(1, "correct", "workload/correct.py:7", 1.75),
        node(2, "Lexicon.is_known", "workload/lexicon.py:41", 1.75),
        node(3, "list.index", "<built-in>", 0.5),
        node(1, "[calling]", "x.py:1", 0.25, folded=7),
        node(0, "atexit", "y.py:1", 0.02),
    ),
    own_share=0.85,
    warnings=("shares are rough",),
)


def rendered(profile: Profile, *, top: int = 15, paths: Sequence[CallPath] = ()) -> str:
    console = Console(file=StringIO(), width=120)
    console.print(profile_text(profile, top=top, paths=paths))
    assert isinstance(console.file, StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


def test_a_profile_in_full() -> None:
    assert rendered(PROFILE) == (GOLDEN / "profile.txt").read_text("utf-8")


def test_top_limits_the_table() -> None:
    text = rendered(PROFILE, top=1)
    assert "Hotspots: 1 of 2 functions" in text
    assert "297" not in text


def test_a_tree_too_deep_for_the_page_says_so() -> None:
    deep = Profile(
        target="x",
        timing=Timing(calls=1, first=2.0, median=2.0, total=2.0),
        seconds=2.0,
        calls=1,
        warmup=0,
        interval=0.001,
        samples=2000,
        hotspots=(),
        tree=tuple(node(depth, f"level{depth}", "x.py:1", 2.0) for depth in range(40)),
    )
    text = rendered(deep)
    assert "level23" in text
    assert "level24" not in text
    assert "deeper than 24 levels are left out" in text
    assert "2.000 s for 1 call, without the profiler" in text


def test_paths_stand_in_the_place_of_the_tree() -> None:
    main, hot = Function("main", "/a.py", 1), Function("hot\x1b[1m", "/a.py", 9)
    paths = [
        CallPath(
            function=hot,
            place="a.py:9",
            callers=(main, main),
            seconds=1.5,
            share=0.75,
            samples=1500,
        ),
        CallPath(function=hot, place="a.py:9", callers=(), seconds=0.25, share=0.125, samples=250),
    ]
    lines = rendered(PROFILE, top=1, paths=paths).splitlines()
    at = lines.index("Call paths: 1 of 2, by total time")
    assert lines[at + 4].split() == [
        "75.0%",
        "1.500",
        "1,500",
        r"hot\u001b[1m",
        "main",
        ">",
        "main",
    ]
    assert "Call tree" not in "".join(lines)
