"""Logs of ``-X importtime``, made by hand and by real interpreters."""

import itertools
import sys
from pathlib import Path

import pytest

from perfkit.errors import MeasurementError, UsageError
from perfkit.profiling import import_time as module
from perfkit.profiling.import_time import Import, costs, import_times, parsed
from perfkit.targets.spec import parse_target

LOG = """\
import time: self [us] | cumulative | imported package
the program's own line
import time:       100 |        100 |     inner
import time:       200 |        300 |   shop.orders
import time:        50 |         50 |   shop.sums
import time:       400 |        750 | shop
import time:        10 |         10 | encodings
"""


def test_a_log_is_read_and_other_lines_are_not() -> None:
    assert parsed(LOG)[:2] == (Import("inner", 2, 1e-4, 1e-4), Import("shop.orders", 1, 2e-4, 3e-4))
    assert len(parsed(LOG)) == 5


def test_several_logs_are_one_tree_of_medians() -> None:
    slower = parsed(LOG.replace("400 |        750", "700 |       1050"))
    found = costs([parsed(LOG), slower, slower], frozenset({"encodings"}))
    assert [(one.depth, one.module) for one in found] == [
        (0, "shop"),
        (1, "shop.orders"),
        (2, "inner"),
        (1, "shop.sums"),
    ]
    assert found[0].self_seconds == pytest.approx(7e-4)
    assert found[0].total_range == (pytest.approx(7.5e-4), pytest.approx(1.05e-3))


def test_what_the_interpreter_imports_anyway_is_left_out_of_the_middle() -> None:
    found = costs([parsed(LOG)], frozenset({"shop.orders"}))
    assert [(one.depth, one.module) for one in found[:2]] == [(0, "shop"), (1, "inner")]
    assert costs([parsed(LOG), ()]) == ()  # not in every process


def test_a_real_program_in_fresh_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROCESSES", 2)
    (tmp_path / "outer.py").write_text("import inner_module\nprint('noise')\n")
    (tmp_path / "inner_module.py").write_text("import sys; sys.stderr.write('more noise\\n')\n")
    for text in ("outer.py", "outer:main"):
        found = import_times(
            parse_target(text, cwd=tmp_path),
            cwd=tmp_path,
            timeout=60,
            clock=itertools.count(0.0, 0.25).__next__,
        )
        assert found.start_seconds == found.empty_seconds == (0.25, 0.25)
        tree = {one.module: one.depth for one in found.imports}
        assert tree["inner_module"] == (0 if text == "outer.py" else 1)
        assert "site" not in tree


@pytest.mark.parametrize(
    ("text", "source", "error", "message"),
    [
        ("bench:a.time_b", "", UsageError, "wanted a script"),
        ("app.py", "1 / 0", MeasurementError, "status 1 at its start: ZeroDivisionError"),
        ("app:main", "import absent_one", MeasurementError, "No module named 'absent_one'"),
        ("app.py", "while True: ...", MeasurementError, "did not end within 0.5 s"),
    ],
)
def test_what_cannot_be_started_is_one_sentence(
    tmp_path: Path, text: str, source: str, error: type[Exception], message: str
) -> None:
    (tmp_path / "app.py").write_text(source)
    with pytest.raises(error, match=message):
        import_times(
            parse_target(text, cwd=tmp_path),
            cwd=tmp_path,
            timeout=0.5 if "while" in source else 60,
            clock=lambda: 0.0,
            python=sys.executable,
        )
