import sys
from collections.abc import Callable

import pytest
from mcp import StdioServerParameters

from workload import pipeline
from workload.lecture import synthetic_lecture
from workload.session import Session, ToolFailedError, in_memory, over_stdio


@pytest.mark.parametrize("connect", [in_memory, over_stdio])
def test_both_tools_answer_as_the_functions_do(connect: Callable[[], Session]) -> None:
    lecture = synthetic_lecture()
    with connect() as session:
        reply = session.call("process_transcript", srt=lecture.srt)
        cue = session.call("process_cue", text=lecture.first_cue)
    done = pipeline.run_lecture()
    assert reply == {
        "text": done.text,
        "cues": done.cues,
        "corrections": done.corrections,
        "digest": done.digest,
    }
    first = pipeline.run_cue()
    assert cue == {"text": first.text, "corrections": first.corrections}


@pytest.mark.parametrize("connect", [in_memory, over_stdio])
def test_bad_subtitles_are_refused_and_the_session_goes_on(connect: Callable[[], Session]) -> None:
    with connect() as session:
        with pytest.raises(ToolFailedError, match="line 1: found 'x', wanted the number of a cue"):
            session.call("process_transcript", srt="x")
        assert session.call("process_cue", text="om") == {"text": "om", "corrections": 0}


def test_a_missing_argument_is_refused() -> None:
    with in_memory() as session, pytest.raises(ToolFailedError, match="text"):
        session.call("process_cue")


def test_a_server_that_cannot_be_started_raises() -> None:
    with pytest.raises(FileNotFoundError):
        Session(StdioServerParameters(command="/nonexistent/server"))


def test_a_process_that_is_no_server_raises() -> None:
    with pytest.raises(ExceptionGroup):
        Session(StdioServerParameters(command=sys.executable, args=["-c", "pass"]))
