import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

THRESHOLDS = """\
regression:
  threshold: 4%
budgets:
  - name: import
    benchmark: shop.time_import
    limit: 1500ms
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "performance_thresholds.yaml").write_text(THRESHOLDS)
    return tmp_path


SET = {"PERFKIT_REGRESSION_LOAD_WAIT"}
"""What the tests of measuring set."""


def _show(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "perfkit", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**{name: os.environ[name] for name in os.environ if name not in SET}, **variables},
        timeout=60,
    )


def test_every_value_is_shown_with_its_source(project: Path) -> None:
    done = _show(project, "config", "show", PERFKIT_REGRESSION_ALPHA="0.01")
    golden = Path(__file__).parent / "golden" / "config_show.txt"
    shown = "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())
    assert shown == golden.read_text(encoding="utf-8")
    assert done.stderr == ""


def test_json_holds_the_same_values(project: Path) -> None:
    done = _show(project, "config", "show", "--json")
    document = json.loads(done.stdout)
    assert document["perfkit"]["command"] == "config show"
    rows = {(row["file"], row["key"]): row for row in document["values"]}
    assert rows["performance_thresholds.yaml", "budgets[0].limit"] == {
        "file": "performance_thresholds.yaml",
        "key": "budgets[0].limit",
        "value": "1.5s",
        "source": "config/performance_thresholds.yaml:6",
    }


def test_a_folder_can_be_named(project: Path) -> None:
    (project / "config").rename(project / "elsewhere")
    done = _show(project, "--config", "elsewhere", "config", "show", "--json")
    assert "elsewhere/performance_thresholds.yaml:2" in done.stdout


def test_a_wrong_file_is_one_sentence_and_exit_2(project: Path) -> None:
    (project / "config" / "performance_thresholds.yaml").write_text("regression: {alpa: 1}\n")
    done = _show(project, "config", "show")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "perfkit: config/performance_thresholds.yaml:1:14: found the unknown key 'alpa', wanted "
        "one of threshold, alpha, min_rounds, max_rounds, time_budget, load_wait, noise_floor, "
        "memory, memory_threshold, memory_floor, allocations, allocations_threshold, "
        "allocations_floor; did you mean 'alpha'?\n"
    )


def test_doctor_answers_in_json(project: Path) -> None:
    done = _show(project, "doctor", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["status"]) == (0, "passed")
    topics = [finding["topic"] for finding in document["findings"]]
    assert topics[:3] == ["cores", "load", "cpu quota"]
    found = {finding["topic"]: finding["status"] for finding in document["findings"]}
    assert (found["configuration"], found["asv suite"]) == ("ok", "missing")
    assert document["machine"]["usable_cores"] == len(os.sched_getaffinity(0))


def test_doctor_survives_a_wrong_configuration(project: Path) -> None:
    (project / "config" / "monitoring_config.yaml").write_text("- a\n")
    done = _show(project, "doctor")
    assert done.returncode == 0
    assert "monitoring_config.yaml:1:1: found a list" in done.stdout
