"""What people see of waivers, quarantine, floors and places that differ."""

from dataclasses import replace

from rich.console import Console

from perfkit.model import (
    BenchmarkId,
    Comparison,
    EnvironmentDifference,
    Interval,
    LeakResult,
    LeakSite,
    LeakState,
    Report,
    Shift,
    Status,
    Unit,
    Verdict,
    WaiverResult,
    WaiverState,
)
from perfkit.reporting.headline import advice, headline
from perfkit.reporting.junit import report_junit
from perfkit.reporting.markdown import report_markdown
from perfkit.reporting.terminal import report_text

SHIFT = Shift(
    verdict=Verdict.REGRESSED,
    ratio=Interval(1.2, 1.3, 1.4, 0.99),
    p_value=0.001,
    floor=0.12,
    n_base=6,
    n_head=6,
    design="interleaved",
)
ROW = Comparison(
    benchmark=BenchmarkId("suite.time_x"),
    unit=Unit.SECONDS,
    verdict=Verdict.REGRESSED,
    shift=SHIFT,
    floor_source="noise of 9 A/A rounds in 2 stored runs, above the threshold of the default",
)
WAIVER = WaiverResult(
    kind="waiver",
    pattern="suite.time_*",
    metric="time",
    ceiling=0.2,
    expires="2025-06-01",
    issue="#7",
    reason="known",
    state=WaiverState.EXPIRED,
    found="its last day has passed",
)
QUARANTINE = WaiverResult(
    kind="quarantine",
    pattern="suite.time_x",
    metric=None,
    ceiling=None,
    expires="2025-06-01",
    issue="#8",
    reason="flaps",
    state=WaiverState.HOLDS,
)


def shown(report: Report) -> str:
    console = Console(width=400, color_system=None)
    with console.capture() as capture:
        console.print(report_text(report))
    return capture.get()


def test_waivers_and_quarantine_are_shown_with_an_eye_or_as_failed() -> None:
    row = Comparison(
        benchmark=ROW.benchmark,
        unit=ROW.unit,
        verdict=ROW.verdict,
        shift=SHIFT,
        quarantined="flaps (#8, until 2025-06-01)",
    )
    report = Report(command="check", comparisons=(row,), waivers=(WAIVER, QUARANTINE))
    assert headline(report) == "Failed: 1 in quarantine; 1 waiver expired."
    assert advice(report) == "Remove what no longer holds of waivers and quarantine, or renew it."
    text = shown(report)
    assert "👁   suite.time_x" in text
    assert "in quarantine: flaps (#8, until 2025-06-01)" in text
    assert (
        "✗ waiver of suite.time_* (time) up to +20 % until 2025-06-01, #7: known; expired"
        " (its last day has passed)"
    ) in text
    assert "👁 quarantine of suite.time_x until 2025-06-01, #8: flaps; holds" in text
    comment = report_markdown(report)
    assert "1 waiver expired" in comment
    assert "in quarantine" in comment


def test_a_waived_leak_is_shown_with_an_eye_and_never_called_no_leak() -> None:
    site = LeakSite(place="app.py:3 keeps", bytes_per_iteration=64, blocks_per_iteration=1)
    leak = LeakResult(
        target="app:keeps",
        state=LeakState.LEAK,
        ceiling=0,
        iterations=4000,
        sites=(site,),
        reason="it held",
        waived="known (#7, until 2025-06-01)",
    )
    waiver = replace(
        WAIVER,
        kind="leak waiver",
        pattern="app:*",
        metric=None,
        ceiling=100,
        state=WaiverState.HOLDS,
        found="",
    )
    report = Report(command="check", comparisons=(), leaks=(leak,), waivers=(waiver,))
    assert report.status is Status.PASSED
    assert headline(report) == "Passed: 1 leak waived."
    assert advice(report) == ""
    text = shown(report)
    assert "👁 app:keeps: keeps memory (it held), waived: known (#7, until 2025-06-01)" in text
    assert "app.py:3 keeps: 64 B in 1.0 blocks per iteration" in text
    assert (
        "👁 leak waiver of app:* up to 100 B per iteration until 2025-06-01, #7: known; holds"
    ) in text
    comment = report_markdown(report)
    assert "- 👁 leak check <code>app&#58;keeps</code>: keeps memory, waived: known" in comment
    assert 'tests="2" failures="0" errors="0"' in report_junit(report)
    assert "<skipped" in report_junit(report)
    spent = replace(waiver, state=WaiverState.EXCEEDED, found="app:keeps keeps more")
    failed = replace(report, leaks=(replace(leak, waived=""),), waivers=(spent,))
    assert headline(failed) == ("Failed: 1 leak waiver exceeded; 1 of 1 leak checks found a leak.")


def test_a_floor_says_where_it_comes_from_and_places_what_differs() -> None:
    difference = EnvironmentDifference(fact="CPU governor", base="performance", head="none")
    text = shown(Report(command="check", comparisons=(ROW,), differences=(difference,)))
    assert f"floor 12 % ({ROW.floor_source})" in text
    assert "! CPU governor differs: performance on base, none on head" in text
