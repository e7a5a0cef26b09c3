"""The tables of the change-point section of docs/accuracy.md."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from detectors import DETECTORS, LABELS
from histories import DRIFTS, LENGTH, MARGIN, NOISE, STEPS, STILL
from pages import table
from scoring import Counts, Outcome, bootstrap, f_score, interval

HELD_OUT = "scipy"
POOLED_DRIFTS = DRIFTS[:3]
"""The slow drifts; the random walk is shown apart, and left out of the pooled figures."""


def block(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table and the empty line after it."""
    return [*table(list(header), [list(row) for row in rows]), ""]


def synthetic_section(outcome: Outcome, facts: dict[str, float]) -> list[str]:
    """Return the tables of the synthetic families."""
    pool = (*STILL, *POOLED_DRIFTS)
    labels = [LABELS[tool] for tool in DETECTORS]
    lines = [
        f"### Synthetic histories: {LENGTH} points, {NOISE:.0%} noise, one to three steps",
        "",
        "Change-free series with any alarm:",
        "",
    ]
    rows = []
    for family in (*STILL, *DRIFTS):
        by_tool = outcome.pooled(lambda f, s, wanted=family: f == wanted and s == 0)
        shares = [np.mean([c.false > 0 for c in rows_]) for rows_ in by_tool.values()]
        if family in STILL:
            facts["still"] = max(facts.get("still", 0.0), float(shares[0]))
        rows.append(
            [f"{family} ({len(by_tool['perfkit'])})", *(f"{share:.1%}" for share in shares)]
        )
    slow = outcome.pooled(lambda f, s: f in POOLED_DRIFTS and s == 0)
    facts["drift"] = float(np.mean([c.false > 0 for c in slow["perfkit"]]))
    rows.append(
        [
            "slow drifts together",
            *(f"{np.mean([c.false > 0 for c in r]):.1%}" for r in slow.values()),
        ]
    )
    lines += block(["family (series)", *labels], rows)
    lines += [
        (
            f"F1 within {MARGIN} points. The pool has the seven still families and, with the "
            "weight of one, the three slow drifts; change-free series have the weight of one size:"
        ),
        "",
    ]
    pooled = outcome.pooled(lambda f, _: f in pool)
    rows = []
    for tool, values in bootstrap(pooled).items():
        precision, recall, f1 = f_score(pooled[tool])
        rows.append(
            [LABELS[tool], f"{precision:.3f}", f"{recall:.3f}", f"{f1:.3f}", interval(values)]
        )
    lines += block(["tool", "precision", "recall", "F1", "95 % interval"], rows)
    rows = []
    for family in (*STILL, *DRIFTS):
        by_tool = outcome.pooled(lambda f, _, wanted=family: f == wanted)
        rows.append([family, *(f"{f_score(r)[2]:.3f}" for r in by_tool.values())])
    lines += ["F1 by family:", "", *block(["family", *labels], rows)]
    rows = []
    for step in STEPS:
        by_tool = outcome.pooled(lambda f, s, wanted=step: f in STILL and s == wanted)
        rows.append([f"{step:.0%}", *(f"{f_score(r)[1]:.3f}" for r in by_tool.values())])
    lines += ["Recall by size of step, still families:", "", *block(["step", *labels], rows)]
    plain = outcome.pooled(lambda f, s: f == "lognormal" and s == 0.05)
    facts["recall"] = f_score(plain["perfkit"])[1]
    facts["f1"] = f_score(pooled["perfkit"])[2]
    lines += [
        "Recall of a 5 % step, lognormal: "
        + ", ".join(f"{LABELS[tool]} {f_score(r)[1]:.3f}" for tool, r in plain.items())
        + ".",
        "",
    ]
    return lines


def semi_real_section(outcome: Outcome, facts: dict[str, float]) -> list[str]:
    """Return the tables of the resampled real histories."""
    lines = ["### Semi-real histories", ""]
    for collection, role in ((HELD_OUT, "held out"), ("numpy", "used for tuning")):
        pooled = outcome.pooled(lambda f, _, wanted=collection: f == wanted)
        if not pooled["perfkit"]:
            continue
        still = outcome.pooled(lambda f, s, wanted=collection: f == wanted and s == 0)
        scores = bootstrap(pooled)
        lines += [
            f"{collection} ({role}), {len(pooled['perfkit'])} histories of {LENGTH} points:",
            "",
        ]
        rows = []
        for tool, values in scores.items():
            precision, recall, f1 = f_score(pooled[tool])
            alarms = 1000 * sum(c.false for c in still[tool]) / sum(c.points for c in still[tool])
            if tool == "perfkit" and collection == HELD_OUT:
                asv = scores["perfkit"] - scores["asv"]
                facts |= {"semi f1": f1, "semi alarms": alarms}
                facts["semi asv"] = float(np.quantile(asv, 0.025))
            rows.append(
                [
                    LABELS[tool],
                    f"{precision:.3f}",
                    f"{recall:.3f}",
                    f"{f1:.3f}",
                    interval(values),
                    "" if tool == "perfkit" else interval(scores["perfkit"] - values),
                    f"{alarms:.2f}",
                ]
            )
        header = ["tool", "precision", "recall", "F1", "95 % interval", "perfkit minus tool"]
        lines += block([*header, "alarms per 1000 change-free points"], rows)
    return lines


