"""A store with a damaged row: every reader says so in one sentence, and none calls it healthy."""

import json
import sqlite3
import time
from pathlib import Path

import pytest

from perfkit.__main__ import run
from perfkit.cli.monitor_serve import site_of
from perfkit.config.load import load_settings
from perfkit.monitoring.dashboard import Observer
from perfkit.monitoring.web import Site
from perfkit.runtime.batch import Batch
from perfkit.runtime.bins import Bins
from perfkit.runtime.store import Store
from perfkit.runtime.store_errors import DamagedStoreError
from perfkit.runtime.windows import Calls, Key

PRODUCTION = Path(__file__).parents[2] / "docs" / "example" / "production"
SAYS = "the calls of shop, monthly in the"


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    path = tmp_path / "damaged.sqlite"
    now = int(time.time())
    with Store(path) as store:
        for back in (3700, 5):
            bins = Bins([1_000_000] * 100)
            calls = Calls(100, 0, 0, 10**8, 10**6, bins)
            store.add(Batch(now - back, {Key("shop", "monthly"): calls}))
    with sqlite3.connect(path) as other:
        other.execute("UPDATE calls SET bins = x'63'")
    return path


@pytest.mark.parametrize(
    "words",
    [
        ["slo"],
        ["alerts", "check"],
        ["monitor", "--once"],
        ["slo", "--canary", "2h/1h", "1h/now", "--component", "shop", "--call", "monthly"],
    ],
    ids=" ".join,
)
def test_a_verb_that_reads_it_fails_with_a_sentence(
    damaged: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--config", str(PRODUCTION), *words, "--store", str(damaged)]) == 4
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    (line,) = [line for line in said.err.splitlines() if SAYS in line]
    assert f"{damaged}: {SAYS}" in line
    assert "(bins of format 99, this reads [1, 2, 3]); put a backup in its place" in line
    assert run(["--config", str(PRODUCTION), *words, "--store", str(damaged), "--json"]) == 4
    assert SAYS in json.loads(capsys.readouterr().out)["error"]["message"]


def test_a_watch_does_not_begin_with_it(
    damaged: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SLACK_WEBHOOK", "http://127.0.0.1:9/")
    monkeypatch.chdir(tmp_path)
    words = ["alerts", "watch", "--for", "1ms", "--store", str(damaged)]
    assert run(["--config", str(PRODUCTION), *words]) == 4
    said = capsys.readouterr().err
    assert SAYS in said
    assert "Traceback" not in said


def site(path: Path) -> Site:
    settings = load_settings(PRODUCTION, environ={})
    return site_of(path, settings, Observer(path, settings, window=600, only=()).look)


def test_what_is_served_says_so_and_is_not_ready(damaged: Path) -> None:
    served = site(damaged)
    with pytest.raises(DamagedStoreError, match="shop, monthly in the totals are damaged"):
        served.metrics("")
    for read in (lambda: served.metrics(""), served.page, served.part):
        with pytest.raises(DamagedStoreError, match=SAYS):
            read()
    health = served.health()
    assert (health["live"], health["ready"]) == (True, False)
    assert SAYS in str(health["detail"])


def test_a_row_that_metrics_do_not_read_is_told_too(damaged: Path) -> None:
    with sqlite3.connect(damaged) as other:
        other.execute("UPDATE calls SET bins = ? WHERE seconds != 1", (Bins([9]).to_bytes(),))
    served = site(damaged)
    assert 'outcome="ok"} 200' in served.metrics("")[1]
    assert served.health()["ready"] is False
