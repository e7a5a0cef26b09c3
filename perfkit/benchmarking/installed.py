"""What a measured interpreter has installed, as it says itself."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from perfkit.benchmarking.process import Interpreter, call_child
from perfkit.machine import interpreter as machine_interpreter
from perfkit.machine.interpreter import packages_digest

ANSWER_TIMEOUT = 60.0
"""Seconds; reading the metadata of a thousand packages takes one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """Names and versions, sorted, without the measured project itself.

    ``python`` is the interpreter's version and build, as in
    :class:`perfkit.model.Environment`.
    """

    asv_runner: str
    packages: tuple[tuple[str, str], ...]
    python: str

    @property
    def digest(self) -> str:
        """The packages in one word; see :func:`perfkit.machine.interpreter.packages_digest`."""
        return packages_digest(self.packages)


def read_installed(interpreter: Interpreter) -> Installed:
    """Ask ``interpreter``; raises ProcessFailedError where it does not answer."""
    with TemporaryDirectory(prefix="perfkit-") as folder:
        answer = call_child(
            {"command": "installed", "facts": machine_interpreter.__file__},
            interpreter=interpreter,
            folder=Path(folder),
            timeout=ANSWER_TIMEOUT,
        )
    packages = answer["packages"]
    assert isinstance(packages, list)  # noqa: S101  # our own child wrote it
    return Installed(
        asv_runner=str(answer["asv_runner"]),
        packages=tuple((str(name), str(version)) for name, version in packages),
        python=str(answer["python"]),
    )


def moved(base: Installed, head: Installed) -> tuple[str, ...]:
    """Return what differs, such as ``numpy 1.26.4 -> 2.1.0``, sorted; ``-`` is not installed."""
    before, after = dict(base.packages), dict(head.packages)
    return tuple(
        f"{name} {before.get(name, '-')} -> {after.get(name, '-')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )
