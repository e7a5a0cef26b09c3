import json
import logging

import pytest

from perfkit.cli.invocation import Invocation


@pytest.fixture(autouse=True)
def _restored_root() -> object:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_the_configured_level_holds_and_verbose_lowers_it() -> None:
    root = logging.getLogger()
    levels = []
    for verbosity in range(3):
        Invocation(verbosity=verbosity).start_logging("error")
        levels.append(root.level)
    assert levels == [logging.ERROR, logging.INFO, logging.DEBUG]
    Invocation(verbosity=1).start_logging("debug")
    assert root.level == logging.DEBUG


def test_json_lines_hold_one_record_each(capsys: pytest.CaptureFixture[str]) -> None:
    Invocation().start_logging("info", "json")
    logger = logging.getLogger("perfkit.test")
    logger.info("built %s", "head")
    try:
        int("gone")
    except ValueError:
        logger.exception("failed")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["level"], first["logger"], first["message"]) == (
        "info",
        "perfkit.test",
        "built head",
    )
    assert "ValueError: invalid literal" in second["traceback"]


def test_text_lines_are_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    Invocation().start_logging()
    logging.getLogger("perfkit.test").warning("slow disk")
    logging.getLogger("perfkit.test").info("not shown")
    assert capsys.readouterr().err == "perfkit: WARNING: slow disk\n"
