"""Rounds of fresh processes over one or two built sides, until everything is decided."""

import logging
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from perfkit.benchmarking.discovery import Benchmark
from perfkit.benchmarking.measured_side import MeasuredSide
from perfkit.benchmarking.quiet import WORTH_A_WARNING, Quiet, loaded, unwatched
from perfkit.benchmarking.recorder import Measured, Recorder
from perfkit.benchmarking.schedule import SideName, round_order
from perfkit.gate.load import Load
from perfkit.model import BenchmarkId, Sample, Verdict

log = logging.getLogger("perfkit.bench")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long to measure: at least ``min_rounds``, at most ``max_rounds`` or ``seconds``.

    ``first_look`` is the number of rounds after which a benchmark may be settled before
    ``min_rounds``; None never.
    """

    min_rounds: int
    max_rounds: int
    seconds: float
    seed: int = 0
    first_look: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a measurement stands, for whoever shows it.

    ``done`` of ``planned`` pairs of processes are measured; ``planned`` are those up to
    ``min_rounds``, then the most that may follow. ``verdicts`` counts what is known of each
    benchmark so far; before ``min_rounds`` nothing is, and of one side alone nothing ever.
    ``seconds_left`` is an estimate, None before the first pair. ``confirming`` is true while
    suspects are measured again, ``counting`` while allocations are counted after all times.
    """

    round_number: int
    min_rounds: int
    rounds: int
    done: int
    planned: int
    undecided: int
    current: str
    verdicts: Mapping[Verdict, int]
    seconds_left: float | None
    confirming: bool = False
    counting: bool = False


def counting(done: int, planned: int, current: BenchmarkId) -> Progress:
    """Return the progress of counting allocations, after all times have been taken."""
    return Progress(
        round_number=1,
        min_rounds=1,
        rounds=1,
        done=done,
        planned=planned,
        undecided=planned - done,
        current=str(current.allocations),
        verdicts={},
        seconds_left=None,
        counting=True,
    )


@dataclass(slots=True, kw_only=True)
class Measurement:
    """All samples of one or two sides. ``failures`` holds the last lines of failed processes."""

    samples: dict[SideName, dict[BenchmarkId, Sample]] = field(default_factory=dict)
    memory: dict[SideName, dict[BenchmarkId, Sample]] = field(default_factory=dict)
    """Peak memory of the time benchmarks, by the benchmark that it was recorded beside."""
    skipped: dict[SideName, set[BenchmarkId]] = field(default_factory=dict)
    failures: dict[tuple[SideName, BenchmarkId], str] = field(default_factory=dict)
    rounds: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    out_of_time: bool = False
    loads: list[float | None] = field(default_factory=list)
    """Share of the processors that other programs used, round by round; None where not known."""
    pairs: int = 0
    loaded_pairs: int = 0
    """How often both sides of a benchmark were measured, and how often of these under load."""
    waited_seconds: float = 0.0

    def note(self, side: SideName, identity: BenchmarkId, measured: Measured) -> None:
        """Keep the last lines of a process that failed."""
        if measured.failure:
            self.failures[side, identity] = measured.output
            log.info("%s on %s: %s", identity, side, measured.failure)


UNTOLD = Verdict.MISSING
"""Of a benchmark of which nothing that is in question can be told."""

Standing = Callable[[Sample, Sample], Verdict]
"""The verdict of a benchmark on the evidence so far (base sample, head sample); INCONCLUSIVE asks
for more."""


