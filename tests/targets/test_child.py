"""Every way a target can end, with real processes."""

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from perfkit.errors import MeasurementError, UsageError
from perfkit.targets.child import run_child

Call = Callable[..., list[str]]


def test_a_script_runs_as_main_with_its_arguments_and_neighbours(
    call: Call, capfd: pytest.CaptureFixture[str]
) -> None:
    call(
        """
        import sys, neighbour
        print(__name__, sys.argv, sys.path[0].endswith("project"), neighbour.VALUE)
        """,
        args=("-n", "3"),
        files={"neighbour.py": "VALUE = 42"},
    )
    out, err = capfd.readouterr()
    assert out == ""
    assert err == "__main__ ['app.py', '-n', '3'] True 42\n"


def test_a_module_runs_as_main(call: Call, capfd: pytest.CaptureFixture[str]) -> None:
    call(
        "",
        "package",
        module=True,
        args=("x",),
        calls=2,
        files={
            "package/__init__.py": "",
            "package/__main__.py": "import sys; print(__name__, __package__, sys.argv[1:])",
        },
    )
    assert capfd.readouterr().err == "__main__ package ['x']\n" * 2


def test_a_callable_is_called(call: Call) -> None:
    assert call("class Job:\n    def run():\n        return 7", "app:Job.run") == ["7"]


def test_a_compiled_function_without_a_signature_is_called(call: Call) -> None:
    assert call("empty = dict", "app:empty") == ["{}"]


def test_a_coroutine_is_run_to_its_end(call: Call) -> None:
    source = """
        import asyncio
        async def main():
            await asyncio.sleep(0)
            return "done"
    """
    assert call(source, "app:main", calls=2) == ["'done'"] * 2


def test_names_of_the_project_do_not_shadow_what_perfkit_needs(call: Call) -> None:
    files = {"json.py": "raise SystemExit(9)", "pathlib.py": "1 / 0"}
    assert call("def main(): return 1", "app:main", files=files) == ["1"]


def test_a_callable_gets_its_arguments_from_json_or_from_a_factory(call: Call) -> None:
    source = """
        def join(*parts, end="."):
            return "".join(map(str, parts)) + end
        async def later(parts):
            return join(*parts)
        made = []
        def make():
            made.append(1)
            return {"parts": ["a", len(made)]}
        def make_tuple():
            return "b", "c"
    """
    assert call(source, "app:join", arguments='[1, "x"]') == ["'1x.'"]
    assert call(source, "app:join", arguments='{"end": "!"}') == ["'!'"]
    assert call(source, "app:later", factory="app:make", calls=2) == ["'a1.'"] * 2
    assert call(source, "app:join", factory="app:make_tuple") == ["'bc.'"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"arguments": "[1, 2]"}, r"does not take these.*too many.*it takes \(size\)"),
        ({"arguments": "{}"}, r"needs arguments \(size\)"),
        ({"factory": "app:nothing"}, "factory returned a NoneType, wanted a list"),
        ({"factory": "app:numbered"}, "factory returned a dict, wanted"),
        ({"factory": "app:VALUE"}, "app:VALUE is a int, wanted a function"),
        ({"factory": "app:absent"}, "app has no absent"),
    ],
)
def test_arguments_that_cannot_be_used(call: Call, options: dict[str, str], said: str) -> None:
    source = """
        VALUE = 1
        def take(size): ...
        def nothing(): ...
        def numbered(): return {1: 2}
    """
    with pytest.raises(UsageError, match=said):
        call(source, "app:take", **options)


def test_a_factory_that_raises_is_named_with_its_line(call: Call) -> None:
    source = "def take(size): ...\ndef make(): raise OSError('no data')\n"
    with pytest.raises(MeasurementError, match=r"raised OSError: no data at .*app\.py:2 in make"):
        call(source, "app:take", factory="app:make")


@pytest.mark.parametrize("ending", ["sys.exit()", "sys.exit(0)", "sys.exit(None)"])
def test_exit_with_status_0_is_a_normal_end(call: Call, ending: str) -> None:
    assert call(f"import sys; {ending}") == ["None"]


