"""Delivering messages: at least once, in order for every receiver, retried until accepted.

Each receiver that something waits for is told from a thread of its own, so that one that hangs
holds up neither the evaluation of rules nor what the others are told.
"""

import http.client
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from perfkit.config.alerting import Receiver
from perfkit.errors import ConfigError
from perfkit.monitoring.journal import Journal
from perfkit.monitoring.payloads import lines, slack, webhook
from perfkit.monitoring.posting import post
from perfkit.monitoring.routing import Message
from perfkit.state import make_folder

FIRST_RETRY: Final = 1.0
"""Seconds; doubled with every failure."""
LONGEST_RETRY: Final = 60.0
MOST_WAITING: Final = 1000
"""Messages that wait for one receiver; beyond, the oldest are dropped and counted."""
TIMEOUT: Final = 10.0
"""Seconds that a try takes at most: to connect, to send and to be answered."""
ENDING_SECONDS: Final = TIMEOUT + 1.0
"""How long the end waits for tries that have begun; only what no timeout reaches takes longer."""


class DeliveryError(Exception):
    """A receiver did not accept a message; the text says why."""


class Send(Protocol):
    """Hands a message to a receiver."""

    def __call__(self, message: Message) -> None:
        """Return once it is accepted, or raise DeliveryError."""
        ...


Begin = Callable[[Callable[[], None]], object]
"""Has some work done, now or beside what follows."""


def in_a_thread(work: Callable[[], None]) -> None:
    """Do it in a thread that the end of the process does not wait for."""
    threading.Thread(target=work, name="delivery", daemon=True).start()


@dataclass(slots=True)
class _Receiver:
    send: Send
    trying: int | None = None
    """Number of the message that is just sent."""
    busy: bool = False
    """Whether its thread runs."""
    failed: str = ""
    """Why the last try failed, until the next step knows."""
    failures: int = 0
    next_try: float = 0.0


@dataclass(slots=True)
class Delivery:
    """Sends what waits in the journal; the time is an argument."""

    journal: Journal
    senders: Mapping[str, Send]
    begin: Begin = in_a_thread
    _receivers: dict[str, _Receiver] = field(init=False)
    _changed: threading.Condition = field(init=False, default_factory=threading.Condition)
    """Guards what follows and the receivers; notified when a receiver's thread has ended."""
    _notes: list[str] = field(init=False, default_factory=list)
    _ended: bool = field(init=False, default=False)
    _bug: Exception | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Take the receivers."""
        self._receivers = {name: _Receiver(send) for name, send in self.senders.items()}

    def step(self, at: float) -> list[str]:
        """Begin what is due at ``at`` (seconds of a clock that only goes on).

        Returns what to tell of what ended since the last step; waits for nothing.
        """
        due = []
        with self._changed:
            self._settle(at)
            self._forget()
            for name in dict.fromkeys(one.receiver for _, one in self.journal.waiting()):
                receiver = self._receivers.get(name)
                if receiver is None:
                    self._drop(name)
                elif not receiver.busy and at >= receiver.next_try:
                    receiver.busy = True
                    due.append((name, receiver))
        for name, receiver in due:
            self.begin(lambda name=name, receiver=receiver: self._work(name, receiver))  # type: ignore[misc]  # bound now
        with self._changed:
            self._settle(at)
            return self._told()

    def finish(self, at: float, *, seconds: float = ENDING_SECONDS) -> list[str]:
        """Wait for what is being sent, at most so long, and begin nothing more.

        What is undelivered then stays in the journal. Returns what to tell.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._busy(), timeout=seconds)
            self._ended = True
            self._settle(at)
            self._notes += [
                f"{name}: still does not answer; what waits for it stays in the journal"
                for name in self._busy()
            ]
            return self._told()

    def _work(self, name: str, receiver: _Receiver) -> None:
        """Send what waits for a receiver, oldest first, until one is not accepted."""
        while True:
            with self._changed:
                found = None if self._ended else self.journal.first(name)
                if found is None:
                    receiver.busy, receiver.trying = False, None
                    self._changed.notify_all()
                    return
                receiver.trying, message = found
            try:
                receiver.send(message)
            except DeliveryError as error:
                with self._changed:
                    receiver.failed, receiver.busy, receiver.trying = str(error), False, None
                    self._changed.notify_all()
                return
            except Exception as error:  # noqa: BLE001  # raised again by the next step
                with self._changed:
                    self._bug, receiver.busy = error, False
                    self._changed.notify_all()
                return
            with self._changed:
                self.journal.delivered(found[0])
                if receiver.failures:
                    self._notes.append(f"{name}: accepts messages again")
                receiver.failures = 0

    def _settle(self, at: float) -> None:
        """Say when receivers that failed are tried again."""
        if self._bug is not None:
            raise self._bug
        for name, receiver in self._receivers.items():
            if receiver.failed:
                wait = min(FIRST_RETRY * 2.0**receiver.failures, LONGEST_RETRY)
                receiver.failures = min(receiver.failures + 1, 30)
                receiver.next_try = at + wait
                self._notes.append(f"{name}: {receiver.failed}; the next try is in {wait:g} s")
                receiver.failed = ""

    def _told(self) -> list[str]:
        notes, self._notes = self._notes, []
        return [*self.journal.take_notes(), *notes]

    def _busy(self) -> list[str]:
        return [name for name, receiver in self._receivers.items() if receiver.busy]

    def _drop(self, name: str) -> None:
        for number, message in self.journal.waiting():
            if message.receiver == name:
                self.journal.delivered(number)
                self._notes.append(f"{name}: no such receiver any more; a message is dropped")

    def _forget(self) -> None:
        """Drop the oldest messages of receivers for which too many wait."""
        waiting: dict[str, list[int]] = {}
        trying = {receiver.trying for receiver in self._receivers.values()}
        for number, message in self.journal.waiting():
            if number not in trying:
                waiting.setdefault(message.receiver, []).append(number)
        for name, numbers in waiting.items():
            if extra := numbers[: max(0, len(numbers) - MOST_WAITING)]:
                for number in extra:
                    self.journal.delivered(number)
                self._notes.append(
                    f"{name}: {len(extra)} oldest messages dropped, {MOST_WAITING} wait"
                )


