"""Receivers that hang: they hold up neither the evaluation nor the others, and lose nothing."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Queue

import pytest
from production_settings import settings

from perfkit.__main__ import run
from perfkit.config.alerting import Receiver
from perfkit.monitoring import delivery as delivering
from perfkit.monitoring.counters import CounterTelemetry
from perfkit.monitoring.delivery import Delivery, DeliveryError, senders
from perfkit.monitoring.journal import Journal
from perfkit.monitoring.posting import post
from perfkit.monitoring.routing import Message, Router, Told
from perfkit.monitoring.rules import rules_of
from perfkit.monitoring.states import Evaluator
from perfkit.monitoring.watch import watch
from perfkit.runtime.store import Store

TOLD = Told("0" * 16, {"alertname": "A", "component": "shop"}, {"summary": "it fails"}, 0.0, None)
HEAD = b"HTTP/1.1 200 OK\r\n"
SILENT = {"name": "Silent", "kind": "no-data", "component": "shop", "window": "1min"}


def _message(number: int, receiver: str) -> Message:
    return Message(receiver, {"component": f"shop {number}"}, (TOLD,), float(number))


class Hanging:
    """A server on loopback that answers with ``begins``, then with ``drop`` again and again."""

    def __init__(self, begins: bytes, drop: bytes) -> None:
        self.answer, self.drop = begins, drop
        self.asked: Queue[bytes] = Queue()
        self.left: Queue[bool] = Queue()
        """Connections that the other side ended."""
        self.ended = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connected, _ = self.listener.accept()
                thread = threading.Thread(target=self._answer, args=(connected,))
                self.threads.append(thread)
                thread.start()

    def _answer(self, connected: socket.socket) -> None:
        with connected, suppress(OSError):
            self.asked.put(connected.recv(65536))
            connected.sendall(self.answer)
            while not self.ended.wait(0.01):
                connected.sendall(self.drop)
                connected.settimeout(0.01)
                with suppress(TimeoutError):
                    if not connected.recv(65536):
                        break
        self.left.put(not self.ended.is_set())

    def close(self) -> None:
        self.ended.set()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join()


@contextmanager
def hanging(begins: bytes = b"", drop: bytes = b"") -> Iterator[Hanging]:
    server = Hanging(begins, drop)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def _journal(path: Path) -> Iterator[Journal]:
    journal = Journal(path)
    try:
        yield journal
    finally:
        journal.close()


class Threads:
    """Threads that a test waits for."""

    def __init__(self) -> None:
        self.begun: list[threading.Thread] = []

    def __call__(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        self.begun.append(thread)
        thread.start()

    def join(self) -> None:
        for thread in self.begun:
            thread.join()


class Slow:
    """A receiver that accepts nothing until it may."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.asked = threading.Event()
        self.accepted: list[float] = []

    def __call__(self, message: Message) -> None:
        self.asked.set()
        self.may.wait()
        self.accepted.append(message.at)


