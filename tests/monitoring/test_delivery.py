import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from webhook import Web, listening

from perfkit.config.alerting import Receiver
from perfkit.errors import ConfigError, MeasurementError, UsageError
from perfkit.monitoring import delivery as delivering
from perfkit.monitoring.delivery import Delivery, DeliveryError, senders
from perfkit.monitoring.journal import Journal
from perfkit.monitoring.routing import Message, Told

TOLD = Told("0" * 16, {"alertname": "A", "component": "shop"}, {"summary": "it fails"}, 0.0, None)


def _message(number: int = 0, receiver: str = "hook") -> Message:
    return Message(receiver, {"component": f"shop {number}"}, (TOLD,), float(number))


@pytest.fixture
def web() -> Iterator[Web]:
    with listening() as found:
        yield found


@contextmanager
def _journal(path: Path) -> Iterator[Journal]:
    journal = Journal(path)
    try:
        yield journal
    finally:
        journal.close()


def at_once(work: Callable[[], None]) -> None:
    """Deliver within the step, for tests of one thread."""
    work()


def _webhook(url: str) -> dict[str, delivering.Send]:
    return senders([Receiver(name="hook", kind="webhook", url=url)], environ={})


def test_a_webhook_that_is_down_for_an_hour_gets_every_message_in_order(
    tmp_path: Path, web: Web
) -> None:
    web.status = 503
    told = []
    with _journal(tmp_path / "journal") as journal:
        delivery = Delivery(journal, _webhook(web.url), at_once)
        for second in range(0, 3600, 15):
            if second % 300 == 0:
                journal.add(_message(second))
            told += delivery.step(float(second))
        assert web.bodies == []
        assert 60 <= web.tries <= 250, "tries get rarer, and do not stop"
        web.status = 200
        told += [note for second in (3600, 3700) for note in delivery.step(float(second))]
        assert journal.pending == {}
    found = [body["groupLabels"]["component"] for body in web.bodies]
    assert found == [f"shop {second}" for second in range(0, 3600, 300)]
    assert told[0] == "hook: answered 503; the next try is in 1 s"
    assert told[-1] == "hook: accepts messages again"


def test_messages_survive_a_kill_and_are_delivered_by_the_next(tmp_path: Path, web: Web) -> None:
    path = tmp_path / "journal"
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from perfkit.monitoring.journal import Journal\n"
        "from perfkit.monitoring.routing import Message, Told\n"
        "told = Told('0' * 16, {'alertname': 'A'}, {}, 0.0, None)\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "for number in range(3):\n"
        "    journal.add(Message('hook', {'component': str(number)}, (told,), 0.0))\n"
        "journal.delivered(1)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    with _journal(path) as journal:
        assert [message.group["component"] for message in journal.history] == ["0", "1", "2"]
        Delivery(journal, _webhook(web.url), at_once).step(0.0)
        assert [body["groupLabels"]["component"] for body in web.bodies] == ["1", "2"]
    with _journal(path) as journal:
        assert journal.pending == {}
        assert len(journal.history) == 3, "what was told last is known after a restart"


def test_a_line_that_a_kill_cut_off_is_left_out_and_told(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with _journal(path) as journal:
        journal.add(_message())
    with path.open("a") as file:
        file.write('{"number": 2, "mess')
    with _journal(path) as journal:
        assert list(journal.pending) == [1]
        assert "1 broken lines were left out" in journal.notes[0]
        assert journal.add(_message(2)) == 2
    with _journal(path) as journal:
        assert list(journal.pending) == [1, 2]
        assert journal.notes == []


def test_a_journal_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_text('{"schema": 2}\n')
    with pytest.raises(MeasurementError, match="found version 2, wanted 1"):
        Journal(path)
    assert path.read_text() == '{"schema": 2}\n'


def test_two_processes_do_not_deliver_from_one_journal(tmp_path: Path) -> None:
    with (
        _journal(tmp_path / "journal"),
        pytest.raises(UsageError, match="another process delivers"),
    ):
        Journal(tmp_path / "journal")


def test_a_journal_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MeasurementError, match=r"cannot be used as the journal \(File exists\)"):
        Journal(tmp_path / "file" / "journal")


def test_a_disk_that_becomes_read_only_stops_no_message_and_is_told_once(
    tmp_path: Path, web: Web
) -> None:
    with _journal(tmp_path / "journal") as journal:
        read_only = os.open(tmp_path / "journal", os.O_RDONLY)
        os.dup2(read_only, journal._file)
        os.close(read_only)
        delivery = Delivery(journal, _webhook(web.url), at_once)
        journal.add(_message(1))
        journal.add(_message(2))
        notes = delivery.step(0.0)
    assert len(web.bodies) == 2
    assert len(notes) == 1
    assert "messages are still sent" in notes[0]


