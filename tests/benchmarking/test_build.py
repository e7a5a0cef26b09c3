"""Revisions, built once: real builds with a build system that is installed."""

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from tiny_project import PACKAGING, Project

from perfkit.benchmarking import build
from perfkit.benchmarking.build import Side, built, install, requirements, state_folder
from perfkit.benchmarking.suite import find_suite
from perfkit.errors import MeasurementError
from perfkit.forge.git import Repository


def source_of(side: Side) -> str:
    """Return what the side's interpreter imports as ``tiny``."""
    program = "import inspect, tiny; print(inspect.getsource(tiny))"
    return subprocess.run(
        [side.interpreter.python, "-c", program],
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(side.interpreter.site)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_a_package_is_installed_once_per_tree(
    packaged: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged.suite()
    packaged.commit("first")
    packaged.write("README", "the same code")
    installed = []
    monkeypatch.setattr(
        build, "install", lambda source, site, *, label: installed.append(label) or
        install(source, site, label=label)
    )  # fmt: skip
    first, second = packaged.git("rev-parse", "HEAD"), packaged.commit("second")
    repository = Repository.around(packaged.root)
    suite = find_suite(packaged.root)
    for name in (first, second, first, second):
        with built(repository, repository.resolve(name), suite) as side:
            assert side.interpreter.site is not None
            assert ".perfkit/builds/" in str(side.interpreter.site)
            assert "sum(range(n))" in source_of(side)
            assert side.suite.benchmarks.is_dir()
            assert packaged.root != side.suite.benchmarks.parents[2]
            assert side.suite.results == suite.results
    assert installed == [first, second]
    assert packaged.leftovers() == []
    assert not list((packaged.root / ".perfkit" / "builds").glob("*.log"))
    assert packaged.git("status", "--porcelain") == ""


def test_uncommitted_work_is_built_as_it_is_and_nothing_of_it_is_kept(packaged: Project) -> None:
    packaged.suite()
    packaged.write("tiny/old.py", "")
    packaged.write("tiny/data.txt", "one")
    packaged.commit("first")
    packaged.write("tiny/__init__.py", "def work(n): return n\n")
    packaged.write("tiny/new.py", "")
    packaged.write("ignored/x.pyc", "")
    packaged.write(".gitignore", "ignored\n")
    (packaged.root / "tiny" / "old.py").unlink()
    (packaged.root / "tiny" / "link.py").symlink_to("new.py")
    repository = Repository.around(packaged.root)
    revision = repository.working_tree()
    before = packaged.git("status", "--porcelain")
    with built(repository, revision, find_suite(packaged.root)) as side:
        site = side.interpreter.site
        assert site is not None
        assert "return n" in source_of(side)
        names = {path.name for path in (site / "tiny").iterdir()} - {"__pycache__"}
        assert names == {"__init__.py", "new.py", "link.py", "data.txt"}
        assert not (side.suite.config.parents[1] / "ignored").exists()
    assert not site.exists()
    assert packaged.leftovers() == ["?? .gitignore", "?? tiny/link.py", "?? tiny/new.py"]
    assert packaged.git("status", "--porcelain") == before


def test_a_project_without_packaging_is_imported_from_its_checkout(project: Project) -> None:
    project.suite()
    commit = project.commit("first")
    project.write("tiny.py", "changed = True\n")
    repository = Repository.around(project.root)
    with built(repository, repository.resolve(commit), find_suite(project.root)) as side:
        assert "sum(range(n))" in source_of(side)
        assert side.requirements == ()
    with built(repository, repository.working_tree(), find_suite(project.root)) as side:
        assert source_of(side).strip() == "changed = True"
    (project.root / "src").mkdir()
    (project.root / "tiny.py").rename(project.root / "src" / "tiny.py")
    with built(repository, repository.working_tree(), find_suite(project.root)) as side:
        assert str(side.interpreter.site).endswith("/src")
        assert source_of(side).strip() == "changed = True"
    assert project.leftovers() == ["?? src/"]


def test_what_does_not_build_shows_its_last_words_and_its_log(packaged: Project) -> None:
    packaged.suite()
    packaged.write("pyproject.toml", PACKAGING.replace('version = "1"', "version = 1"))
    commit = packaged.commit("broken")
    repository = Repository.around(packaged.root)
    with (
        pytest.raises(MeasurementError, match="does not build") as caught,
        built(repository, repository.resolve(commit), find_suite(packaged.root)),
    ):
        raise AssertionError
    assert "project.version" in str(caught.value)
    log = str(caught.value).split("whole log: ")[1].split(")")[0]
    assert "project.version" in Path(log).read_text()
    assert packaged.leftovers() == []


def test_a_missing_compiler_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "fast.c").write_text("int fast;\n")
    (source / "pyproject.toml").write_text(
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    )
    # setuptools' own way to a compiler, without its wheels, which need one more package.
    (source / "backend.py").write_text(
        "from setuptools import Extension, setup\n"
        "def build_wheel(*_):\n"
        "    fast = [Extension('fast', ['fast.c'])]\n"
        "    setup(name='fast', version='1', ext_modules=fast, script_args=['build_ext'])\n"
    )
    monkeypatch.setenv("CC", "absent-compiler")
    with pytest.raises(MeasurementError) as caught:
        install(source, tmp_path / "builds" / "site", label="head")
    assert str(caught.value).startswith(
        "head does not build, as it needs the compiler absent-compiler, which is not on PATH:"
        " install it (whole log: "
    )


def test_a_build_without_modules_is_an_error(packaged: Project, tmp_path: Path) -> None:
    packaged.write("pyproject.toml", PACKAGING + "[tool.hatch.build]\nexclude = ['*.py']\n")
    with pytest.raises(MeasurementError, match="head builds, but installs no module"):
        install(packaged.root, tmp_path / "builds" / "site", label="head")
    assert [path.suffix for path in (tmp_path / "builds").iterdir()] == [".log"]


def test_an_interrupted_build_leaves_nothing(packaged: Project, tmp_path: Path) -> None:
    packaged.write(
        "pyproject.toml",
        '[build-system]\nrequires = []\nbuild-backend = "slow"\nbackend-path = ["."]\n',
    )
    packaged.write(
        "slow.py",
        "import os, signal, time\n"
        f"os.kill({os.getpid()}, signal.SIGINT)\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
        "time.sleep(600)\n",
    )
    with pytest.raises(KeyboardInterrupt):
        install(packaged.root, tmp_path / "builds" / "site", label="head")
    assert [path.name for path in (tmp_path / "builds").iterdir()] == ["site.log"]
    pid = tmp_path / "pid"
    assert not pid.exists() or not Path("/proc", pid.read_text() or "none").exists()


def test_requirements_of_a_build(packaged: Project, tmp_path: Path) -> None:
    packaged.write("pyproject.toml", PACKAGING + 'dependencies = ["b>1", "a; extra==\'x\'"]\n')
    install(packaged.root, tmp_path / "site", label="head")
    assert requirements(tmp_path / "site") == ("a; extra == 'x'", "b>1")


@pytest.mark.parametrize(
    ("requires", "here"),
    [
        ([], True),
        (["hatchling"], True),
        (["hatchling>=1", "pytest; python_version>'2'"], True),
        (["hatchling>=999"], False),
        (["hatchling", "absent-build-plugin"], False),
        (["absent; python_version<'3'"], True),
        (["not a requirement"], False),
    ],
)
def test_isolation_is_left_out_only_where_all_is_installed(
    tmp_path: Path, requires: list[str], here: bool
) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[build-system]\nrequires = {requires!r}\n")
    assert build._build_system_is_here(tmp_path) is here


@pytest.mark.parametrize(
    ("has", "here"),
    [
        ({"setuptools": "65.5.0"}, False),
        ({"setuptools": "65.5.0", "wheel": "0.45.1"}, True),
        ({"setuptools": "75.8.0"}, True),
    ],
)
def test_an_old_setuptools_needs_wheel_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has: dict[str, str], here: bool
) -> None:
    def version(name: str) -> str:
        if name not in has:
            raise PackageNotFoundError(name)
        return has[name]

    monkeypatch.setattr(build, "version", version)
    (tmp_path / "setup.py").touch()
    assert build._build_system_is_here(tmp_path) is here


