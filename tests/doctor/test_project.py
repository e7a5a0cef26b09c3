import builtins
from pathlib import Path

import pytest

from perfkit.doctor.project import read_project

ROOT = Path(__file__).parents[2]


def test_this_repository_is_ready() -> None:
    facts = read_project(ROOT, ROOT / "config", environ={})
    assert facts.git is not None
    assert facts.configured
    assert (facts.memray_problem, facts.suite_problem, facts.config_problem) == (None, None, None)


def test_an_empty_folder_offers_nothing(tmp_path: Path) -> None:
    facts = read_project(tmp_path, tmp_path / "config", environ={}, which=lambda _: None)
    assert (facts.git, facts.compiler, facts.uv) == (None, None, None)
    assert facts.suite_problem is not None
    assert "no asv.conf.json" in facts.suite_problem
    assert not facts.configured


def test_the_first_compiler_on_the_path_counts(tmp_path: Path) -> None:
    paths = {"gcc": "/bin/gcc", "clang": "/bin/clang"}
    facts = read_project(tmp_path, tmp_path, environ={}, which=paths.get)
    assert facts.compiler == "/bin/gcc"


def test_a_broken_file_is_a_problem_and_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "monitoring_config.yaml").write_text("loging: {}\n")
    facts = read_project(tmp_path, tmp_path, environ={})
    assert facts.configured
    assert facts.config_problem is not None
    assert facts.config_problem.endswith("did you mean 'logging'?")


def test_a_memray_that_does_not_load_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def broken(name: str, *args: object) -> object:
        if name == "memray":
            raise ImportError("libunwind.so.8: cannot open shared object file")
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", broken)
    facts = read_project(tmp_path, tmp_path, environ={})
    assert facts.memray_problem == (
        "memray cannot be imported: libunwind.so.8: cannot open shared object file"
    )
