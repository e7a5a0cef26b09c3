"""The functions behind a regression, as the terminal and the comment show them."""

from io import StringIO

from rich.console import Console

from perfkit.model import (
    BenchmarkId,
    Comparison,
    Culprit,
    Interval,
    Report,
    Shift,
    Summary,
    Unit,
    Verdict,
)
from perfkit.reporting.markdown import report_markdown
from perfkit.reporting.terminal import report_text

DAY_OF = Culprit(
    function="day_of",
    place="shop/orders.py:11",
    base=0.0829,
    head=2.8345,
    explained=0.992,
    p_adjusted=0.002,
    significant=True,
    through="_strptime (_strptime.py)",
)
GUESS = Culprit(
    function="@team|render",
    place="shop/page.py:3",
    base=0.4,
    head=0.41,
    explained=None,
    p_adjusted=0.4,
    significant=False,
    former="shop/old.py:9 render",
)


def report(*culprits: Culprit, note: str) -> Report:
    side = Summary(median=1.0, low=1.0, high=1.0, n=6)
    shift = Shift(
        verdict=Verdict.REGRESSED,
        ratio=Interval(1.9, 2.0, 2.1, 0.99),
        p_value=0.001,
        floor=0.05,
        n_base=6,
        n_head=6,
        design="interleaved",
    )
    row = Comparison(
        benchmark=BenchmarkId("sums.time_monthly"),
        unit=Unit.SECONDS,
        verdict=Verdict.REGRESSED,
        base=side,
        head=side,
        shift=shift,
        culprits=culprits,
        culprit_note=note,
    )
    return Report(command="compare", comparisons=(row,), rounds=12)


def printed(found: Report) -> str:
    console = Console(file=StringIO(), width=120)
    console.print(report_text(found))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_terminal_names_them_after_their_benchmark() -> None:
    text = printed(report(DAY_OF, note="seen in 6+6 profiles"))
    lines = [line.strip() for line in text.splitlines()]
    start = lines.index("Culprits")
    assert " ".join(lines[start + 1 : start + 4]) == (
        "sums.time_monthly: day_of shop/orders.py:11, 99 % of the slowdown"
        " (8.3 % -> 283 % of base's time), through _strptime (_strptime.py)"
        " sums.time_monthly: seen in 6+6 profiles"
    )


def test_a_guess_is_called_one_and_nothing_sought_is_nothing_said() -> None:
    text = printed(report(GUESS, note="not significant, seen in 6+6 profiles"))
    assert "maybe @team|render shop/page.py:3 (40 % -> 41 % of base's time)" in text
    assert "before shop/old.py:9 render" in text
    assert "not significant" in text
    assert "Culprits" not in printed(report(note=""))


def test_the_comment_has_them_under_the_regression_and_inert() -> None:
    comment = report_markdown(report(DAY_OF, GUESS, note="seen in 6+6 profiles | @x"))
    [line] = [line for line in comment.splitlines() if "regressed |" in line]
    cell = line.split("|")[2]
    assert "day&#95;of shop/orders.py&#58;11</code>, 99 % of the slowdown" in cell
    assert cell.index("day&#95;of") < cell.index("render")
    assert "@t" not in cell
    assert "↳ seen in 6+6 profiles &#124; &#64;" in cell
