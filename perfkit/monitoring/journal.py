"""Messages that wait for their delivery, in a file that survives a kill.

One JSON object a line: a message with its number, or the number of one that was delivered. A
message is in the file and synced before it is sent, and its number after it was accepted, so that
a kill at any moment can repeat a message and not lose it. What could not be written, since the disk
was full, is written with the next line that can be.
"""

import fcntl
import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import RLock
from typing import Any, Final

from perfkit.durable import write_whole
from perfkit.errors import MeasurementError, UsageError
from perfkit.monitoring.routing import Message, Told
from perfkit.state import make_folder

SCHEMA: Final = 1
"""Version of the lines; a file of another version is refused."""


class Journal:
    """The file, open and locked until :meth:`close`; ``pending`` are the undelivered messages.

    Threads may use it at the same time.

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
        self._guard = RLock()
        self._closed = self._broken = False
        self._unwritten: set[int] = set()
        """Pending messages that are not in the file."""
        self._unnoted: set[int] = set()
        """Delivered messages that are pending in the file."""
        self._size = 0
        """Bytes of the file up to its last whole line."""
        try:
            make_folder(path.parent)
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
        with self._guard:
            self._closed = True
            os.close(self._file)
            os.close(self._lock)

    def add(self, message: Message) -> int:
        """Append a message, synced, and return its number."""
        with self._guard:
            number = self._next
            self._next += 1
            self.pending[number] = message
            self._unwritten.add(number)
            self._write()
            return number

    def delivered(self, number: int) -> None:
        """Note that a message was accepted, or dropped."""
        with self._guard:
            del self.pending[number]
            if number in self._unwritten:
                self._unwritten.remove(number)
            else:
                self._unnoted.add(number)
                self._write()

    def waiting(self) -> list[tuple[int, Message]]:
        """Return the undelivered messages with their numbers, oldest first."""
        with self._guard:
            return list(self.pending.items())

    def first(self, receiver: str) -> tuple[int, Message] | None:
        """Return the oldest undelivered message for a receiver."""
        return next((one for one in self.waiting() if one[1].receiver == receiver), None)

    def take_notes(self) -> list[str]:
        """Return the notes, and forget them."""
        with self._guard:
            notes, self.notes = self.notes, []
            return notes

    def _open(self) -> None:
        try:
            text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        except (OSError, UnicodeDecodeError) as error:
            raise MeasurementError(_cannot(self.path, error)) from error
        messages = dict(self._read(text))
        self._next = max(messages, default=0) + 1
        self.history = list(messages.values())
        kept = {**_last_of_groups(messages), **self.pending}
        head = json.dumps({"schema": SCHEMA}) + "\n"
        write_whole(self.path, head + _lines(kept, kept.keys() - self.pending.keys()))
        try:
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND)
            self._size = os.fstat(self._file).st_size
        except OSError as error:
            raise MeasurementError(_cannot(self.path, error)) from error

    def _read(self, text: str) -> Iterator[tuple[int, Message]]:
        broken = 0
        for line in filter(None, text.split("\n")):
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

    def _write(self) -> None:
        """Write what the file does not know yet; where that fails, go on and say so once."""
        if self._closed:
            return
        text = _lines({n: self.pending[n] for n in sorted(self._unwritten)}, self._unnoted)
        try:
            self._append(text.encode())
        except OSError as error:
            with suppress(OSError):  # then the next line begins on a line of its own
                os.ftruncate(self._file, self._size)
            if not self._broken:
                self._broken = True
                self.notes.append(
                    f"{self.path}: cannot be written ({error.strerror}); messages are still sent, "
                    "but what is undelivered when this process ends is lost, unless it can be "
                    "written before"
                )
        else:
            self._unwritten.clear()
            self._unnoted.clear()
            self._broken = False

    def _append(self, data: bytes) -> None:
        """Append whole lines, synced; a disk that fills up takes the first bytes of them only."""
        found = os.fstat(self._file).st_size
        left = memoryview(data if found == self._size else b"\n" + data)
        whole = found + len(left)
        while left:
            left = left[os.write(self._file, left) :]
        os.fsync(self._file)
        self._size = whole


def _lines(messages: Mapping[int, Message], delivered: Collection[int]) -> str:
    entries: list[dict[str, Any]] = [
        {"number": number, "message": asdict(message)}
        for number, message in sorted(messages.items())
    ]
    entries += [{"delivered": number} for number in sorted(delivered)]
    return "".join(f"{json.dumps(entry)}\n" for entry in entries)


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