def measure(
    sides: Mapping[SideName, MeasuredSide],
    benchmarks: Sequence[Benchmark],
    identities: Sequence[BenchmarkId],
    plan: Plan,
    *,
    suite: Path,
    standing: Standing,
    clock: Callable[[], float],
    on_progress: Callable[[Progress], None],
    quiet: Quiet | None = None,
    in_question: Mapping[BenchmarkId, Sequence[BenchmarkId]] | None = None,
) -> Measurement:
    """Measure ``identities`` on every side in interleaved rounds and return all samples.

    ``standing`` is asked from ``plan.first_look`` or ``plan.min_rounds`` on, and what it leaves
    open gets more rounds. ``in_question`` names what of a benchmark has to be decided, its time or
    its peak memory, where that is not the time alone. ``suite`` is the folder of benchmarks run on
    every side. A benchmark that fails on a side is not run again. ``quiet`` may make the next pair
    wait. Ctrl-C ends the measurement and keeps what whole rounds gave.
    """
    by_name = {benchmark.name: benchmark for benchmark in benchmarks}
    recorders = {
        side: {identity: Recorder(by_name[identity.name], identity) for identity in identities}
        for side in sides
    }
    first_look = plan.min_rounds if plan.first_look is None else plan.first_look
    result = Measurement()
    quiet = quiet or unwatched()
    waited = quiet.waited_seconds
    started = clock()
    active = list(identities)
    verdicts: dict[BenchmarkId, Verdict] = {}
    try:
        for round_number in range(plan.max_rounds):
            if not active:
                break
            if round_number >= plan.min_rounds and clock() - started > plan.seconds:
                result.out_of_time = True
                break
            shares: list[float | None] = []
            last = plan.min_rounds if round_number < plan.min_rounds else plan.max_rounds
            planned = result.pairs + len(active) * (last - round_number)
            for identity, order in round_order(active, round_number, plan.seed):
                on_progress(
                    Progress(
                        round_number=round_number + 1,
                        min_rounds=plan.min_rounds,
                        rounds=plan.max_rounds,
                        done=result.pairs,
                        planned=planned,
                        undecided=len(active),
                        current=str(identity),
                        verdicts=Counter(verdicts.values()),
                        seconds_left=_left(
                            clock() - started,
                            quiet.waited_seconds - waited,
                            (result.pairs, planned),
                            plan,
                            round_number,
                        ),
                    )
                )
                quiet.wait()
                pair = {
                    side: sides[side].run(by_name[identity.name], identity, suite, round_number)
                    for side in order
                    if side in sides
                }
                share = quiet.lap()
                shares.append(share)
                result.pairs += 1
                result.loaded_pairs += loaded(share)
                for side, measured in pair.items():
                    recorders[side][identity].add(
                        replace(measured, loaded=loaded(share)), round_number
                    )
                    result.note(side, identity, measured)
            result.rounds = round_number + 1
            result.loads.append(_mean(shares))
            asked = standing if result.rounds >= first_look else None
            for identity in active:
                verdicts[identity] = _verdict(
                    {side: found[identity] for side, found in recorders.items()},
                    asked,
                    (in_question or {}).get(identity, (identity,)),
                )
            active = [
                identity
                for identity in active
                if verdicts[identity] is Verdict.INCONCLUSIVE
                and not any(found[identity].skipped for found in recorders.values())
            ]
    except KeyboardInterrupt:
        result.interrupted = True
    result.seconds = clock() - started
    result.waited_seconds = quiet.waited_seconds - waited
    for side, found in recorders.items():
        result.samples[side] = {
            identity: recorder.sample()
            for identity, recorder in found.items()
            if recorder.processes and not recorder.skipped
        }
        result.memory[side] = {
            identity: peaks
            for identity, recorder in found.items()
            if (peaks := recorder.peak_memory()) is not None
        }
        result.skipped[side] = {
            identity for identity, recorder in found.items() if recorder.skipped
        }
    return result


def _verdict(
    pair: Mapping[SideName, Recorder],
    standing: Standing | None,
    metrics: Sequence[BenchmarkId],
) -> Verdict:
    """Return what is known of one benchmark; without ``standing`` only whether it failed.

    INCONCLUSIVE while any of ``metrics`` is, else the verdict of the first.
    """
    if any(recorder.failed for recorder in pair.values()):
        return Verdict.FAILED
    if standing is None or len(pair) == 1 or any(one.skipped for one in pair.values()):
        return Verdict.INCONCLUSIVE
    found = []
    for metric in metrics:
        base, head = _sample(pair["base"], metric), _sample(pair["head"], metric)
        # Memory that the system does not tell is not waited for.
        if base is not None and head is not None:
            found.append(standing(base, head))
    return Verdict.INCONCLUSIVE if Verdict.INCONCLUSIVE in found else next(iter(found), UNTOLD)


def _sample(recorder: Recorder, metric: BenchmarkId) -> Sample | None:
    return recorder.sample() if metric.beside is None else recorder.peak_memory()


def _left(
    elapsed: float, waited: float, pairs: tuple[int, int], plan: Plan, round_number: int
) -> float | None:
    """Return the seconds that what is planned may still take, at the pace so far.

    ``pairs`` are those done and planned. Waiting is no part of the pace: it is bounded.
    """
    done, planned = pairs
    if not done:
        return None
    left = (elapsed - waited) / done * (planned - done)
    # The rounds before min_rounds are measured whatever they take.
    return left if round_number < plan.min_rounds else max(0.0, min(left, plan.seconds - elapsed))


def warnings_of_load(measurements: Sequence[Measurement]) -> Iterator[str]:
    """Say, once, what other programs did: how much was measured beside them, and what was waited.

    Yields one sentence, or none where they did not disturb.
    """
    waited = sum(one.waited_seconds for one in measurements)
    pairs = sum(one.pairs for one in measurements)
    under_load = sum(one.loaded_pairs for one in measurements)
    worth = under_load >= WORTH_A_WARNING * pairs
    load = Load(loaded=under_load if worth else 0, pairs=pairs, waited=round(waited))
    if said := str(load):
        yield said


def _mean(shares: Sequence[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return round(statistics.fmean(known), 3) if known else None
