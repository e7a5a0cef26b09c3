"""What was sold in which month."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

SAMPLE = [f"2026-{day % 12 + 1:02d}-{day % 28 + 1:02d};{day % 50 + 1}.95" for day in range(400)]


def day_of(text: str) -> date:
    """Return the day that the first column names."""
    return date.fromisoformat(text)


def monthly(lines: Iterable[str]) -> dict[str, int]:
    """Return month -> cents."""
    cents: dict[str, int] = defaultdict(int)
    for line in lines:
        day, amount = line.split(";")
        whole, part = amount.split(".")
        cents[f"{day_of(day):%Y-%m}"] += int(whole) * 100 + int(part)
    return dict(cents)


def summary() -> str:
    """Return the sums of the first orders as one line."""
    return ", ".join(f"{month} {cents}" for month, cents in sorted(monthly(SAMPLE[:5]).items()))


def main() -> None:
    """Sum the sample again and again, as a nightly job would."""
    for _ in range(60):
        monthly(SAMPLE)
    print(summary())


if __name__ == "__main__":
    main()
