from perfkit.model import BenchmarkId, Comparison, Report, Unit, Verdict
from perfkit.reporting.history_text import in_one
from perfkit.reporting.row_text import method


def test_notes_that_differ_in_numbers_are_one_with_the_range_of_each() -> None:
    notes = [
        "too few values to see a change: 4 of the 6 needed",
        "too few values to see a change: 1 of the 6 needed",
        "too few values to see a change: 3 of the 6 needed",
    ]
    assert in_one(notes) == "too few values to see a change: 1 to 4 of the 6 needed"


def test_one_note_and_one_without_numbers_stay_as_they_are() -> None:
    assert in_one(["3 of 40 points have no value"]) == "3 of 40 points have no value"
    assert in_one(["compared on the linear scale"] * 2) == "compared on the linear scale"


def test_one_round_is_no_rounds() -> None:
    row = Comparison(benchmark=BenchmarkId("suite.time_x"), unit=Unit.SECONDS, verdict=Verdict.NEW)
    said = [method(Report(command="compare", comparisons=(row,), rounds=n)) for n in (1, 2)]
    assert [one.partition(";")[0] for one in said] == [
        "1 interleaved round of fresh processes",
        "2 interleaved rounds of fresh processes",
    ]
