"""Let the reference workload's server work and record, as it does in production: STORE [SECONDS].

Agents ask for whole lectures and for single cues.
"""

import sys
import time
from pathlib import Path

from workload.lecture import synthetic_lecture
from workload.session import over_stdio

CUES_PER_LECTURE = 10


def main(store: Path, seconds: float = 4.0) -> None:
    """Ask the server for ``seconds``, after the time that it takes to start."""
    lecture = synthetic_lecture()
    with over_stdio(telemetry=store) as session:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            session.call("process_transcript", srt=lecture.srt)
            for _ in range(CUES_PER_LECTURE):
                session.call("process_cue", text=lecture.first_cue)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(float, sys.argv[2:3]))
