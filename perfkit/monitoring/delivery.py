"""Delivering messages: at least once, in order for every receiver, retried until accepted."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from perfkit.config.alerting import Receiver
from perfkit.errors import ConfigError
from perfkit.monitoring.journal import Journal
from perfkit.monitoring.payloads import lines, slack, webhook
from perfkit.monitoring.routing import Message

FIRST_RETRY: Final = 1.0
"""Seconds; doubled with every failure."""
LONGEST_RETRY: Final = 60.0
MOST_WAITING: Final = 1000
"""Messages that wait for one receiver; beyond, the oldest are dropped and counted."""
TIMEOUT: Final = 10.0
"""Seconds that a receiver has to answer."""


class DeliveryError(Exception):
    """A receiver did not accept a message; the text says why."""


class Send(Protocol):
    """Hands a message to a receiver."""

    def __call__(self, message: Message) -> None:
        """Return once it is accepted, or raise DeliveryError."""
        ...


@dataclass(slots=True)
class _Receiver:
    send: Send
    failures: int = 0
    next_try: float = 0.0


class Delivery:
    """Sends what waits in the journal; the time is an argument."""

    def __init__(self, journal: Journal, senders: Mapping[str, Send]) -> None:
        self.journal = journal
        self._receivers = {name: _Receiver(send) for name, send in senders.items()}

    def step(self, at: float) -> list[str]:
        """Try what is due at ``at`` (seconds of a clock that only goes on); return what to tell."""
        notes = self._forget()
        for number, message in list(self.journal.pending.items()):
            receiver = self._receivers.get(message.receiver)
            if receiver is None:
                self.journal.delivered(number)
                notes.append(f"{message.receiver}: no such receiver any more; a message is dropped")
            elif at >= receiver.next_try:
                notes += self._try(number, message, receiver, at)
        told, self.journal.notes = self.journal.notes, []
        return [*told, *notes]

    def _try(self, number: int, message: Message, receiver: _Receiver, at: float) -> list[str]:
        try:
            receiver.send(message)
        except DeliveryError as error:
            wait = min(FIRST_RETRY * 2.0**receiver.failures, LONGEST_RETRY)
            receiver.failures = min(receiver.failures + 1, 30)
            receiver.next_try = at + wait
            return [f"{message.receiver}: {error}; the next try is in {wait:g} s"]
        self.journal.delivered(number)
        said = [f"{message.receiver}: accepts messages again"] if receiver.failures else []
        receiver.failures = 0
        return said

    def _forget(self) -> list[str]:
        """Drop the oldest messages of receivers for which too many wait."""
        waiting: dict[str, list[int]] = {}
        for number, message in self.journal.pending.items():
            waiting.setdefault(message.receiver, []).append(number)
        notes = []
        for name, numbers in waiting.items():
            if extra := numbers[: max(0, len(numbers) - MOST_WAITING)]:
                for number in extra:
                    self.journal.delivered(number)
                notes.append(f"{name}: {len(extra)} oldest messages dropped, {MOST_WAITING} wait")
        return notes


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
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise DeliveryError(f"{path} cannot be written ({error.strerror})") from error

    return send


def _to_url(url: str, *, slack_form: bool) -> Send:
    import urllib3

    pool = urllib3.PoolManager(retries=False, timeout=TIMEOUT)

    def send(message: Message) -> None:
        body = slack(message) if slack_form else webhook(message)
        # The address may be a secret: it is not repeated in what is told.
        try:
            answer = pool.request("POST", url, json=body, redirect=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise DeliveryError(f"cannot be reached ({type(error).__name__})") from error
        if not 200 <= answer.status < 300:  # noqa: PLR2004  # success, in HTTP
            raise DeliveryError(f"answered {answer.status}")

    return send
