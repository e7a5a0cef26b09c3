"""Each planted regression applies to the tree as it is and does what its name says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WORKLOAD = Path(__file__).resolve().parents[2] / "benchmarks" / "workload"
PLANTED = WORKLOAD / "planted"

OUTCOME = "from workload.pipeline import run_lecture; print(run_lecture().outcome)"

SEARCHES = """
from rapidfuzz import process
from workload.pipeline import run_lecture
run_lecture()
calls, search = [], process.extractOne
process.extractOne = lambda *a, **k: (calls.append(1), search(*a, **k))[1]
run_lecture()
print(len(calls))
"""

ROMANISERS = """
import sys, workload.romanise
print(*sorted({"vidyut", "indic_transliteration"} & set(sys.modules)))
"""

COMPARISONS = """
from workload.lexicon import lecture_lexicon
calls = []
class Spelling(str):
    __hash__ = str.__hash__
    def __eq__(self, other):
        calls.append(1)
        return str.__eq__(self, other)
lexicon = lecture_lexicon()
lexicon.standard_form(Spelling("absent"))
print(len(calls) >= len(lexicon))
"""

GROWTH = """
import gc, linecache, tracemalloc
from workload.pipeline import run_lecture
tracemalloc.start()
def snapshot():
    gc.collect()
    return tracemalloc.take_snapshot().filter_traces(
        [tracemalloc.Filter(False, tracemalloc.__file__), tracemalloc.Filter(False, "<string>")]
    )
for _ in range(3):
    run_lecture()
before = snapshot()
for _ in range(10):
    run_lecture()
grown = [s for s in snapshot().compare_to(before, "lineno") if s.size_diff > 10 * 400]
print(*(linecache.getline(s.traceback[0].filename, s.traceback[0].lineno).strip() for s in grown))
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    copied = tmp_path / "benchmarks" / "workload"
    shutil.copytree(WORKLOAD, copied, ignore=shutil.ignore_patterns("__pycache__", "planted"))
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return copied


def plant(tree: Path, name: str) -> None:
    subprocess.run(["git", "apply", PLANTED / name], cwd=tree.parents[1], check=True)


def printed(tree: Path, code: str) -> str:
    # A measured coverage would allocate in the process whose memory is looked at.
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("COV")}
    environment = {**inherited, "PYTHONPATH": str(tree)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tree,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def test_the_planted_regressions_are_these_four() -> None:
    assert sorted(path.name for path in PLANTED.iterdir()) == [
        "cache_removed.patch",
        "cue_kept.patch",
        "lipi_replaced.patch",
        "list_scan.patch",
    ]


@pytest.mark.parametrize(
    ("patch", "question", "healthy", "planted"),
    [
        ("cache_removed.patch", SEARCHES, "0", "336"),
        ("lipi_replaced.patch", ROMANISERS, "vidyut", "indic_transliteration"),
        ("list_scan.patch", COMPARISONS, "False", "True"),
        ("cue_kept.patch", GROWTH, "", '_SEEN.append(f"{cue.number}: {processed.text}")'),
    ],
)
def test_a_patch_applies_and_does_the_same_work_in_a_worse_way(
    tree: Path, patch: str, question: str, healthy: str, planted: str
) -> None:
    outcome = printed(tree, OUTCOME)
    assert printed(tree, question) == healthy
    plant(tree, patch)
    assert printed(tree, question) == planted
    assert printed(tree, OUTCOME) == outcome
