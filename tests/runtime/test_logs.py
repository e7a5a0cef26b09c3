import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perfkit import runtime


@pytest.fixture(autouse=True)
def _root() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    # Those of other tests may write to streams that are closed by now.
    root.handlers = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers = handlers
    root.setLevel(level)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_record_is_one_line_of_json(tmp_path: Path) -> None:
    path = tmp_path / "below" / "app.log"
    runtime.configure_logging(path)
    logger = logging.getLogger("shop")
    with runtime.correlated() as identity:
        assert runtime.correlation_id() == identity
        logger.info("%d sold\n", 3, extra={"order": 7, "what": {1}})
    try:
        {}["x"]
    except KeyError:
        logger.exception("failed")
    logger.debug("not written")
    first, second = lines(path)
    assert first["message"] == "3 sold\n"
    assert (first["level"], first["logger"], first["order"], first["what"]) == (
        *("info", "shop", 7),
        "{1}",
    )
    assert first["correlation_id"] == identity
    assert first["time"].endswith("+00:00")
    assert "KeyError: 'x'" in second["exception"]
    assert "correlation_id" not in second
    assert runtime.correlation_id() is None


def test_files_rotate_and_a_second_call_replaces_the_first(tmp_path: Path) -> None:
    runtime.configure_logging(tmp_path / "old.log")
    handler = runtime.configure_logging(tmp_path / "app.log", max_bytes=400, backups=2)
    assert handler in logging.getLogger().handlers
    for number in range(20):
        logging.getLogger("shop").warning("message %d", number)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "app.log",
        "app.log.1",
        "app.log.2",
        "old.log",
    ]
    assert all(p.stat().st_size <= 400 for p in tmp_path.iterdir())
    assert lines(tmp_path / "app.log")[-1]["message"] == "message 19"
    assert not (tmp_path / "old.log").read_text()


def test_without_a_path_logs_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    runtime.configure_logging().setStream(sys.stderr)  # type: ignore[attr-defined]
    logging.getLogger("shop").info("hello")
    assert json.loads(capsys.readouterr().err)["message"] == "hello"
    with pytest.raises(ValueError, match="LOUD"):
        runtime.configure_logging(level="LOUD")
