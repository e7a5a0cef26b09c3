"""``health``: whether the process lives, and whether it should get work."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from perfkit.runtime.guarding import BREAKERS
from perfkit.runtime.recorder import RECORDER

Kind = Literal["liveness", "readiness"]


@dataclass(frozen=True)
class Check:
    """What one check found; ``detail`` says why it is not ok. ``seconds`` is how long it took."""

    name: str
    kind: Kind
    ok: bool
    detail: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Health:
    """``live``: the process works. ``ready``: it is live, and what it needs is there.

    ``notes`` are troubles that stop no work, such as telemetry that is not stored.
    """

    live: bool
    ready: bool
    checks: tuple[Check, ...]
    breakers: dict[str, str]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON; a server answers 503 where ``live`` or ``ready`` is false."""
        return asdict(self)


_CHECKS: dict[str, tuple[Kind, Callable[[], object]]] = {}


def health_check(
    name: str, kind: Kind = "readiness"
) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Return a decorator that registers a check under a name, in place of an earlier one.

    A check is not ok when it raises or returns False; anything else is ok.
    """

    def register(check: Callable[[], object]) -> Callable[[], object]:
        _CHECKS[name] = (kind, check)
        return check

    return register


def health() -> Health:
    """Run the registered checks and return what they, the breakers and the recorder say.

    A breaker that refuses makes the process not ready, until it may ask again. A store
    that cannot be written does not: telemetry is no reason to turn work away; it is a note.
    """
    checks = tuple(_run(name, kind, check) for name, (kind, check) in list(_CHECKS.items()))
    breakers = {name: breaker.state.value for name, breaker in list(BREAKERS.items())}
    live = all(check.ok for check in checks if check.kind == "liveness")
    refusing = any(breaker.refusing for breaker in list(BREAKERS.values()))
    ready = live and all(check.ok for check in checks) and not refusing
    trouble = RECORDER.trouble
    notes = () if trouble is None else (f"telemetry is not stored: {trouble}",)
    return Health(live, ready, checks, breakers, notes)


def _run(name: str, kind: Kind, check: Callable[[], object]) -> Check:
    begin = time.perf_counter()
    try:
        ok, detail = check() is not False, ""
        if not ok:
            detail = "returned False"
    except Exception as error:  # noqa: BLE001  # whatever it raises is the finding
        ok, detail = False, f"{type(error).__name__}: {error}"
    return Check(name, kind, ok, detail, time.perf_counter() - begin)