@pytest.mark.parametrize(
    ("begins", "drop"),
    [(b"", b""), (b"", b"H"), (b"HTTP/1.1", b" "), (b"HTTP/1.1 100 Continue\r\n\r\n" * 2, b"")],
    ids=["never answers", "drips what is not HTTP", "drips its status", "goes on and on"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_try_ends_after_its_time_also_where_bytes_keep_coming(
    begins: bytes, drop: bytes, scheme: str
) -> None:
    with hanging(begins, drop) as server:
        # With TLS, what is no handshake fails at once; silence takes as long as it may.
        wanted = TimeoutError if scheme == "http" or not begins + drop else OSError
        with pytest.raises(wanted):
            post(f"{scheme}://127.0.0.1:{server.port}/", b"{}", seconds=0.2)
        assert server.left.get(), "the connection is ended, not left behind"


@pytest.mark.parametrize(
    ("begins", "drop"),
    [(HEAD + b"Content-Length: 100000\r\n\r\n", b"x"), (HEAD + b"\r\n", b""), (HEAD, b"A")],
    ids=["drips its body", "never ends its body", "drips its headers"],
)
def test_a_status_is_enough_however_slowly_the_rest_comes(begins: bytes, drop: bytes) -> None:
    with hanging(begins, drop) as server:
        assert post(server.url, b'{"a": 1}', seconds=0.2) == 200
        assert server.asked.get().startswith(b"POST / HTTP/1.1\r\n")
        assert server.left.get()


def test_one_that_never_answers_holds_up_neither_steps_nor_others(tmp_path: Path) -> None:
    """Through the loop of `alerts watch`: ten steps while one receiver hangs all the time."""
    others: Queue[float] = Queue()
    ran = 0.0

    def sleep(seconds: float) -> None:
        nonlocal ran
        ran += seconds

    with hanging() as server, _journal(tmp_path / "journal") as journal:
        receivers = [{"name": "hangs", "kind": "webhook", "url": server.url}]
        receivers += [{"name": "other", "kind": "file", "path": "unused"}]
        given = settings(
            tmp_path / "c",
            SILENT,
            notification={"receivers": receivers, "group_interval": "1s", "repeat_interval": "5s"},
        )
        reached = senders(given.monitoring.notification.receivers[:1], environ={})
        delivery = Delivery(journal, {**reached, "other": lambda message: others.put(message.at)})
        found = list(
            watch(
                Evaluator(rules_of(given), interval=1.0),
                CounterTelemetry(),
                Router(given.monitoring),
                delivery,
                until=9.0,
                clock=lambda: ran,
                monotonic=lambda: ran,
                sleep=sleep,
            )
        )
        assert len(found) == 10
        assert server.asked.get(), "it was asked, and still hangs"
        assert [others.get(), others.get()] == [0.0, 5.0]
        notes = delivery.finish(ran, seconds=0)
        assert "hangs: still does not answer; what waits for it stays in the journal" in notes
    with _journal(tmp_path / "journal") as journal:
        assert [(m.receiver, m.at) for m in journal.pending.values()] == [
            ("hangs", 0.0),
            ("hangs", 5.0),
        ]


def test_a_file_that_cannot_be_opened_in_time_holds_up_no_other(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    threads, told = Threads(), threading.Event()
    receivers = [Receiver(name="pipe", kind="file", path=str(tmp_path / "pipe"))]
    with _journal(tmp_path / "journal") as journal:
        for name in ("pipe", "other"):
            journal.add(_message(1, name))
        reached = senders(receivers, environ={})
        delivery = Delivery(journal, {**reached, "other": lambda _: told.set()}, threads)
        delivery.step(0.0)
        told.wait()
        assert journal.first("pipe") is not None
        with (tmp_path / "pipe").open() as reader:
            assert "it fails" in reader.read()
        threads.join()


def test_messages_of_a_receiver_stay_in_order_while_it_is_slow(tmp_path: Path) -> None:
    slow, threads = Slow(), Threads()
    with _journal(tmp_path / "journal") as journal:
        delivery = Delivery(journal, {"slow": slow}, threads)
        for number in range(5):
            journal.add(_message(number, "slow"))
            delivery.step(float(number))
            slow.asked.wait()
        assert len(threads.begun) == 1, "one try at a time"
        slow.may.set()
        assert delivery.finish(5.0) == []
        assert slow.accepted == [0, 1, 2, 3, 4]
        assert journal.pending == {}
    threads.join()


def test_the_end_begins_nothing_more_and_repeats_what_was_not_answered(tmp_path: Path) -> None:
    slow, threads = Slow(), Threads()
    with _journal(tmp_path / "journal") as journal:
        delivery = Delivery(journal, {"slow": slow}, threads)
        for number in range(2):
            journal.add(_message(number, "slow"))
        delivery.step(0.0)
        slow.asked.wait()
        delivery.finish(0.0, seconds=0)
    text = (tmp_path / "journal").read_text()
    slow.may.set()
    threads.join()
    assert slow.accepted == [0], "the second one was not begun any more"
    assert (tmp_path / "journal").read_text() == text, "nobody writes to a journal that is closed"
    with _journal(tmp_path / "journal") as journal:
        assert [message.at for message in journal.pending.values()] == [0, 1]


def test_what_is_just_sent_is_not_dropped_for_want_of_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "MOST_WAITING", 2)
    slow, threads = Slow(), Threads()
    with _journal(tmp_path / "journal") as journal:
        delivery = Delivery(journal, {"slow": slow}, threads)
        journal.add(_message(0, "slow"))
        delivery.step(0.0)
        slow.asked.wait()
        for number in range(1, 5):
            journal.add(_message(number, "slow"))
        assert delivery.step(1.0) == ["slow: 2 oldest messages dropped, 2 wait"]
        slow.may.set()
        delivery.finish(1.0)
        assert slow.accepted == [0, 3, 4]
    threads.join()


def test_a_failure_is_told_by_the_step_that_learns_of_it(tmp_path: Path) -> None:
    def refuse(message: Message) -> None:
        raise DeliveryError(f"refuses {message.at:g}")

    begun: list[Callable[[], None]] = []
    with _journal(tmp_path / "journal") as journal:
        journal.add(_message(0, "hook"))
        delivery = Delivery(journal, {"hook": refuse}, begun.append)
        assert delivery.step(10.0) == []
        begun.pop()()
        assert delivery.step(20.0) == ["hook: refuses 0; the next try is in 1 s"]
        assert delivery.step(20.5) == []
        assert begun == [], "it is not due"
        assert delivery.step(21.0) == []
        assert len(begun) == 1


def test_a_mistake_of_ours_in_a_thread_is_not_swallowed(tmp_path: Path) -> None:
    def wrong(message: Message) -> None:
        raise ZeroDivisionError(message)

    begun: list[Callable[[], None]] = []
    with _journal(tmp_path / "journal") as journal:
        journal.add(_message(0, "hook"))
        delivery = Delivery(journal, {"hook": wrong}, begun.append)
        delivery.step(0.0)
        begun.pop()()
        with pytest.raises(ZeroDivisionError):
            delivery.step(1.0)


def test_watch_ends_in_time_with_a_receiver_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(delivering, "TIMEOUT", 0.2)
    with Store("t.sqlite"), hanging(b"HTTP/1.1 ", b" ") as server:
        receivers = [
            {"name": "hangs", "kind": "webhook", "url": server.url},
            {"name": "diary", "kind": "file", "path": "diary"},
        ]
        settings(tmp_path / "c", SILENT, notification={"receivers": receivers, "journal": "j"})
        words = ["--config", "c", "alerts", "watch", "--store", "t.sqlite", "--for", "0s"]
        assert run([*words, "--json"]) == 1
        assert Path("diary").read_text().count("FIRING") == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["undelivered"] == 1
    assert "hangs: did not answer in 0.2 s; the next try is in 1 s" in said.err
