"""What the recording thread reads of its own process."""

import os
from pathlib import Path

STATM = Path("/proc/self/statm")


def resident_bytes() -> float:
    """Return the memory of this process that is in RAM (resident set), in bytes; Linux only.

    Raises:
        OSError: the system does not tell.
    """
    pages = int(STATM.read_text("ascii").split()[1])  # proc(5): size, resident, ...
    return float(pages * os.sysconf("SC_PAGE_SIZE"))