def test_what_the_target_raises_is_shown_and_named(
    call: Call, capfd: pytest.CaptureFixture[str]
) -> None:
    source = """\
        def parse(text):
            raise ValueError(f"no {text}")
        parse("luck")
    """
    with pytest.raises(
        MeasurementError, match=r"app\.py raised ValueError: no luck at .*app\.py:2 in parse"
    ):
        call(source)
    err = capfd.readouterr().err
    assert "Traceback (most recent call last)" in err
    assert "perfkit" not in err.replace(str(Path(sys.executable).parents[2]), "")
    assert "runpy" not in err


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import sys; sys.exit(3)", r"sys\.exit\(3\)"),
        ("import sys; sys.exit('no data')", r"sys\.exit\('no data'\)"),
        ("import os; os._exit(0)", "status 0 before it could be measured.*os._exit"),
        ("import os; os._exit(5)", "status 5 before it could be measured"),
        ("import os; os.execv('/bin/true', ['true'])", "replaces the process"),
        ("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL.*memory"),
        ("import os; os.kill(os.getpid(), 11)", "killed by SIGSEGV.*faulthandler"),
        ("import os; os.kill(os.getpid(), 15)", "killed by SIGTERM"),
        ("def broken(:", "raised SyntaxError"),
        ("import nowhere_at_all", "raised ModuleNotFoundError"),
        ("raise KeyboardInterrupt", "raised KeyboardInterrupt"),
    ],
)
def test_a_target_that_fails_is_never_a_pass(call: Call, source: str, said: str) -> None:
    with pytest.raises(MeasurementError, match=said):
        call(source)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("app:takes", r"needs arguments \(first, key\).*--args.*--factory"),
        ("app:absent", "app has no absent; check the name"),
        ("app:take", "app has no take; there is takes"),
        ("app:VALUE", "is a int, not a function"),
        ("app:generate", "generator function"),
        ("absent.mod:call", "there is no module absent"),
    ],
)
def test_a_callable_that_cannot_be_used(call: Call, text: str, said: str) -> None:
    source = """
        VALUE = 1
        def takes(first, second=2, *rest, key, **more): ...
        def generate(): yield 1
    """
    with pytest.raises(UsageError, match=said):
        call(source, text)


def test_a_module_that_does_not_exist(call: Call) -> None:
    with pytest.raises(UsageError, match="no such module"):
        call("", "absent.mod", module=True)
    with pytest.raises(UsageError, match="without __main__"):
        call("", "folder", module=True, files={"folder/__init__.py": ""})


def test_an_import_that_fails_inside_the_module_is_the_targets_failure(call: Call) -> None:
    with pytest.raises(MeasurementError, match="ModuleNotFoundError: No module named 'absent'"):
        call("import absent", "app:main")
    with pytest.raises(MeasurementError, match="raised ZeroDivisionError"):
        call("1 / 0", "app:main")
    with pytest.raises(MeasurementError, match="raised ZeroDivisionError"):
        call("", "pkg.mod", module=True, files={"pkg/__init__.py": "1 / 0", "pkg/mod.py": ""})
    with pytest.raises(MeasurementError, match="No module named 'absent'"):
        call("", "pkg.mod", module=True, files={"pkg/__init__.py": "import absent"})


def test_a_target_that_never_returns_is_ended_with_all_it_started(
    call: Call, tmp_path: Path
) -> None:
    source = f"""
        import os, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        pid = os.fork()
        if pid:
            open({str(tmp_path / "pids")!r}, "w").write(f"{{pid}} {{os.getpid()}}")
        time.sleep(600)
    """
    with pytest.raises(MeasurementError, match=r"did not end within 1\.5 s.*--timeout"):
        call(source, timeout=1.5)
    for pid in (tmp_path / "pids").read_text().split():
        assert not is_running(int(pid))


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_forked_process_does_not_answer_for_its_parent(
    call: Call, capfd: pytest.CaptureFixture[str]
) -> None:
    source = """
        import os, sys
        def main():
            pid = os.fork()
            if not pid:
                print("forked", flush=True)
                return "from the fork"
            assert os.waitpid(pid, 0)[1] == 0
            return "from the parent"
        def main_exits():
            pid = os.fork()
            if not pid:
                sys.exit(3)
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    """
    assert call(source, "app:main") == ["'from the parent'"]
    assert capfd.readouterr().err == "forked\n"
    assert call(source, "app:main_exits") == ["3"]


