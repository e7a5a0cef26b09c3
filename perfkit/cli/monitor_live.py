"""The live dashboard on a terminal: drawn anew every second, and when the terminal is resized."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from perfkit.errors import ExitCode, PerfkitError

if TYPE_CHECKING:
    from rich.console import Console

    from perfkit.model.dashboard import Dashboard

KEY_SECONDS: Final = 0.1
"""How long a key or a new size of the terminal may wait to be seen."""
END_KEYS: Final = frozenset("qQ")


def live(
    console: "Console",
    look: "Callable[[float], Dashboard]",
    *,
    clock: Callable[[], float],
    monotonic: Callable[[], float],
    pressed: Callable[[float], str],
) -> ExitCode:
    """Show frames until ``q`` is pressed; Ctrl-C raises KeyboardInterrupt.

    ``pressed`` waits for so many seconds at most and returns what was typed. A store that cannot
    be read after the first frame leaves that frame, with what is wrong below it.
    """
    from rich.live import Live

    from perfkit.monitoring.frames import until_next_frame
    from perfkit.reporting.dashboard_text import dashboard_text

    shown, notes = look(clock()), tuple[str, ...]()
    with Live(console=console, screen=True, auto_refresh=False) as display:
        while True:
            due = monotonic() + until_next_frame(clock())
            size = None
            while True:
                if size != console.size:
                    size = console.size
                    frame = dashboard_text(shown, columns=size.width, live=True, notes=notes)
                    display.update(frame, refresh=True)
                left = due - monotonic()
                if END_KEYS & set(pressed(max(0.0, min(left, KEY_SECONDS)))):
                    return ExitCode.PASSED
                if left <= 0:
                    break
            try:
                shown, notes = look(clock()), ()
            except PerfkitError as error:
                notes = (str(error),)


@contextmanager
def keyboard() -> Iterator[Callable[[float], str]]:
    """Yield what waits for keys, without Enter; it only waits where stdin is no terminal."""
    import os
    import select
    import time

    def wait(seconds: float) -> str:
        time.sleep(seconds)
        return ""

    def typed(seconds: float) -> str:
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        # Bytes of one key may come apart; only plain letters mean anything.
        return os.read(sys.stdin.fileno(), 1024).decode("utf-8", "replace") if ready else ""

    if not sys.stdin.isatty():
        yield wait
        return
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield typed
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