def senders(
    receivers: Sequence[Receiver],
    *,
    environ: Mapping[str, str],
    write: Callable[[str], object] = sys.stderr.write,
) -> dict[str, Send]:
    """Return how to reach each receiver.

    Raises:
        ConfigError: an address is to come from a variable that is not set, or is none.
    """
    found: dict[str, Send] = {}
    for receiver in receivers:
        match receiver.kind:
            case "stderr":
                found[receiver.name] = _to_stream(write)
            case "file":
                found[receiver.name] = _to_file(Path(receiver.path or ""))
            case "webhook" | "slack":
                url = _address(receiver, environ)
                found[receiver.name] = _to_url(url, slack_form=receiver.kind == "slack")
    return found


def _address(receiver: Receiver, environ: Mapping[str, str]) -> str:
    if receiver.url is not None:
        return receiver.url
    name = receiver.url_env or ""
    url = environ.get(name, "")
    if not url.startswith(("http://", "https://")):
        found = "an address that starts with neither http:// nor https://" if url else "nothing"
        raise ConfigError(
            f"environment {name}: found {found}, wanted the address of receiver {receiver.name!r}"
        )
    return url


def _to_stream(write: Callable[[str], object]) -> Send:
    def send(message: Message) -> None:
        write("".join(f"{line}\n" for line in lines(message)))

    return send


def _to_file(path: Path) -> Send:
    def send(message: Message) -> None:
        text = "".join(f"{line}\n" for line in lines(message))
        try:
            make_folder(path.parent)
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise DeliveryError(f"{path} cannot be written ({error.strerror})") from error

    return send


def _to_url(url: str, *, slack_form: bool) -> Send:
    def send(message: Message) -> None:
        body = slack(message) if slack_form else webhook(message)
        # The address may be a secret: it is not repeated in what is told, nor in a chain.
        try:
            status = post(url, json.dumps(body).encode(), seconds=TIMEOUT)
        except TimeoutError:
            raise DeliveryError(f"did not answer in {TIMEOUT:g} s") from None
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise DeliveryError(f"cannot be reached ({why})") from None
        except (http.client.HTTPException, ValueError) as error:
            raise DeliveryError(f"cannot be told ({type(error).__name__})") from None
        if not 200 <= status < 300:  # noqa: PLR2004  # success, in HTTP
            raise DeliveryError(f"answered {status}")

    return send
