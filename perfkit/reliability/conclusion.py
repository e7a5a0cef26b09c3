"""What an experiment comes to, from the loads before, during and after its faults. Pure."""

from collections.abc import Sequence

from perfkit.model import FaultEffect, LoadResult, Status


def conclusion(
    before: LoadResult,
    meanwhile: LoadResult | None,
    after: LoadResult | None,
    done: Sequence[FaultEffect] = (),
    gone: str = "",
) -> tuple[Status, str]:
    """Return what the three loads come to, and why; pure.

    A fault that hit nothing shows nothing. ``gone`` says why no load could be sent afterwards.
    """
    if before.status in {Status.FAILED, Status.ERROR}:
        return Status.ERROR, "the steady state was not met before any fault"
    if gone or (after is not None and after.status in {Status.FAILED, Status.ERROR}):
        why = f": {gone}" if gone else ""
        return Status.FAILED, f"the steady state did not come back after the faults{why}"
    if meanwhile is None or after is None:
        return Status.ERROR, "the experiment was not finished"
    if any(one.status is Status.FAILED for one in meanwhile.judgements):
        return Status.FAILED, "what has to hold during the faults did not"
    every = [*before.judgements, *meanwhile.judgements, *after.judgements]
    missed = [one.fault for one in done if not one.hits]
    if missed or any(one.status is Status.INCONCLUSIVE for one in every):
        why = "too little was seen to tell whether the state is steady"
        if missed:
            why = f"{missed[0]} hit nothing, so nothing was shown of it"
        return Status.INCONCLUSIVE, why
    why = "the steady state came back" if every else "no objective was given: nothing was judged"
    return Status.PASSED, why