def test_a_process_that_outlives_the_target_is_ended_and_mentioned(
    call: Call, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = f"""
        import subprocess
        def main():
            open({str(tmp_path / "pid")!r}, "w").write(str(subprocess.Popen(["sleep", "600"]).pid))
    """
    with caplog.at_level(logging.WARNING):
        assert call(source, "app:main") == ["None"]
    assert not is_running(int((tmp_path / "pid").read_text()))
    assert "left processes running" in caplog.text


def test_a_target_may_close_its_streams_and_change_directory(call: Call) -> None:
    source = """
        import os, sys
        def main():
            os.chdir("/")
            sys.stdout.close()
            os.close(2)
    """
    assert call(source, "app:main") == ["None"]


def test_a_target_may_delete_all_temporary_files(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("TMPDIR", str(temporary))
    source = f"""
        import os, shutil
        def main():
            deleted = os.listdir({str(temporary)!r})
            for name in deleted:
                shutil.rmtree(os.path.join({str(temporary)!r}, name))
            return len(deleted)
    """
    assert call(source, "app:main") == ["1"]
    assert list(temporary.iterdir()) == []


def test_a_thread_that_never_ends_does_not_take_the_result_away(call: Call) -> None:
    source = """
        import threading, time
        def main():
            threading.Thread(target=time.sleep, args=(600,)).start()
    """
    assert call(source, "app:main", timeout=2) == ["None"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import absent", "ModuleNotFoundError: No module named 'absent'"),
        ("import sys; sys.argv = ['-']; 1 / 0", "ZeroDivisionError"),
        ("serve(lambda request: request['absent'])", "KeyError: 'absent'"),
        ("serve(lambda request: {'value': object()})", "TypeError: Object of type object"),
    ],
)
def test_a_failure_of_perfkit_in_the_child_is_not_blamed_on_the_target(
    tmp_path: Path, source: str, said: str
) -> None:
    (tmp_path / "buggy.py").write_text(f"from perfkit.targets.serve import serve\n{source}")
    with pytest.raises(RuntimeError, match=f"measuring x failed inside perfkit: {said}"):
        run_child("buggy", {}, cwd=tmp_path, name="x", environment={"PYTHONPATH": str(tmp_path)})


def test_ctrl_c_ends_the_target(tmp_path: Path) -> None:
    (tmp_path / "forever.py").write_text(
        f"import os, time\n"
        f"open({str(tmp_path / 'new')!r}, 'w').write(str(os.getpid()))\n"
        f"os.rename({str(tmp_path / 'new')!r}, {str(tmp_path / 'pid')!r})\n"
        "time.sleep(600)\n"
    )
    program = (
        "from pathlib import Path; from perfkit.targets.child import run_child; "
        f"run_child('forever', {{}}, cwd=Path({str(tmp_path)!r}), name='forever')"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 30
    while not (tmp_path / "pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    parent.send_signal(signal.SIGINT)
    _, err = parent.communicate(timeout=30)
    assert b"InterruptedMeasurementError: interrupted while forever ran" in err
    assert not is_running(int((tmp_path / "pid").read_text()))


SUITE = {
    "asv.conf.json": json.dumps({"version": 1, "repo": "."}),
    "benchmarks/__init__.py": "",
    "project_code.py": "",
    "benchmarks/suite.py": """
        from pathlib import Path
        import project_code
        class TimeJob:
            params = ([1, 2], ["a", "b"])
            def setup_cache(self):
                Path("left").touch()
                return {"cached": True}
            def setup(self, cache, size, name):
                self.state = [cache["cached"], size, name, Path("left").exists()]
            def time_it(self, cache, size, name):
                self.state.append("ran")
                return self.state
            def teardown(self, cache, size, name):
                print("torn down", flush=True)
        def setup():
            raise NotImplementedError
        def time_skipped(): ...
        def timeraw_import():
            return "import json"
    """,
}


def test_a_benchmark_runs_its_body_after_its_setup(
    call: Call, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    suite = SUITE | {"benchmarks/suite.py": SUITE["benchmarks/suite.py"].split("def setup():")[0]}
    name = "bench:suite.TimeJob.time_it(2, 'b')"
    assert call("", name, files=suite) == ["[True, 2, 'b', True, 'ran']"]
    assert "torn down" in capfd.readouterr().err
    assert not (tmp_path / "project" / "left").exists()


def test_benchmarks_that_cannot_be_called(call: Call) -> None:
    with pytest.raises(UsageError, match=r"needs its parameters.*time_it\(1, 'a'\)"):
        call("", "bench:suite.TimeJob.time_it", files=SUITE)
    with pytest.raises(UsageError, match=r"is no benchmark.*suite\.TimeJob"):
        call("", "bench:suite.TimeJob.time_at(1, 'a')", files=SUITE)
    with pytest.raises(UsageError, match="in another process"):
        call("", "bench:suite.timeraw_import", files=SUITE)
    with pytest.raises(MeasurementError, match="skipped itself"):
        call("", "bench:suite.time_skipped", files=SUITE)
    with pytest.raises(UsageError, match="no benchmark was found"):
        call(
            "",
            "bench:x",
            files={"benchmarks/suite.py": "", "asv.conf.json": SUITE["asv.conf.json"]},
        )


def test_a_project_without_a_suite(call: Call) -> None:
    with pytest.raises(UsageError, match=r"no asv\.conf\.json"):
        call("", "bench:x")
