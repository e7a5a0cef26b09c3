"""What every test shares: one environment for git and numerics, and a small real project."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tiny_project import LIBRARY, PACKAGING, Project

# A deadline would be a timed test, and the first example of a test pays for imports.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background by a shell that is not interactive: every process the tests start
    # would inherit that, and no interrupt could be tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)

ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "OPENBLAS_NUM_THREADS": "1",
    # The tests themselves load the machine, and nothing is read off these measurements.
    "PERFKIT_REGRESSION_LOAD_WAIT": "0s",
}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True, scope="session")
def _one_environment() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    yield
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no process that the test starts be measured for coverage.

    What coverage keeps of a process grows while it runs, which is a leak to who looks for leaks,
    and it costs most what is run a thousand times.
    """
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def packaged(tmp_path: Path) -> Project:
    """The same project as an installable package, without a .gitignore."""
    made = Project(tmp_path / "packaged")
    made.write("pyproject.toml", PACKAGING)
    (made.root / "tiny.py").unlink()
    made.write("tiny/__init__.py", LIBRARY)
    return made
