"""The pages perfkit writes, in a headless Chromium: they show, and ask nobody for anything."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from browser import CHROMIUM, SECONDS, Tab, tab

from perfkit.__main__ import run

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH"),
    pytest.mark.usefixtures("unmeasured"),
]

EXAMPLE = Path(__file__).parents[1] / "docs" / "example"

APPLICATION = """\
import perfkit.runtime
perfkit.runtime.start(".perfkit/telemetry.sqlite", "shop")

@perfkit.runtime.track("sum")
def total():
    pass

if __name__ == "__main__":
    total()
    perfkit.runtime.stop()
"""

NARROW = 400


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    watched = {"components": [{"name": "shop"}], "alerts": {"rules": []}}
    Path("config/monitoring_config.yaml").write_text(json.dumps(watched))
    Path("app.py").write_text(APPLICATION)
    return tmp_path


def written() -> dict[str, str]:
    """Write every kind of page; return what each has to show."""
    report = str(EXAMPLE / "report.json")
    subprocess.run([sys.executable, "app.py"], check=True)
    load = ("--rate", "50/s", "--for", "500ms", "--html", "load.html")
    for words in (
        ("report", report, "--format", "html", "--output", "report.html"),
        ("history", "--input", str(EXAMPLE / "latency.csv"), "--html", "history.html"),
        ("monitor", "--html", "dashboard.html"),
        ("load", "app:total", *load),
        ("profile", "json.tool", "-m", "--output", "flame.html", "--", report),
    ):
        assert run(words) in {0, 1}, words
    return {
        "report.html": "benchmarks",
        "history.html": "p95",
        "dashboard.html": "shop",
        "load.html": "p99",
        "flame.html": "json",
    }


async def looked_at(one: Tab, page: Path, text: str) -> None:
    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        await one.do("Emulation.setEmulatedMedia", features=[feature])
        await one.open(page.as_uri())
        assert text in await one.value("document.body.innerText"), page
    assert set(one.asked) == {page.as_uri()}
    assert one.complaints == []


def test_every_page_shows_what_it_is_about_and_asks_nobody(folder: Path) -> None:
    pages = written()

    async def look() -> None:
        for name, text in pages.items():
            async with tab(folder / f"profile-{name}") as one:
                await looked_at(one, folder / name, text)

    asyncio.run(look())


def test_the_live_page_follows_the_store_and_says_when_nobody_answers(folder: Path) -> None:
    subprocess.run([sys.executable, "app.py"], check=True)
    words = [sys.executable, "-m", "perfkit", "monitor", "--serve", "127.0.0.1:0"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            said = server.stderr.readline()
            found = re.search(r"http://\S+", said)
            assert found is not None, said
            asyncio.run(followed(folder, found[0], server))
        finally:
            server.kill()


async def followed(folder: Path, address: str, server: "subprocess.Popen[str]") -> None:
    async with tab(folder / "without") as one:
        await one.do("Emulation.setScriptExecutionDisabled", value=True)
        await one.open(address)
        document = await one.do("DOM.getDocument", depth=-1)
        assert "shop" in json.dumps(document)
    async with tab(folder / "with") as one:
        await one.open(address)
        shown = "document.querySelector('footer').innerText"
        first = await one.value(shown)
        later = await until(one, shown, lambda text: text != first)
        assert later > first  # they differ in their time
        assert one.complaints == []
        assert {re.sub(r"[^/]*$", "", url) for url in one.asked} == {address}
        server.kill()
        status = "document.querySelector('[role=status]').innerText"
        assert "the figures below are old" in await until(one, status, bool)


async def until(one: Tab, expression: str, wanted: Callable[[str], bool]) -> str:
    """Return the value of an expression as soon as it is a wanted one."""
    async with asyncio.timeout(SECONDS):
        while not wanted(found := str(await one.value(expression))):
            await one.value("new Promise(requestAnimationFrame)")
    return found
