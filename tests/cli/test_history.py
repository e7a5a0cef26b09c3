import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("--bench", "("),
            (
                "perfkit: --bench: '(' is no regular expression: missing ), unterminated"
                " subpattern at position 0.\n"
            ),
        ),
        (
            ("--min-effect", "5"),
            "perfkit: --min-effect: found 5 without a unit, wanted a percentage such as 5%\n",
        ),
        (
            ("--input", "numbers.csv", "--bench", "time_it"),
            "perfkit: --bench chooses stored benchmarks: choose columns with --column.\n",
        ),
        (
            ("--column", "time"),
            "perfkit: --column chooses columns of a file: give the file with --input.\n",
        ),
    ],
)
def test_options_that_cannot_be_used_are_named(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "numbers.csv").write_text("time\n1\n2\n")
    done = subprocess.run(
        [sys.executable, "-m", "perfkit", "history", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.stderr, done.stdout, done.returncode) == (sentence, "", 2)
