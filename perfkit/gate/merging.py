"""The reports of a matrix's shards in, one report of the whole suite out.

What is missing is a row of its own. What does not belong together is refused, since a report of
two commits would be a verdict about neither.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import assert_never

from perfkit.config.thresholds import Thresholds
from perfkit.errors import UsageError
from perfkit.gate.load import Load, together
from perfkit.gate.rejudging import rejudged
from perfkit.gate.shards import Part, shard_note
from perfkit.gate.waivers import ABSENT, ELSEWHERE, with_exceeded
from perfkit.model import (
    BenchmarkId,
    Comparison,
    Environment,
    Report,
    Revision,
    Shard,
    Unit,
    Verdict,
    WaiverResult,
    WaiverState,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A shard's report, and the file it was read from."""

    place: str
    report: Report
    shard: Shard


def merged_report(
    reports: Sequence[tuple[str, Report]], thresholds: Thresholds, *, today: date
) -> Report:
    """Return the report of the whole suite; ``reports`` are those of the shards with their files.

    Benchmarks, budgets and leak checks that no report answers for are rows that were not measured.
    The verdicts are those that one run of the whole suite would have come to from the same
    measurements. ``thresholds`` holds the waivers of what regresses in the whole suite only.

    Raises:
        UsageError: a report of no shard, two of one shard, reports of different commits, suites,
            repositories, commands or versions, or two rows of one benchmark.
    """
    pieces = [_piece(place, report) for place, report in reports]
    if not pieces:
        raise UsageError("no report to merge; give the files that --shard runs wrote.")
    pieces.sort(key=lambda piece: piece.shard.index)
    first = pieces[0]
    for piece in pieces[1:]:
        _belongs(first, piece)
    _once_each(pieces)
    _checks_once(pieces)
    rows = _rows(pieces)
    lost = _lost(pieces)
    gone = [
        Comparison(
            benchmark=identity,
            unit=Unit.SECONDS,
            verdict=Verdict.MISSING,
            reason=_why_missing(lost),
        )
        for identity in sorted(
            set(first.shard.expected)
            - rows.keys()
            - {identity for piece in pieces for identity in piece.shard.skipped}
        )
    ]
    judged = rejudged(
        sorted(rows.values(), key=lambda row: row.benchmark),
        thresholds,
        alpha=first.shard.alpha,
        today=today,
        unlike={
            row.benchmark
            for piece in pieces
            if piece.report.differences
            for row in piece.report.comparisons
        },
    )
    reason = _why_missing(lost)
    budgets = [row for piece in pieces for row in piece.report.budgets]
    leaks = [row for piece in pieces for row in piece.report.leaks]
    named, targets = {row.name for row in budgets}, {row.target for row in leaks}
    return Report(
        command=first.report.command,
        base=first.report.base,
        head=first.report.head,
        environment=_environment([piece.report.environment for piece in pieces]),
        comparisons=tuple(sorted((*judged, *gone), key=lambda row: row.benchmark)),
        budgets=(
            *budgets,
            *(replace(row, reason=reason) for row in first.shard.budgets if row.name not in named),
        ),
        leaks=(
            *leaks,
            *(
                replace(row, reason=reason)
                for row in first.shard.leaks
                if row.target not in targets
            ),
        ),
        waivers=_exceptions(pieces, judged, lost),
        differences=tuple(
            dict.fromkeys(one for piece in pieces for one in piece.report.differences)
        ),
        impact=first.report.impact,
        rounds=max(piece.report.rounds for piece in pieces),
        seconds=sum(piece.report.seconds for piece in pieces),
        interrupted=any(piece.report.interrupted for piece in pieces),
        warnings=tuple(_warnings(pieces, lost)),
    )


def _piece(place: str, report: Report) -> Piece:
    shard = report.shard
    if shard is None:
        raise UsageError(
            f"{place}: a report of a whole suite, wanted one written with --shard; there is nothing"
            " to merge it with."
        )
    if not 1 <= shard.index <= shard.count:
        raise UsageError(
            f"{place}: found shard {shard.index} of {shard.count}; the file was changed after"
            " perfkit wrote it, so measure again."
        )
    return Piece(place, report, shard)


def _commit(revision: Revision | None) -> str:
    if revision is None:
        return "none"
    return f"{revision.commit[:10]}{' with uncommitted changes' if revision.dirty else ''}"


SAME: Sequence[tuple[str, Callable[[Piece], object]]] = (
    ("perfkit of version", lambda piece: piece.shard.version),
    ("the repository of project", lambda piece: piece.shard.project),
    ("command", lambda piece: piece.report.command),
    ("base commit", lambda piece: _commit(piece.report.base)),
    ("head commit", lambda piece: _commit(piece.report.head)),
    ("a matrix with a number of shards of", lambda piece: piece.shard.count),
    ("alpha", lambda piece: piece.shard.alpha),
    ("a suite with digest", lambda piece: piece.shard.suite),
)
"""What the reports of one matrix share, in words and as text; the most telling first."""


def _belongs(first: Piece, other: Piece) -> None:
    """Raise UsageError where two reports are not of one matrix."""
    for words, fact in SAME:
        one, two = fact(first), fact(other)
        if one != two:
            raise UsageError(
                f"{other.place}: found {words} {two}, but {first.place} has {one}; merge the"
                " reports of one run of one matrix."
            )
    same = ("expected", "budgets", "leaks")
    if any(getattr(first.shard, name) != getattr(other.shard, name) for name in same):
        raise UsageError(
            f"{other.place}: expects other benchmarks or checks than {first.place}; give every"
            " shard the same --bench and the same configuration."
        )


