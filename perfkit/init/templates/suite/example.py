"""An example that runs as it is. Replace it by the path your users wait for."""

import json


class RoundTrip:
    """A thousand records to JSON and back.

    ``setup`` runs before every timed call and is not timed. ``number`` is how often the method is
    called per timing, ``repeat`` is (fewest timings, most timings, seconds to spend).
    """

    number = 1
    repeat = (3, 20, 0.5)
    warmup_time = 0.1
    timeout = 30.0

    def setup(self) -> None:
        """Build the input; import what is measured here or at the top of the file."""
        self.records = [{"id": i, "name": f"record {i}"} for i in range(1000)]

    def time_round_trip(self) -> None:
        """Timed."""
        json.loads(json.dumps(self.records))

    def outcome(self) -> str:
        """Say what was done; perfkit compares times only where both sides did the same work."""
        return f"{len(json.loads(json.dumps(self.records)))} records"
