"""The body of one pytest test, its fixtures made; runs in the child process only."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from perfkit.errors import MeasurementError, UsageError
from perfkit.targets.blame import blamed
from perfkit.targets.spec import Target

if TYPE_CHECKING:
    import pytest

MEASURED = "perfkit-measured"
"""The name of a plugin that is there wherever perfkit runs a test."""

_OPTIONS = (
    "--capture=no",  # what a target prints goes to stderr as it comes
    "--verbosity=-2",  # the report is perfkit's
    "-p",
    "no:cacheprovider",  # a measurement leaves no .pytest_cache
    # perfkit has a plugin, whose asserts pytest would rewrite, and has been imported before
    "-W",
    "ignore:Module already imported:pytest.PytestAssertRewriteWarning",
)
_SWITCHED_OFF = {
    "xdist": ("-n", "0"),  # the test runs here
    "pytest_cov": ("--no-cov",),  # coverage is not the test's own time
    "pytest_randomly": ("-p", "no:randomly"),  # two runs do the same work
}
"""Installed plugins -> the options that keep them out of a measurement."""


@contextmanager
def body_of_test(target: Target) -> Iterator[Callable[[], object]]:
    """Yield what runs the test function once, through pytest's own call of it.

    Collecting, the fixtures and the hooks around setup have run before; teardown runs after. The
    ``setUp`` and ``tearDown`` of a unittest class are a part of its body.

    Raises:
        UsageError: pytest is not installed, or finds no such test, or several.
        MeasurementError: The test cannot be collected, or skips; or a fixture raised.
    """
    # `python -m pytest` does the same.
    sys.path.insert(0, str(Path.cwd()))
    with _collected(target) as items:
        if len(items) != 1:
            raise UsageError(_not_one(target, [item.nodeid for item in items]))
        [item] = items
        with _told_skips(target), blamed(target):
            _phase(item, "setup", lambda: item.ihook.pytest_runtest_setup(item=item))
        try:
            yield lambda: _run(target, item)
        finally:
            with blamed(target):
                _phase(item, "call", lambda: None)
                item.ihook.pytest_runtest_teardown(item=item, nextitem=None)


def _phase(item: "pytest.Item", when: Literal["setup", "call"], work: Callable[[], None]) -> None:
    """Do a part of a test's run and make its report, which fixtures such as ``tmp_path`` read."""
    import pytest

    call = pytest.CallInfo.from_call(work, when=when)
    item.ihook.pytest_runtest_makereport(item=item, call=call)
    if call.excinfo is not None:
        raise call.excinfo.value


@contextmanager
def _collected(target: Target) -> "Iterator[list[pytest.Item]]":
    """Yield the tests of the node id, inside of a pytest session that runs none of them.

    pytest has no public call that collects and hands over; these are the steps of its own
    ``pytest.main`` up to there.
    """
    try:
        import pytest
        from _pytest.config import _prepareconfig
    except ModuleNotFoundError:
        raise UsageError(
            f"{target}: pytest is not installed beside perfkit ({sys.executable}); install it there"
        ) from None
    broken = _Broken()
    options = [
        option
        for plugin, words in _SWITCHED_OFF.items()
        if importlib.util.find_spec(plugin) is not None
        for option in words
    ]
    try:
        config = _prepareconfig([target.name, *_OPTIONS, *options], [broken])
    except pytest.UsageError as error:
        raise UsageError(f"{target}: pytest says: {_line(error)}") from None
    try:
        session = pytest.Session.from_config(config)
        config._do_configure()  # noqa: SLF001 - see above
        config.hook.pytest_sessionstart(session=session)
        try:
            session.perform_collect()
        except pytest.UsageError as error:
            if not broken.reports:
                raise UsageError(f"{target}: pytest says: {_line(error)}") from None
        if broken.reports:
            sys.stderr.write(f"{broken.reports[0]}\n")
            last = broken.reports[0].strip().splitlines()[-1]
            raise MeasurementError(
                f"{target} cannot be collected: {last.removeprefix('E').strip()}; what pytest says"
                " stands above, repair it and measure again"
            )
        try:
            yield session.items
        finally:
            with blamed(target):
                config.hook.pytest_sessionfinish(session=session, exitstatus=pytest.ExitCode.OK)
    finally:
        config._ensure_unconfigure()  # noqa: SLF001 - see above


class _Broken:
    """A plugin that keeps what could not be collected, in pytest's words."""

    def __init__(self) -> None:
        self.__name__ = MEASURED  # what pytest calls a plugin by
        self.reports: list[str] = []

    def pytest_collectreport(self, report: "pytest.CollectReport") -> None:
        """Keep a failed report; pytest calls this for each file and class."""
        if report.failed:
            self.reports.append(report.longreprtext)


def _line(error: BaseException) -> str:
    return " ".join(" ".join(map(str, error.args)).split())


def _not_one(target: Target, found: list[str]) -> str:
    if not found:
        return f"{target}: found no test there, wanted one; name it as FILE::NAME"
    shown = ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")  # noqa: PLR2004 - as many as fit a line
    return f"{target} is {len(found)} tests ({shown}), and one is measured: name it"


@contextmanager
def _told_skips(target: Target) -> Iterator[None]:
    import pytest

    try:
        yield
    except (pytest.skip.Exception, pytest.xfail.Exception) as error:
        raise _skipped(target, error) from None
    except MeasurementError as error:
        if isinstance(error.__cause__, pytest.skip.Exception | pytest.xfail.Exception):
            raise _skipped(target, error.__cause__) from None
        raise


def _skipped(target: Target, why: BaseException) -> MeasurementError:
    return MeasurementError(
        f"{target} skipped itself ({_line(why)}), so there is nothing to measure: choose a test"
        " that runs here"
    )


def _run(target: Target, item: "pytest.Item") -> None:
    import pytest

    try:
        item.runtest()
    except (pytest.skip.Exception, pytest.xfail.Exception) as error:
        raise _skipped(target, error) from None
    # What a unittest class raises is kept for pytest's report instead of being raised.
    kept = item.__dict__.pop("_excinfo", None)
    if kept:
        with _told_skips(target):
            raise kept[0].value
