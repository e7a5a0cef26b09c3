"""What to do when an alert fires, for each configured rule, as Markdown. Pure."""

from collections.abc import Iterator, Sequence

from perfkit.config.alerting import AlertRule, Notification, Severity
from perfkit.config.objectives import Objective
from perfkit.config.units import format_duration, format_level, format_ratio

SIGNALS = {
    "error-ratio": "the share of calls that fail",
    "degraded-ratio": "the share of degraded answers",
    "rate": "the number of calls a second",
    "p50": "the median time of a call",
    "p95": "the time of the slowest 5 % of calls",
    "p99": "the time of the slowest 1 % of calls",
    "memory": "the resident memory",
}

SOON: dict[Severity, str] = {
    "page": "now, at any hour",
    "ticket": "on a working day",
    "info": "when there is time",
}


def procedures(
    rules: Sequence[AlertRule], notification: Notification, objectives: Sequence[Objective]
) -> str:
    """Return a section for each rule: what it means, a first look, what to type, who is told."""
    if not rules:
        return (
            "# When an alert fires\n\nNo alert rule is configured: `alerts.rules` in"
            " `config/monitoring_config.yaml`.\n"
        )
    known = {one.name: one for one in objectives}
    every = [_section(rule, notification, known.get(rule.objective or "")) for rule in rules]
    return "\n".join(["# When an alert fires", "", *every])


def _section(rule: AlertRule, notification: Notification, objective: Objective | None) -> str:
    look, commands = first_look(rule)
    typed = "\n".join(f"    {command}" for command in commands)
    told = "\n".join(f"- {line}" for line in who_is_told(rule, notification))
    what = f"\nWhat its rule says to do: {rule.why}.\n" if rule.why else ""
    return f"""## {rule.name}

Means: {meaning(rule, objective)}.

First look: {look}.

{typed}
{what}
Who is told:

{told}
"""


def meaning(rule: AlertRule, objective: Objective | None) -> str:
    """Return in words when the rule fires."""
    where = f"of {rule.component}" if rule.component else "of a component"
    if rule.call:
        where = f"of {rule.call} {where}"
    elif rule.by_call:
        where = f"of one kind of call {where}"
    window = format_duration(rule.window)
    level = rule.above or rule.below
    limit = "" if level is None else format_level(level)
    match rule.kind:
        case "threshold":
            side = "above" if rule.above is not None else "below"
            signal = SIGNALS[rule.signal] if rule.signal is not None else "the signal"
            text = f"{signal} {where} is {side} {limit} over {window}"
        case "burn-rate":
            text = f"the error budget of *{rule.objective}* burns faster than it lasts"
            if objective is not None:
                within = (
                    ""
                    if objective.within is None
                    else (f" within {format_duration(objective.within)}")
                )
                text += (
                    f": {format_ratio(objective.target)} of the calls of {objective.component} have"
                    f" to be good{within} over {format_duration(objective.window)}"
                )
        case "no-data":
            text = f"nothing was recorded {where} for {window}: it is down, idle, or not watched"
        case "quality":
            text = (
                f"the mean of the quality *{rule.quality}* {where} is below {limit} over {window}"
            )
        case _:
            text = f"the memory {where} grew by more than {limit} over {window}"
    return text + (f", for {format_duration(rule.hold)}" if rule.hold else "")


CHECK, SLO = "perfkit alerts check", "perfkit slo"
COMPARE, LOG = "perfkit compare LAST_GOOD HEAD", "git log --oneline LAST_GOOD..HEAD"
ASK = "perfkit load TARGET --rate 1/s --for 10s"

GROWS = "how long it has run and how fast it grows; a new start frees the memory and buys time"
SLOW = "whether the load rose or the code changed; a release is the usual cause: undo it first"

LOOKS: dict[str, tuple[str, list[str]]] = {
    "burn-rate": (
        "which calls fail or are slow, and since when; a release is the usual cause: undo it first",
        [CHECK, SLO, COMPARE],
    ),
    "no-data": (
        (
            "whether the process runs and answers; then whether its store can be written (a full"
            " disk, permissions). A store that is lost is restored as above"
        ),
        [CHECK, ASK, "df -h ."],
    ),
    "quality": (
        "whether the input changed or the code: try the same input with the last good version",
        [CHECK, LOG],
    ),
    "leak": (GROWS, [CHECK, "perfkit leaks pkg.mod:callable"]),
    "memory": (GROWS, [CHECK, "perfkit leaks pkg.mod:callable"]),
    "rate": ("whether it still answers, and whether its callers changed", [CHECK, ASK]),
    "degraded-ratio": (
        (
            "which fallback answers: an open breaker (`guard.breaker`), a full bulkhead"
            " (`guard.in_use`), or a dependency that is gone"
        ),
        [CHECK, SLO],
    ),
    "error-ratio": (
        (
            "the first error in the log of that time, by its correlation id; a release is the"
            " usual cause: undo it first"
        ),
        [CHECK, SLO, LOG],
    ),
    "p50": (SLOW, [CHECK, COMPARE, "perfkit history"]),
    "p95": (SLOW, [CHECK, COMPARE, "perfkit history"]),
    "p99": (SLOW, [CHECK, COMPARE, "perfkit history"]),
}
"""Signal of a threshold, or kind of a rule -> what to look at first, and the commands to type."""


def first_look(rule: AlertRule) -> tuple[str, list[str]]:
    """Return what to look at first, and the commands to type."""
    return LOOKS[rule.signal or rule.kind]


def who_is_told(rule: AlertRule, notification: Notification) -> Iterator[str]:
    """Yield who hears of the rule, and how soon they have to look."""
    severities: list[Severity] = ["page", "ticket"] if rule.kind == "burn-rate" else [rule.severity]
    for severity in severities:
        names = [
            f"{one.name} ({one.kind})"
            for one in notification.receivers
            if one.severity in {None, severity}
        ]
        if not notification.receivers:
            names = ["standard error of `perfkit alerts watch`"]
        told = ", ".join(names) or "nobody: no receiver takes this severity"
        yield f"{severity}, {SOON[severity]}: {told}"
