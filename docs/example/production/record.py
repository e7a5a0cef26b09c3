"""Write ten minutes of calls into a telemetry store, as an application would: FILE [--failing]."""

import sys
import time

from perfkit.runtime.batch import Batch
from perfkit.runtime.bins import Bins
from perfkit.runtime.store import Store
from perfkit.runtime.windows import Calls, Key, Values

bad = 10 if "--failing" in sys.argv else 0
now = int(time.time())
with Store(sys.argv[1]) as store:
    for second in range(now - 600, now):
        durations = Bins([40_000_000] * 100)
        store.add(
            Batch(
                second,
                calls={
                    Key("shop", "monthly"): Calls(
                        100 - bad, bad, 0, 4_000_000_000, 40_000_000, durations
                    ),
                    Key("mcp", "sum"): Calls(1, 0, 0, 1_000_000, 1_000_000, Bins([1_000_000])),
                },
                values={Key("shop", "reconciled"): Values(1, 1.0, 1.0, 1.0, 1.0)},
            )
        )
