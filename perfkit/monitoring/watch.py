"""Evaluating on a schedule, and telling somebody; clock and sleep are arguments."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from perfkit.errors import PerfkitError
from perfkit.monitoring.delivery import Delivery
from perfkit.monitoring.routing import Message, Muted, Router
from perfkit.monitoring.rules import Rule
from perfkit.monitoring.states import Evaluation, Evaluator
from perfkit.monitoring.telemetry import Telemetry

MOST_STEPS: Final = 120
"""Steps into the past; where durations are longer than that many intervals, steps are larger."""


CLEARED_WITHIN: Final = 3600.0
"""Seconds before now in which it is looked for what still fires between its two levels."""


@dataclass(frozen=True, slots=True)
class Step:
    """One evaluation, and what came of it."""

    evaluation: Evaluation
    muted: tuple[Muted, ...]
    messages: tuple[Message, ...]
    notes: tuple[str, ...]
    """What went wrong with telling somebody, and what the evaluation itself had to say."""
    blind: bool = False
    """Whether the telemetry could not be read; nothing is known then, and nobody is told."""


def evaluate_past(
    rules: Sequence[Rule], telemetry: Telemetry, at: float, *, interval: float
) -> tuple[Evaluator, Evaluation]:
    """Evaluate at ``at`` with the past that durations need.

    How long a condition has lasted is not stored: it follows from the telemetry, step by step from
    the longest ``for`` and ``keep_firing_for`` before ``at`` on. So a restart forgets nothing that
    the store still has; but an alert that is kept only by its level to clear at for longer than
    CLEARED_WITHIN.
    """
    lasting = max((rule.hold + rule.keep_firing_for for rule in rules), default=0.0)
    if any(rule.clear is not None for rule in rules):
        lasting = max(lasting, CLEARED_WITHIN)
    evaluator = Evaluator(rules, interval=interval)
    step = max(interval, lasting / MOST_STEPS)
    for back in range(int(lasting // step) + 1 if lasting else 0, 0, -1):
        evaluator.step(telemetry, at - back * step)
    return evaluator, evaluator.step(telemetry, at)


def watch(
    evaluator: Evaluator,
    telemetry: Telemetry,
    router: Router,
    delivery: Delivery,
    *,
    until: float | None,
    clock: Callable[[], float],
    monotonic: Callable[[], float],
    sleep: Callable[[float], None],
) -> Iterator[Step]:
    """Yield a step for every interval, until ``until`` on the monotonic clock.

    The schedule follows the monotonic clock; ``clock`` says which telemetry is due.
    """
    start, number = monotonic(), 0
    while True:
        at = clock()
        try:
            evaluation = evaluator.step(telemetry, at)
        except PerfkitError as error:
            # An alert must not end because nobody could look; the next step looks again.
            notes = (str(error), *delivery.step(monotonic()))
            yield Step(Evaluation(at, ()), (), (), notes, blind=True)
        else:
            messages, muted = router.step(evaluation.firing, at)
            for message in messages:
                delivery.journal.add(message)
            notes = (*evaluation.notes, *delivery.step(monotonic()))
            yield Step(evaluation, tuple(muted), tuple(messages), notes)
        now = monotonic()
        if until is not None and now + evaluator.interval > until:
            return
        # A step that took too long is not made up for: the next one stands on the grid again.
        number = max(number + 1, int((now - start) // evaluator.interval))
        sleep(max(0.0, start + number * evaluator.interval - now))
