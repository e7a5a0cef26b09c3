"""How many retries a guard may make: a share of its calls, so that retries feed no storm."""

import threading


class RetryBudget:
    """Every call earns ``share`` of a retry, every retry costs one; at most ``most`` are saved up.

    Over any number of calls at most ``share * calls + most`` retries are allowed: with the defaults
    a dependency that fails for everybody gets 1.1 times its traffic plus ten calls.
    ``saved`` is what is allowed now; a whole one is needed.
    """

    def __init__(self, share: float = 0.1, most: float = 10.0) -> None:
        if not 0 <= share <= 1 or most < 0:
            raise ValueError(
                f"a retry budget has a share between 0 and 1 and saves 0 or more retries, not"
                f" {share} and {most}"
            )
        self._share = share
        self.most = most
        self.saved = most
        self._lock = threading.Lock()

    def earn(self) -> None:
        """Note a call."""
        # Only ever raised here and lowered under the lock: what two threads lose is a part of a
        # retry, and never one too many.
        if self.saved < self.most:
            with self._lock:
                self.saved = min(self.most, self.saved + self._share)

    def spend(self) -> bool:
        """Take a retry; False, and nothing is taken, where there is none."""
        with self._lock:
            if self.saved < 1 - 1e-9:  # ten times a tenth is a whole one
                return False
            self.saved = max(0.0, self.saved - 1)
            return True