def test_a_disk_that_fills_up_within_a_line_tears_none_and_loses_none(tmp_path: Path) -> None:
    """The kernel takes the first bytes of a line and refuses the rest, as on a full disk."""
    path = tmp_path / "journal"
    _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with _journal(path) as journal:
        journal.add(_message(1))
        whole = path.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (whole + 20, hard))
        try:
            journal.add(_message(2))
            journal.delivered(1)
            (note,) = journal.take_notes()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert "cannot be written (File too large); messages are still sent" in note
        assert path.stat().st_size == whole, "what was written of the line is gone again"
        journal.add(_message(3))
        assert journal.notes == []
    with _journal(path) as journal:
        assert [message.at for message in journal.pending.values()] == [2, 3]
        assert [message.at for message in journal.history] == [1, 2, 3]
        assert journal.notes == []


def test_a_short_write_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    with _journal(tmp_path / "journal") as journal:
        monkeypatch.setattr("os.write", lambda file, data: write(file, bytes(data)[:20]))
        for number in range(2):
            journal.add(_message(number))
        monkeypatch.undo()
    with _journal(tmp_path / "journal") as journal:
        assert [message.at for message in journal.pending.values()] == [0, 1]
        assert journal.notes == []


def test_a_torn_line_that_cannot_be_taken_back_takes_no_other_with_it(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with _journal(path) as journal:
        with path.open("a") as other:  # as if ftruncate had failed
            other.write('{"number": 9, "mess')
        journal.add(_message(1))
        journal.add(_message(2))
    with _journal(path) as journal:
        assert [message.at for message in journal.pending.values()] == [1, 2]
        assert "1 broken lines were left out" in journal.notes[0]


def test_what_was_told_while_the_disk_was_full_is_not_in_the_journal(tmp_path: Path) -> None:
    with _journal(tmp_path / "journal") as journal:
        whole = os.dup(journal._file)
        read_only = os.open(tmp_path / "journal", os.O_RDONLY)
        os.dup2(read_only, journal._file)
        os.close(read_only)
        journal.delivered(journal.add(_message(1)))
        journal.add(_message(2))
        os.dup2(whole, journal._file)
        os.close(whole)
        journal.add(_message(3))
        assert journal.first("hook") == (2, _message(2))
        assert journal.first("other") is None
    with _journal(tmp_path / "journal") as journal:
        assert [message.at for message in journal.history] == [2, 3]


def test_too_many_waiting_messages_lose_the_oldest_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "MOST_WAITING", 3)

    def refuse(message: Message) -> None:
        raise DeliveryError(f"refuses {message.at:g}")

    with _journal(tmp_path / "journal") as journal:
        for number in range(5):
            journal.add(_message(number))
        notes = Delivery(journal, {"hook": refuse}, at_once).step(0.0)
        assert notes == [
            "hook: 2 oldest messages dropped, 3 wait",
            "hook: refuses 2; the next try is in 1 s",
        ]


def test_a_message_for_nobody_is_dropped_and_told(tmp_path: Path) -> None:
    with _journal(tmp_path / "journal") as journal:
        journal.add(_message(receiver="gone"))
        assert "no such receiver" in Delivery(journal, {}).step(0.0)[0]
        assert journal.pending == {}


def test_every_kind_of_receiver_is_reached(tmp_path: Path, web: Web) -> None:
    said: list[str] = []
    receivers = [
        Receiver(name="a", kind="stderr"),
        Receiver(name="b", kind="file", path=str(tmp_path / "new" / "alerts.log")),
        Receiver(name="c", kind="webhook", url=web.url),
        Receiver(name="d", kind="slack", url_env="SLACK"),
    ]
    for send in senders(receivers, environ={"SLACK": web.url}, write=said.append).values():
        send(_message())
    line = "1970-01-01T00:00:00.000Z FIRING [] A: it fails\n"
    assert said == [line]
    assert (tmp_path / "new" / "alerts.log").read_text() == line
    assert [set(body) for body in web.bodies][1] == {"text"}
    assert web.bodies[0]["alerts"][0]["annotations"] == {"summary": "it fails"}


def test_what_cannot_be_reached_says_why_and_keeps_the_address_secret(tmp_path: Path) -> None:
    receivers = [
        Receiver(name="a", kind="file", path=str(tmp_path)),
        Receiver(name="b", kind="webhook", url="http://127.0.0.1:9/secret"),
    ]
    found = senders(receivers, environ={})
    with pytest.raises(DeliveryError, match="cannot be written"):
        found["a"](_message())
    with pytest.raises(DeliveryError, match="cannot be reached") as caught:
        found["b"](_message())
    assert "secret" not in str(caught.value)
    with pytest.raises(ConfigError, match="environment SLACK: found nothing"):
        senders([Receiver(name="d", kind="slack", url_env="SLACK")], environ={})
    with pytest.raises(ConfigError, match="starts with neither"):
        senders([Receiver(name="d", kind="slack", url_env="SLACK")], environ={"SLACK": "x"})
