"""The folders that perfkit writes into."""

import subprocess
from pathlib import Path

import pytest

from perfkit.durable import write_whole


@pytest.mark.parametrize("below", ["profiles/a.pyisession", "a", "deep/er/a"])
def test_what_is_written_into_the_state_folder_is_hidden_from_git(
    tmp_path: Path, below: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], check=True)
    write_whole(Path(".perfkit", below), "kept")
    assert Path(".perfkit", below).read_text() == "kept"
    done = subprocess.run(["git", "status", "--short"], check=True, capture_output=True, text=True)
    assert done.stdout == ""
    write_whole(Path("elsewhere", below), "kept")
    assert not Path("elsewhere", ".gitignore").exists()
