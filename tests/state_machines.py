"""Running a hypothesis state machine, and counting what it did."""

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, run_state_machine_as_test


class Counted(RuleBasedStateMachine):
    """A machine that counts its steps, over all its histories."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).steps -= 1  # invariants are checked once before the first step

    @invariant()
    def one_step_more(self) -> None:
        type(self).steps += 1


def steps_of(machine: type[Counted], histories: int) -> int:
    """Run so many random histories of up to 50 steps; return the steps that were made."""
    machine.steps = 0
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=histories, stateful_step_count=50, deadline=None),
    )
    return machine.steps