def delay_section(
    delays: list[dict[str, float]], lost: list[dict[str, Counts]], facts: dict[str, float]
) -> list[str]:
    """Return delay to a 3-sigma step, and the recall of excursions."""
    rows = []
    for tool in DETECTORS:
        values = np.array([d[tool] for d in delays])
        found = values[np.isfinite(values)]
        if tool == "perfkit":
            facts["delay"] = float(values.mean())
        middle = np.median(values)
        share = f_score([row[tool] for row in lost])[1]
        rows.append(
            [
                LABELS[tool],
                f"{middle:.0f}" if math.isfinite(middle) else "more than 40",
                f"{found.mean():.1f}" if found.size else "",
                f"{found.size / values.size:.1%}",
                f"{share:.1%}",
            ]
        )
    header = ["tool", "median delay", "mean of those found", "found within 40", "excursions found"]
    return [
        "### Delay, and what goes away",
        "",
        (
            "Points of the new level needed before a step of 3 sigma alarms, analysed after each "
            f"point ({len(delays)} series); and the share of the changes of a 10 % excursion of 10 "
            "points that is reported, which perfkit leaves out on purpose (`min_stay`):"
        ),
        "",
        *block(header, rows),
    ]


def time_section(
    times: dict[int, dict[str, float]], batch: float, facts: dict[str, float]
) -> list[str]:
    """Return the time ratios."""
    facts["batch"] = batch
    for n, row in times.items():
        facts[f"otava {n}"] = row["otava"] / row["perfkit"]
        facts[f"asv {n}"] = row["asv"] / row["perfkit"]
    rows = [
        [
            f"{n}",
            *(f"{1000 * row[tool]:.2f}" for tool in ("perfkit", "otava", "asv")),
            *(f"1/{row[tool] / row['perfkit']:.1f}" for tool in ("otava", "asv")),
        ]
        for n, row in times.items()
    ]
    header = ["n", "perfkit, ms", "Otava, ms", "asv, ms", "of Otava", "of asv"]
    return [
        "### Time",
        "",
        "One series with a step every 250 points, processor time, least of some repeats:",
        "",
        *block(header, rows),
        f"1000 series of 1000 points, batched on one core: {batch:.1f} s of processor time.",
        "",
    ]


def losses(lines: Sequence[str]) -> list[str]:
    """Return where another tool does better, read from the tables with one column a tool.

    Shares in per cent are alarms on change-free series, where less is better.
    """
    found = []
    title = ""
    for line in lines:
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if not line.startswith("|"):
            title = line.rstrip(":").split(". ", maxsplit=1)[0] or title
        elif cells[1:] == list(LABELS.values()) or len(cells) != len(LABELS) + 1:
            continue
        elif all(cell.rstrip("%").replace(".", "", 1).isdigit() for cell in cells[1:]):
            sign = 1 if cells[1].endswith("%") else -1
            own, *others = (sign * float(cell.rstrip("%")) for cell in cells[1:])
            names = list(LABELS.values())[1:]
            better = [
                f"{name} {cells[i + 2]}"
                for i, (name, other) in enumerate(zip(names, others, strict=True))
                if other < own
            ]
            if better:
                found.append(f"- {title}, {cells[0]}: {', '.join(better)}; perfkit {cells[1]}")
    return ["### Where another tool does better", "", *found, ""]


def requirements(facts: dict[str, float]) -> list[str]:
    """Return what was required, what this run gave, and whether it is met; plainly."""
    wanted = [
        ("worst still family, change-free series with an alarm", "still", "<=", 0.01, "{:.2%}"),
        ("slow drifts together, the same", "drift", "<=", 0.03, "{:.2%}"),
        ("synthetic F1, all sizes", "f1", ">=", 0.88, "{:.3f}"),
        ("semi-real F1, held-out histories", "semi f1", ">=", 0.68, "{:.3f}"),
        ("the same minus asv, lower end of the interval", "semi asv", ">=", 0.0, "{:.3f}"),
        (
            "alarms per 1000 semi-real points, held out",
            "semi alarms",
            "<=",
            0.5,
            "{:.2f}",
        ),
        ("recall of a 5 % step, lognormal", "recall", ">=", 0.88, "{:.3f}"),
        ("mean delay to a 3-sigma step, points", "delay", "<=", 4.0, "{:.2f}"),
        ("times as fast as Otava, n = 100", "otava 100", ">=", 1.0, "{:.1f}"),
        ("the same, n = 1000", "otava 1000", ">=", 8.0, "{:.1f}"),
        ("the same, n = 10 000", "otava 10000", ">=", 10.0, "{:.1f}"),
        ("the same, n = 100 000", "otava 100000", ">=", 10.0, "{:.1f}"),
        ("times as fast as asv, n = 1000", "asv 1000", ">=", 15.0, "{:.1f}"),
        ("the same, n = 10 000", "asv 10000", ">=", 20.0, "{:.1f}"),
        ("the same, n = 100 000", "asv 100000", ">=", 50.0, "{:.1f}"),
        ("1000 series of 1000 points, seconds", "batch", "<=", 3.0, "{:.1f}"),
    ]
    rows = []
    for label, key, relation, limit, form in wanted:
        if key in facts:
            met = facts[key] <= limit if relation == "<=" else facts[key] >= limit
            wish = f"{relation} {form.format(limit)}"
            rows.append([label, wish, form.format(facts[key]), "yes" if met else "NO"])
    return [
        "### Required and measured in this run",
        "",
        *block(["figure", "required", "measured", "met"], rows),
    ]
