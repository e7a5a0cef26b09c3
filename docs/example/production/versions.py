"""Write half an hour of calls of two versions, the second slower by a third, into a store: FILE."""

import random
import sys
import time

from perfkit.runtime.batch import Batch
from perfkit.runtime.bins import Bins
from perfkit.runtime.storable import labels_text
from perfkit.runtime.store import Store
from perfkit.runtime.windows import Calls, Key


def calls(around: float, dice: random.Random) -> Calls:
    """Return fifty calls of around so many seconds."""
    durations = [round(around * dice.lognormvariate(0, 0.2) * 1e9) for _ in range(50)]
    return Calls(50, 0, 0, sum(durations), max(durations), Bins(durations))


dice = random.Random(1)
now = int(time.time())
with Store(sys.argv[1]) as store:
    for second in range(now - 1800, now, 15):
        of = {"1": 0.040, "2": 0.053}
        store.add(
            Batch(
                second,
                calls={
                    Key("shop", "monthly", labels_text({"version": version})): calls(around, dice)
                    for version, around in of.items()
                },
            )
        )
