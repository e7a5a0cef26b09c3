"""Messages that wait for their delivery, in a file that survives a kill.

One JSON object a line: a message with its number, or the number of one that was delivered. A
message is in the file and synced before it is sent, and its number after it was accepted, so that
a kill at any moment can repeat a message and not lose it.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from perfkit.durable import write_whole
from perfkit.errors import MeasurementError, UsageError
from perfkit.monitoring.routing import Message, Told

SCHEMA: Final = 1
"""Version of the lines; a file of another version is refused."""


class Journal:
    """The file, open and locked until :meth:`close`; ``pending`` are the undelivered messages.

    Raises:
        MeasurementError: the file cannot be read or written, or is of a newer version.
        UsageError: another process delivers from it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        """What is worth telling: broken lines, a file that can no longer be written."""
        self.history: list[Message] = []
        """Every message in the file, oldest first."""
        self.pending: dict[int, Message] = {}
        self._next = 1
        self._broken = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise MeasurementError(_cannot(path, error)) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise UsageError(
                f"{path}: another process delivers from it; end that one, or name another journal "
                "(notification.journal)."
            ) from error
        try:
            self._open()
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Release the file; what is pending stays in it."""
        os.close(self._file)
        os.close(self._lock)

    def add(self, message: Message) -> int:
        """Append a message, synced, and return its number."""
        number = self._next
        self._next += 1
        self.pending[number] = message
        self._append({"number": number, "message": asdict(message)})
        return number

    def delivered(self, number: int) -> None:
        """Note that a message was accepted."""
        del self.pending[number]
        self._append({"delivered": number})

    def _open(self) -> None:
        try:
            text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        except (OSError, UnicodeDecodeError) as error:
            raise MeasurementError(_cannot(self.path, error)) from error
        messages = dict(self._read(text))
        self._next = max(messages, default=0) + 1
        self.history = list(messages.values())
        kept = {**_last_of_groups(messages), **self.pending}
        lines = [
            json.dumps({"number": number, "message": asdict(message)})
            for number, message in sorted(kept.items())
        ]
        lines += [json.dumps({"delivered": n}) for n in sorted(kept) if n not in self.pending]
        head = json.dumps({"schema": SCHEMA})
        write_whole(self.path, "".join(f"{line}\n" for line in [head, *lines]))
        try:
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        except OSError as error:
            raise MeasurementError(_cannot(self.path, error)) from error

    def _read(self, text: str) -> Iterator[tuple[int, Message]]:
        broken = 0
        for line in text.splitlines():
            try:
                entry = json.loads(line)
                if (version := entry.get("schema", SCHEMA)) != SCHEMA:
                    raise MeasurementError(
                        f"{self.path}: found version {version}, wanted {SCHEMA}; a newer perfkit "
                        "wrote it: use that one, or name another journal (notification.journal)."
                    )
                if "delivered" in entry:
                    self.pending.pop(int(entry["delivered"]), None)
                elif "message" in entry:
                    number, message = int(entry["number"]), _message(entry["message"])
                    self.pending[number] = message
                    yield number, message
            except (ValueError, TypeError, KeyError, AttributeError):
                broken += 1
        if broken:
            self.notes.append(
                f"{self.path}: {broken} broken lines were left out; the last one may be a message "
                "that a kill cut off before it was due"
            )

    def _append(self, entry: Mapping[str, Any]) -> None:
        """Write one line; where that fails, go on without the file and say so once."""
        try:
            os.write(self._file, (json.dumps(entry) + "\n").encode())
            os.fsync(self._file)
        except OSError as error:
            if not self._broken:
                self._broken = True
                self.notes.append(
                    f"{self.path}: cannot be written ({error.strerror}); messages are still sent, "
                    "but what is undelivered when this process ends is lost"
                )
        else:
            self._broken = False


def _last_of_groups(messages: Mapping[int, Message]) -> dict[int, Message]:
    """The last message of every receiver's group that still fired, to know what was told."""
    last: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
    for number, message in messages.items():
        last[message.receiver, tuple(sorted(message.group.items()))] = number
    return {number: messages[number] for number in last.values() if messages[number].firing}


def _message(values: Mapping[str, Any]) -> Message:
    return Message(
        receiver=values["receiver"],
        group=dict(values["group"]),
        alerts=tuple(Told(**alert) for alert in values["alerts"]),
        at=float(values["at"]),
    )


def _cannot(path: Path, error: Exception) -> str:
    reason = getattr(error, "strerror", None) or error
    return (
        f"{path}: cannot be used as the journal ({reason}); make its folder writable, or name "
        "another one (notification.journal)."
    )
