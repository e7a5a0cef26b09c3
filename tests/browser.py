"""A headless Chromium, driven through its DevTools protocol.

https://chromedevtools.github.io/devtools-protocol/
"""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Switches of a browser that shows nothing on a screen and asks nobody for anything of its own."""

SECONDS = 30.0

COMPLAINTS = {"Runtime.exceptionThrown", "Log.entryAdded"}


class Tab:
    """One tab: what it asked for, and what it complained about on its console."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self._socket = socket
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()

    async def read(self) -> None:
        """Take what the browser tells, until it closes."""
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" in said:
                self._answers[said["id"]].set_result(said)
                continue
            about = said["params"]
            if said["method"] in COMPLAINTS:
                self.complaints.append(json.dumps(about))
            elif said["method"] == "Runtime.consoleAPICalled" and about["type"] == "error":
                self.complaints.append(json.dumps(about["args"]))
            elif said["method"] == "Network.requestWillBeSent":
                self.asked.append(about["request"]["url"])
            elif said["method"] == "Page.loadEventFired":
                self._loaded.set()

    async def do(self, method: str, **parameters: object) -> dict[str, Any]:
        """Return what a command answers."""
        number = len(self._answers) + 1
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        answer = await asyncio.wait_for(self._answers[number], SECONDS)
        assert "error" not in answer, answer
        return dict(answer["result"])

    async def open(self, address: str) -> None:
        """Load a page to its end."""
        self._loaded.clear()
        await self.do("Page.navigate", url=address)
        await asyncio.wait_for(self._loaded.wait(), SECONDS)

    async def value(self, expression: str) -> Any:  # noqa: ANN401 - whatever the page has
        """Return the value of a JavaScript expression, awaited."""
        found = await self.do(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")


@asynccontextmanager
async def tab(profile: Path) -> AsyncIterator[Tab]:
    """Yield an empty tab of a browser of its own, which keeps its files in ``profile``."""
    assert CHROMIUM is not None
    browser = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *QUIET,
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert browser.stderr is not None
        async with asyncio.timeout(SECONDS):
            while b"DevTools listening on" not in (line := await browser.stderr.readline()):
                assert line, "Chromium ended"
        root = line.decode().split()[-1].partition("/devtools")[0].replace("ws:", "http:")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{root}/json/list") as answer:
                (page,) = [one for one in await answer.json() if one["type"] == "page"]
            address = page["webSocketDebuggerUrl"]
            async with session.ws_connect(address, max_msg_size=0) as socket:
                one = Tab(socket)
                reading = asyncio.create_task(one.read())
                for domain in ("Page", "Runtime", "Log", "Network"):
                    await one.do(f"{domain}.enable")
                yield one
            await reading
    finally:
        browser.kill()
        await browser.communicate()
