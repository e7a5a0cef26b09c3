"""The same lecture through an MCP server: in memory, over stdio, and cue by cue."""

import atexit
import functools
from collections.abc import Callable

from workload.lecture import synthetic_lecture
from workload.session import Session, in_memory, over_stdio
from workload.subtitles import parse


@functools.cache
def _kept(connect: Callable[[], Session]) -> Session:
    """Return this process's one session of that kind, its server warm; it ends with the process.

    A server takes most of a second to start, and ``setup`` runs before every timed call.
    """
    session = connect()
    atexit.register(session.close)
    _transcript(session)
    return session


def _transcript(session: Session) -> str:
    reply = session.call("process_transcript", srt=synthetic_lecture().srt)
    return f"{reply['cues']} cues, {reply['corrections']} corrections, sha256 {reply['digest']}"


def _cue_by_cue(session: Session, texts: list[str]) -> str:
    corrections = sum(session.call("process_cue", text=text)["corrections"] for text in texts)
    return f"{len(texts)} cues, {corrections} corrections"


class InMemory:
    """One call with the whole transcript, server and client in this process."""

    number = 1
    repeat = (3, 12, 0.4)
    warmup_time = 0.1
    timeout = 30.0

    def setup(self) -> None:
        self.session = _kept(in_memory)

    def time_transcript(self) -> None:
        _transcript(self.session)

    def outcome(self) -> str:
        return _transcript(self.session)


class Stdio:
    """One call with the whole transcript, the server in a process of its own."""

    number = 1
    repeat = (3, 12, 0.4)
    warmup_time = 0.1
    timeout = 30.0

    def setup(self) -> None:
        self.session = _kept(over_stdio)

    def time_transcript(self) -> None:
        _transcript(self.session)

    def outcome(self) -> str:
        return _transcript(self.session)


class ChattyStdio:
    """One call per cue, 400 in all, to the same running server."""

    number = 1
    repeat = 2
    warmup_time = 0.0
    timeout = 60.0

    def setup(self) -> None:
        self.texts = [cue.text for cue in parse(synthetic_lecture().srt)]
        self.session = _kept(over_stdio)

    def time_lecture(self) -> None:
        _cue_by_cue(self.session, self.texts)

    def outcome(self) -> str:
        return _cue_by_cue(self.session, self.texts)


class FreshStdio:
    """A client that starts its server for one lecture, as MCP hosts do, and stops it after."""

    number = 1
    repeat = 1
    warmup_time = 0.0
    min_run_count = 1
    timeout = 60.0
    params = ("transcript", "cue by cue")
    param_names = ("call",)

    def setup(self, call: str) -> None:
        self.texts = [cue.text for cue in parse(synthetic_lecture().srt)]

    def time_lecture(self, call: str) -> None:
        self.outcome(call)

    def outcome(self, call: str) -> str:
        with over_stdio() as session:
            if call == "transcript":
                return _transcript(session)
            return _cue_by_cue(session, self.texts)
