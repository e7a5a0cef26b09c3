"""Sums of orders."""

from shop.orders import SAMPLE, monthly


class Monthly:
    """Four hundred orders, summed by month."""

    number = 1
    repeat = (3, 10, 0.05)
    warmup_time = 0.02
    timeout = 30.0

    def time_monthly(self) -> None:
        """Timed."""
        monthly(SAMPLE)

    def outcome(self) -> str:
        """Say what was done; times are compared only where both sides did the same."""
        return str(sorted(monthly(SAMPLE).items()))