def _once_each(pieces: Sequence[Piece]) -> None:
    by_index: dict[int, Piece] = {}
    for piece in pieces:
        twin = by_index.setdefault(piece.shard.index, piece)
        if twin is not piece:
            raise UsageError(
                f"{piece.place}: shard {_part(piece.shard)} again, which {twin.place} is already;"
                " give each shard once."
            )


def _rows(pieces: Sequence[Piece]) -> dict[BenchmarkId, Comparison]:
    expected = set(pieces[0].shard.expected)
    rows: dict[BenchmarkId, Comparison] = {}
    source: dict[BenchmarkId, str] = {}
    for piece in pieces:
        for row in piece.report.comparisons:
            if row.benchmark in rows:
                raise UsageError(
                    f"{piece.place}: {row.benchmark} has a second row (the first is in"
                    f" {source[row.benchmark]}); each benchmark is measured by one shard."
                )
            if (row.benchmark.beside or row.benchmark) not in expected:
                raise UsageError(
                    f"{piece.place}: {row.benchmark} is not one of the suite's {len(expected)}"
                    " benchmarks; the file was changed after perfkit wrote it, so measure again."
                )
            rows[row.benchmark], source[row.benchmark] = row, piece.place
    return rows


def _checks_once(pieces: Sequence[Piece]) -> None:
    seen: dict[str, str] = {}
    for piece in pieces:
        for name in (
            *(f"budget {row.name}" for row in piece.report.budgets),
            *(f"leak check {row.target}" for row in piece.report.leaks),
        ):
            if name in seen:
                raise UsageError(
                    f"{piece.place}: {name} has a second row (the first is in {seen[name]}); each"
                    " check is made by one shard."
                )
            seen[name] = piece.place


def _exceptions(
    pieces: Sequence[Piece], rows: Sequence[Comparison], lost: Sequence[str]
) -> tuple[WaiverResult, ...]:
    """Return each waiver and quarantine once, by what the shards know of it and ``rows`` show."""
    found: dict[tuple[str, str, str | None], WaiverResult] = {}
    for piece in pieces:
        for one in piece.report.waivers:
            key = (one.kind, one.pattern, one.metric)
            found[key] = min(found.get(key, one), one, key=_little_known)
    if lost:
        # What it covers may be in the shard that is lost, which is an error of its own.
        known = [one for one in found.values() if one.state is not WaiverState.UNMATCHED]
    else:
        known = [
            replace(one, state=WaiverState.UNMATCHED, found=ABSENT)
            if (one.state, one.found) == (WaiverState.HOLDS, ELSEWHERE)
            else one
            for one in found.values()
        ]
    return with_exceeded(known, rows)


def _little_known(result: WaiverResult) -> int:
    """Return how little a shard knows of an exception; who has a row of it knows most."""
    match result.state:
        case WaiverState.EXPIRED:
            return 0
        case WaiverState.EXCEEDED:
            return 1
        case WaiverState.HOLDS:
            return 4 if result.found == ELSEWHERE else 3 if result.found else 2
        case WaiverState.UNMATCHED:
            return 5
        case _:
            assert_never(result.state)


def _lost(pieces: Sequence[Piece]) -> list[str]:
    count = pieces[0].shard.count
    given = {piece.shard.index for piece in pieces}
    return [str(Part(index, count)) for index in range(1, count + 1) if index not in given]


def _why_missing(lost: Sequence[str]) -> str:
    if not lost:
        return "no shard has a row for it"
    if len(lost) == 1:
        return f"not measured: no report of shard {lost[0]} was given"
    return f"not measured: no reports of shards {', '.join(lost)} were given"


def _part(shard: Shard) -> str:
    return str(Part(shard.index, shard.count))


def _environment(found: Sequence[Environment | None]) -> Environment | None:
    """Return the machine, where all shards ran on machines of one kind."""
    return found[0] if _alike(found) else None


def _alike(found: Sequence[Environment | None]) -> bool:
    kinds = {None if one is None else (one.fingerprint, one.packages_digest) for one in found}
    return len(kinds) == 1


def _warnings(pieces: Sequence[Piece], lost: Sequence[str]) -> Iterator[str]:
    if lost:
        yield (
            f"{len(lost)} of {pieces[0].shard.count} shards lost: {', '.join(lost)}; look for their"
            " jobs' logs, and run them again"
        )
    if not _alike([piece.report.environment for piece in pieces]):
        yield (
            "the shards ran on machines of different kinds; each measured both sides of its"
            " benchmarks, so the rows hold, but do not compare times between rows"
        )
    told = [(piece, text, Load.of(text)) for piece in pieces for text in piece.report.warnings]
    said = Counter(text for _, text, load in told if load is None)
    for piece, text, load in told:
        own = [row for row in piece.report.comparisons if row.benchmark.beside is None]
        if text == shard_note(piece.shard, len(own) + len(piece.shard.skipped)):
            continue  # the whole is there now
        if load is None and said[text] == 1:
            yield f"shard {_part(piece.shard)}: {text}"
    yield from (text for text, count in said.items() if count > 1)
    # Figures of each shard's own: added up, those under load and those that only waited.
    for kind in (True, False):
        loads = [(piece, load) for piece, _, load in told if load and bool(load.loaded) is kind]
        if loads:
            parts = ", ".join(_part(piece.shard) for piece, _ in loads)
            which = "shard" if len(loads) == 1 else "shards"
            yield f"{which} {parts}: {together(load for _, load in loads)}"