def test_a_broken_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[build-system\n")
    with pytest.raises(MeasurementError, match=r"pyproject\.toml: "):
        build._build_system_is_here(tmp_path)


def test_no_installer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(build.shutil, "which", lambda name: f"/bin/{name}")
    assert build._installer() == ("/bin/uv", "pip", "install", "--python", sys.executable)
    monkeypatch.setattr(build.shutil, "which", lambda _: None)
    with pytest.raises(MeasurementError, match="has no pip and there is no uv"):
        build._installer()


def test_what_a_killed_run_left_is_swept_and_what_is_in_use_is_not(project: Project) -> None:
    project.suite()
    commit = project.commit("first")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    state = state_folder(project.root)
    dead = state / "worktrees" / f"aa-{gone.pid}"
    alive = state / "worktrees" / f"bb-{os.getpid()}"
    project.git("worktree", "add", "--quiet", "--detach", str(dead), commit)
    partial = state / "builds" / f"0123.partial-cc-{gone.pid}"
    kept = state / "builds" / "0123456789abcdef"
    for folder in (alive, partial, kept):
        folder.mkdir(parents=True)
    repository = Repository.around(project.root)
    with built(repository, repository.resolve(commit), find_suite(project.root)):
        assert not dead.exists()
        assert not partial.exists()
        assert alive.exists()
        assert kept.exists()
    assert len(project.git("worktree", "list").splitlines()) == 1


def test_a_state_folder_that_cannot_be(project: Project) -> None:
    (project.root / ".perfkit").write_text("a file")
    with pytest.raises(MeasurementError, match="cannot hold builds and captures"):
        state_folder(project.root)
