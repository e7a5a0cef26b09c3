"""``perfkit slo --canary``: a new version beside an old one."""

import time
from collections.abc import Mapping
from pathlib import Path

from perfkit.cli.invocation import Invocation
from perfkit.errors import ExitCode

LASTING = "1h"
"""How far back calls with a label are compared by default."""


def compare(
    invocation: Invocation,
    sides: tuple[str, str],
    *,
    accepted: tuple[str, str],
    of_the_store: Mapping[str, str | None],
    store: Path | None,
    strict: bool,
) -> ExitCode:
    """Compare two files, or two sides of the store, and finish the verb.

    ``accepted`` are the tolerances of median and p99 as they were typed, ``of_the_store`` the
    options that only a store understands.

    Raises:
        UsageError: an option or a file cannot be used.
        MeasurementError: there is no store, or a side of it has no calls.
    """
    from perfkit.config.units import parse_duration
    from perfkit.errors import UsageError
    from perfkit.monitoring.canary import compare_canary, read_durations
    from perfkit.monitoring.canary_sides import parse_side
    from perfkit.monitoring.text import canary_text, canary_values
    from perfkit.status import Status

    tolerance = _ratio("--tolerance", accepted[0])
    tail_tolerance = _ratio("--tail-tolerance", accepted[1])
    at = time.time()
    base, new = (None if Path(text).exists() else parse_side(text, at) for text in sides)
    if base is not None and new is not None:
        try:
            lasting = parse_duration(of_the_store["--since"] or LASTING)
        except UsageError as error:
            raise UsageError(f"--since: {error}") from None
        from perfkit.cli.settings import settings_of, store_path
        from perfkit.monitoring.canary_sides import BLUR, Span, sides_of
        from perfkit.monitoring.store_telemetry import open_store

        with open_store(store_path(store, settings_of(invocation))) as opened:
            read = sides_of(
                opened,
                base,
                new,
                component=of_the_store["--component"],
                call=of_the_store["--call"],
                lasting=Span(at - lasting, at),
            )
        found = compare_canary(
            read.base,
            read.new,
            tolerance=tolerance,
            tail_tolerance=tail_tolerance,
            design=read.design,
            blur=BLUR,
            notes=read.notes,
        )
    elif base is not None or new is not None:
        raise UsageError(
            f"--canary: found {sides[0]!r} and {sides[1]!r}, wanted two files, or two sides of the "
            "store such as version=1 version=2 or 2h/1h 1h/now."
        )
    else:
        if given := [option for option, value in of_the_store.items() if value is not None]:
            raise UsageError(f"{given[0]} is about sides of the store, and these are files.")
        found = compare_canary(
            *(read_durations(Path(text)) for text in sides),
            tolerance=tolerance,
            tail_tolerance=tail_tolerance,
        )
    return invocation.finish(
        found.exit_code(strict=strict),
        text=canary_text(found),
        values=canary_values(found),
        status=Status.INCONCLUSIVE if found.verdict == "inconclusive" else None,
    )


def _ratio(option: str, text: str) -> float:
    from perfkit.config.units import parse_ratio
    from perfkit.errors import UsageError

    try:
        return parse_ratio(text)
    except UsageError as error:
        raise UsageError(f"{option}: {error}") from None
