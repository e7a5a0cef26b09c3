"""The comment of 50,000 benchmarks with names of 300 characters: time, memory, size.

Renders three reports, each in a process of its own: every row regressed, a mix of all verdicts, and
names of characters that have to be escaped. Times are CPU seconds of rendering alone, which is one
thread that waits for nothing; the peak is of the whole process, with the report in it.
Exits 1 where a requirement is not met.
"""

import argparse
import json
import resource
import subprocess
import sys
from itertools import cycle
from time import process_time

from perfkit.model import BenchmarkId, Comparison, Interval, Report, Shift, Summary, Unit, Verdict
from perfkit.reporting.markdown import report_markdown

ROWS = 50_000
NAME_CHARACTERS = 300
SECONDS = 2.0
PEAK_MIB = 300.0
CHARACTERS = 65_536
BYTES = 60_000
KINDS = ("regressed", "mixed", "escaped")


def main() -> int:
    """Render all kinds; return 0 when every requirement is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=KINDS, help="render this one here and print its figures")
    chosen = parser.parse_args().kind
    if chosen:
        print(json.dumps(figures(chosen)))
        return 0
    print(f"{ROWS:,} rows, names of {NAME_CHARACTERS} characters")
    print(f"{'':10}{'seconds':>10}{'peak MiB':>10}{'characters':>12}{'bytes':>10}  met")
    print(f"{'required':10}{SECONDS:>10.2f}{PEAK_MIB:>10.0f}{CHARACTERS:>12,}{BYTES:>10,}")
    all_met = True
    for kind in KINDS:
        done = subprocess.run(
            [sys.executable, __file__, "--kind", kind], capture_output=True, text=True, check=True
        )
        seconds, peak, characters, size = json.loads(done.stdout)
        met = seconds <= SECONDS and peak <= PEAK_MIB and characters <= CHARACTERS and size <= BYTES
        all_met &= met
        print(
            f"{kind:10}{seconds:>10.2f}{peak:>10.0f}{characters:>12,}{size:>10,}"
            f"  {'yes' if met else 'no'}"
        )
    return 0 if all_met else 1


def figures(kind: str) -> tuple[float, float, int, int]:
    """Return seconds of rendering, peak MiB of this process, characters and UTF-8 bytes."""
    report = report_of(kind)
    started = process_time()
    text = report_markdown(report)
    seconds = process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    mebibyte = 2**20 if sys.platform == "darwin" else 2**10  # macOS counts bytes, Linux KiB
    return seconds, peak / mebibyte, len(text), len(text.encode())


def report_of(kind: str) -> Report:
    """Return a report of :data:`ROWS` comparisons."""
    verdicts = cycle(Verdict) if kind == "mixed" else cycle([Verdict.REGRESSED])
    filler = "|&<" if kind == "escaped" else "parameter=12, "
    rows = []
    for index, verdict in zip(range(ROWS), verdicts, strict=False):
        ratio = 1.0 if verdict is Verdict.UNCHANGED else 1.1 + index % 1000 / 500
        name = f"suite.time_{index}({filler * NAME_CHARACTERS}"[:NAME_CHARACTERS]
        rows.append(
            Comparison(
                benchmark=BenchmarkId(name),
                unit=Unit.SECONDS,
                verdict=verdict,
                base=Summary(median=0.1, low=0.09, high=0.11, n=12),
                head=Summary(median=0.1 * ratio, low=0.09 * ratio, high=0.11 * ratio, n=12),
                shift=Shift(
                    verdict=verdict,
                    ratio=Interval(ratio * 0.98, ratio, ratio * 1.02, 0.99),
                    p_value=0.001,
                    floor=0.05,
                    n_base=12,
                    n_head=12,
                    design="interleaved",
                ),
            )
        )
    return Report(command="compare", comparisons=tuple(rows), rounds=12, seconds=60.0)


if __name__ == "__main__":
    sys.exit(main())
