from pathlib import Path

import pytest
from tiny_project import Project

from perfkit.benchmarking.suite import find_suite, read_suite
from perfkit.errors import ConfigError, UsageError


def test_the_suite_of_a_project(project: Project) -> None:
    found = find_suite(project.root)
    assert found == find_suite(project.root / "benchmarks")
    assert found.config == project.root / "benchmarks" / "asv.conf.json"
    assert found.benchmarks == project.root / "benchmarks" / "suite"
    assert found.results == project.root / "results"
    assert (found.project, found.subdirectory, found.default_timeout) == ("tiny", "", 20.0)
    moved = found.inside(project.root, Path("/other"))
    assert moved.benchmarks == Path("/other/benchmarks/suite")
    assert moved.results == found.results


def test_defaults_are_those_of_asv(tmp_path: Path) -> None:
    (tmp_path / "benchmarks").mkdir()
    path = tmp_path / "asv.conf.json"
    path.write_text("{}")
    found = read_suite(path)
    assert found.benchmarks == tmp_path / "benchmarks"
    assert found.results == tmp_path / "results"
    assert found.default_timeout == 60.0


def test_no_suite_and_two_suites(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no asv\.conf\.json here.*`perfkit init`"):
        find_suite(tmp_path)
    (tmp_path / "asv.conf.json").write_text("{}")
    (tmp_path / "asv.conf.jsonc").write_text("{}")
    with pytest.raises(UsageError, match="both exist; keep one"):
        find_suite(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not readable as JSON with comments"),
        ("", "not readable as JSON with comments"),
        ("[]", "found list, wanted an object"),
        ('{"benchmark_dir": "b", "project": 3}', "project: found 3, wanted a string"),
        ('{"benchmark_dir": "absent"}', "which is no folder"),
        ('{"benchmark_dir": "b", "default_benchmark_timeout": 0}', "wanted seconds above 0"),
        ('{"benchmark_dir": "b", "default_benchmark_timeout": "1"}', "wanted seconds above 0"),
        ('{"benchmark_dir": "b", "default_benchmark_timeout": NaN}', "wanted seconds above 0"),
        ('{"benchmark_dir": "b", "default_benchmark_timeout": true}', "wanted seconds above 0"),
    ],
)
def test_a_broken_configuration(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "b").mkdir()
    path = tmp_path / "asv.conf.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        read_suite(path)
    assert str(caught.value).startswith(str(path))


def test_a_configuration_that_is_no_utf8(tmp_path: Path) -> None:
    path = tmp_path / "asv.conf.json"
    path.write_bytes(b'{"project": "caf\xe9"}')
    with pytest.raises(ConfigError, match="not readable"):
        read_suite(path)
