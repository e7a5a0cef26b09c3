"""The service as its clients see it: real answers, degraded ones, and none of the server's."""

import asyncio
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mcp import StdioServerParameters

import workload
from perfkit import runtime
from perfkit.runtime import failpoints
from perfkit.runtime.mcp_connection import Reconnecting, over_http
from workload import pipeline
from workload.client import Client
from workload.degrading import LEXICON, Answers
from workload.lecture import synthetic_lecture
from workload.service import HEADER, build_service
from workload.session import Session, ToolFailedError

PACKAGE = Path(workload.__file__).parents[1]
MISSPELT = "अर्जुनः उवाचः धर्मक्षेत्रे कुरूक्षेत्रे"
WORDS = "धर्मक्षेत्रे कुरुक्षेत्रे"


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, **more}


@contextmanager
def serving(**more: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Hold a service, and yield its address and its process."""
    command = [sys.executable, "-m", "workload.service"]
    with subprocess.Popen(
        command, env=environment(**more), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving() as (found, _):
        yield found


def ask(url: str, path: str, body: str | None = None) -> tuple[int, dict[str, object], str | None]:
    """Return the status, the JSON and the header of a plain answer."""
    data = None if body is None else body.encode()
    try:
        with urllib.request.urlopen(f"{url}{path}", data=data, timeout=30) as answer:  # noqa: S310 - http
            return answer.status, json.load(answer), answer.headers.get(HEADER)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error), error.headers.get(HEADER)


def test_plain_answers_are_those_of_the_functions(url: str) -> None:
    lecture = synthetic_lecture()
    first, done = pipeline.run_cue(), pipeline.run_lecture()
    wanted = {"text": first.text, "corrections": first.corrections}
    assert ask(url, "/cue", lecture.first_cue) == (200, wanted, None)
    status, whole, degraded = ask(url, "/transcript", lecture.srt)
    assert (status, whole["digest"], degraded) == (200, done.digest, None)
    status, refused, _ = ask(url, "/transcript", "x")
    assert (status, str(refused["error"])[:8]) == (400, "line 1: ")
    assert ask(url, "/health") == (200, {"live": True, "ready": True}, None)


def test_mcp_over_http_and_stdio_answers_the_same(url: str) -> None:
    lecture = synthetic_lecture()
    first = pipeline.run_cue()

    async def over_http_call() -> object:
        async with Reconnecting(over_http(f"{url}/mcp")) as connection:
            found = await connection.call_tool("process_cue", {"text": lecture.first_cue})
            return found.structured_content

    wanted = {"text": first.text, "corrections": first.corrections}
    assert asyncio.run(over_http_call()) == wanted
    stdio = StdioServerParameters(
        command=sys.executable, args=["-m", "workload.service", "--stdio"], env=environment()
    )
    with Session(stdio) as session:
        assert session.call("process_cue", text=lecture.first_cue) == wanted
        with pytest.raises(ToolFailedError, match="line 1: found 'x'"):
            session.call("process_transcript", srt="x")


def test_without_its_lexicon_the_service_romanises_and_says_so(tmp_path: Path) -> None:
    lexicon = tmp_path / "words.txt"
    with serving(WORKLOAD_LEXICON=str(lexicon)) as (url, _):
        status, found, degraded = ask(url, "/cue", MISSPELT)
        assert (status, degraded, found["degraded"]) == (200, "lexicon", "lexicon")
        assert (found["corrections"], "kurūkṣetre" in str(found["text"])) == (0, True)
        status, whole, degraded = ask(url, "/transcript", synthetic_lecture().srt)
        assert (status, degraded, whole["corrections"], whole["cues"]) == (200, "lexicon", 0, 400)
        lexicon.write_text(WORDS, "utf-8")  # and it is back, in the running service
        status, found, degraded = ask(url, "/cue", MISSPELT)
        assert (status, degraded, found["corrections"]) == (200, None, 1)
        assert "kurukṣetre" in str(found["text"])


@pytest.fixture
def armed(monkeypatch: pytest.MonkeyPatch) -> None:
    points = failpoints.Armed(failpoints.parse_failpoints(f"{LEXICON}: error count=2"))
    monkeypatch.setattr(failpoints, "_armed", points)


@pytest.mark.usefixtures("armed")
def test_degraded_answers_are_marked_in_results_and_never_kept() -> None:
    with Session(build_service(Answers())) as session:
        lacking = session.call("process_cue", text=MISSPELT)
        assert lacking["degraded"] == "lexicon"
        assert lacking["corrections"] == 0
        assert session.call("process_transcript", srt=synthetic_lecture().srt)["corrections"] == 0
        real = session.call("process_cue", text=MISSPELT)
        assert "degraded" not in real
        assert real["corrections"] > 0
        with pytest.raises(ToolFailedError, match="line 1"):
            session.call("process_transcript", srt="x")


def test_answers_count_as_what_they_are(tmp_path: Path) -> None:
    done = []

    def around(tool: runtime.Degraded[object]) -> object:
        done.append(tool)
        return tool

    answers = Answers(tmp_path / "gone.txt", around)  # type: ignore[arg-type]
    assert len(done) == 2
    lacking = answers.cue("om")
    assert isinstance(lacking, runtime.Degraded), "what track counts as degraded"
    assert re.match("om", lacking.value.text)


def test_a_guarded_client_goes_on_without_the_server() -> None:
    async def whole() -> None:
        with serving() as (url, process):
            connection = Reconnecting(over_http(f"{url}/mcp"))
            guarded, plain = Client(connection, guarded=True), Client(connection, guarded=False)
            real = await plain.cue(MISSPELT)
            assert await guarded.cue(MISSPELT) == real
            process.kill()
            process.wait()
            with pytest.raises(ConnectionError):
                await plain.cue(MISSPELT)
            for _ in range(8):  # refused by the breaker at the end
                local = await guarded.cue(MISSPELT)
                assert isinstance(local, runtime.Degraded)
                assert local.value == real
            assert local.reason == "breaker_refused"
            await connection.close()

    asyncio.run(whole())


def test_what_the_service_lacks_is_degraded_for_the_client_too(tmp_path: Path) -> None:
    async def whole() -> None:
        with serving(WORKLOAD_LEXICON=str(tmp_path / "gone")) as (url, _):
            async with Reconnecting(over_http(f"{url}/mcp")) as connection:
                found = await Client(connection, guarded=True).cue(MISSPELT)
                assert isinstance(found, runtime.Degraded)
                assert (found.reason, found.value["corrections"]) == ("lexicon", 0)

    asyncio.run(whole())


def test_the_package_is_importable_without_perfkit() -> None:
    program = (
        "import sys; sys.modules['perfkit'] = None\n"
        "import workload.server, workload.service, workload.degrading"
    )
    subprocess.run([sys.executable, "-c", program], env=environment(), check=True)
