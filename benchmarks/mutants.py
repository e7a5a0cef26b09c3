"""Mutation check of one folder of perfkit: which changes of its code no test notices.

``make mutants FOLDER=gate`` copies the package and ``tests/FOLDER`` into a scratch folder and runs
mutmut over ``perfkit/FOLDER`` there, so that nothing is left in the repository. Prints every
mutant that survived as a diff, then required, measured and whether it is met; exits 1 when not.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REQUIRED = 0.85
"""Share of mutants that a test must notice."""

KILLED = {1: "killed", 3: "killed", **dict.fromkeys((24, 36, 152, -24), "timed out")}
"""Exit codes of mutmut's children that say a test noticed; running for ever is noticed as well."""


def main() -> int:
    """Run the check; return 0 when enough mutants were killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="folder of perfkit, such as gate, or . for its modules")
    parser.add_argument("--only", default="*", help="file name pattern below the folder")
    parser.add_argument(
        "--tests", nargs="*", default=[], help="folders or files of tests; tests/FOLDER"
    )
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--required", type=float, default=REQUIRED)
    options = parser.parse_args()
    tests = options.tests or [f"tests/{options.folder}"]
    with tempfile.TemporaryDirectory(prefix="perfkit-mutants-") as scratch:
        place = Path(scratch)
        prepare(place, options.folder, options.only, tests)
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(options.jobs)]
        done = subprocess.run(
            command, cwd=place, check=False, stdout=subprocess.PIPE, text=True, env=environment()
        )
        found = exit_codes(place / "mutants")
        # Where the tests fail without any change, mutmut ends before it has run them on a mutant.
        if not found or None in found.values() or done.returncode not in {0, 1}:
            print(done.stdout[-5000:])
            asked = sum(code is not None for code in found.values())
            print(f"mutmut ended with {done.returncode} after {asked} of {len(found)} mutants")
            return 2
        lived = sorted(name for name, code in found.items() if code not in KILLED)
        for name in lived:
            print(f"survived ({found[name]}): {name}\n{diff(place, name)}")
    counted = Counter(KILLED.get(code, "survived") for code in found.values())
    share = 1 - len(lived) / len(found)
    print(f"perfkit/{options.folder}: {dict(counted)}")
    print(
        f"required: at least {options.required:.0%} of mutants killed; measured: {share:.1%} of"
        f" {len(found)}; {'met' if share >= options.required else 'not met'}"
    )
    return 0 if share >= options.required else 1


def prepare(place: Path, folder: str, only: str, tests: list[str]) -> None:
    """Copy what the tests need into ``place``, with mutmut's settings."""
    ignored = shutil.ignore_patterns("__pycache__", ".hypothesis")
    shutil.copytree(ROOT / "perfkit", place / "perfkit", ignore=ignored)
    for shared in (ROOT / "tests").glob("*.py"):
        if not shared.name.startswith("test_"):
            (place / "tests").mkdir(exist_ok=True)
            shutil.copy(shared, place / "tests" / shared.name)
    # Some tests run a script of this folder in little.
    (place / "benchmarks").mkdir()
    for script in (ROOT / "benchmarks").glob("*.py"):
        shutil.copy(script, place / "benchmarks" / script.name)
    for one in tests:
        if (ROOT / one).is_file():
            (place / one).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / one, place / one)
        else:
            shutil.copytree(ROOT / one, place / one, ignore=ignored)
    settings = {
        "source_paths": ["perfkit"],
        "only_mutate": [str(Path("perfkit", folder, only))],
        "pytest_add_cli_args": ["-p", "no:randomly", "-p", "no:cacheprovider", "-x"],
        "pytest_add_cli_args_test_selection": tests,
        "also_copy": ["benchmarks"],
        "use_git_change_detection": False,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (place / "pyproject.toml").write_text("\n".join([project, "[tool.mutmut]", *lines, ""]))


def environment() -> dict[str, str]:
    """Return this process's environment, with numerics on one thread: workers are forked."""
    return {**os.environ, "OPENBLAS_NUM_THREADS": "1"}


def exit_codes(place: Path) -> dict[str, int | None]:
    """Return the exit code of the tests by mutant."""
    found: dict[str, int | None] = {}
    for meta in sorted(place.rglob("*.meta")):
        found |= json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    return found


def diff(place: Path, name: str) -> str:
    """Return what a mutant changes, without the headers of the diff."""
    command = [sys.executable, "-m", "mutmut", "show", name]
    shown = subprocess.run(
        command, cwd=place, check=False, stdout=subprocess.PIPE, text=True, env=environment()
    ).stdout
    kept = [
        line for line in shown.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    return "\n".join(kept)


if __name__ == "__main__":
    sys.exit(main())
