"""The reports of a matrix's shards in, one report of the whole suite out.

What is missing is a row of its own. What does not belong together is refused, since a report of
two commits would be a verdict about neither.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from perfkit.config.thresholds import Thresholds
from perfkit.errors import UsageError
from perfkit.gate.comparisons import not_confirmed
from perfkit.gate.shards import Part, shard_note
from perfkit.gate.waivers import waived
from perfkit.model import (
    BenchmarkId,
    Comparison,
    Environment,
    Report,
    Revision,
    Shard,
    Shift,
    Unit,
    Verdict,
    WaiverResult,
    WaiverState,
)
from perfkit.stats import judge_suite

CHANGED = (Verdict.REGRESSED, Verdict.IMPROVED)


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
        waivers=_exceptions(pieces),
        differences=tuple(
            dict.fromkeys(one for piece in pieces for one in piece.report.differences)
        ),
        impact=first.report.impact,
        rounds=max(piece.report.rounds for piece in pieces),
        seconds=sum(piece.report.seconds for piece in pieces),
        interrupted=any(piece.report.interrupted for piece in pieces),
        warnings=tuple(_warnings(pieces, lost)),
    )


def rejudged(
    rows: Sequence[Comparison],
    thresholds: Thresholds,
    *,
    alpha: float,
    today: date,
    unlike: Collection[BenchmarkId] = (),
) -> tuple[Comparison, ...]:
    """Return the rows of several shards with ``alpha`` held over all of them together.

    Each shard held it over its own, and N shards at alpha are wrong up to N times as often. Every
    row carries the p-values that its verdict rests on, so the adjustment is made again over all.
    Only what multiplicity decided moves; what a row says for another reason stays. ``unlike`` were
    measured under different conditions, so that no count of benchmarks makes them claim anything.
    """
    shifts: dict[BenchmarkId, Shift] = {}
    again: dict[BenchmarkId, Shift] = {}
    for row in rows:
        if (shift := row.first or row.shift) is not None:
            shifts[row.benchmark] = shift
        if row.first is not None and row.shift is not None:
            again[row.benchmark] = row.shift
    confirmed = any(row.first is not None for row in rows)
    judged = judge_suite(shifts, alpha=alpha, confirmations=again if confirmed else None)
    found = []
    for row in rows:
        if row.benchmark not in judged:
            found.append(row)
            continue
        whole = judged[row.benchmark]
        now = replace(row, p_adjusted=whole.p_adjusted)
        if row.verdict in CHANGED and whole.verdict is not row.verdict:
            now = replace(
                now,
                verdict=Verdict.INCONCLUSIVE,
                waived="",
                reason=f"{row.verdict} in its shard, but not after counting all benchmarks",
            )
        elif (
            row.first is not None
            and row.benchmark not in unlike
            and row.reason == not_confirmed(row.first)
            and whole.verdict in CHANGED
        ):
            now = waived(replace(now, verdict=whole.verdict, reason=""), thresholds, today)
        found.append(now)
    return tuple(found)


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


STATES = (
    WaiverState.EXCEEDED,
    WaiverState.EXPIRED,
    WaiverState.HOLDS,
    WaiverState.UNMATCHED,
)
"""What one shard knows of a waiver outranks that another has nothing it covers."""


def _exceptions(pieces: Sequence[Piece]) -> tuple[WaiverResult, ...]:
    """Return each waiver and quarantine once, in the gravest state that a shard knows of."""
    found: dict[tuple[str, str, str | None], WaiverResult] = {}
    for piece in pieces:
        for one in piece.report.waivers:
            key = (one.kind, one.pattern, one.metric)
            known = found.setdefault(key, one)
            found[key] = min(known, one, key=lambda result: STATES.index(result.state))
    if _lost(pieces):
        # What it covers may be in the shard that is lost, which is an error of its own.
        return tuple(one for one in found.values() if one.state is not WaiverState.UNMATCHED)
    return tuple(found.values())


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
    said = Counter(text for piece in pieces for text in piece.report.warnings)
    for piece in pieces:
        for text in piece.report.warnings:
            own = [row for row in piece.report.comparisons if row.benchmark.beside is None]
            if text == shard_note(piece.shard, len(own) + len(piece.shard.skipped)):
                continue  # the whole is there now
            if said[text] == 1:
                yield f"shard {_part(piece.shard)}: {text}"
    yield from (text for text, count in said.items() if count > 1)
