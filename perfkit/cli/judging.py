"""The options of the verbs that judge a change: how to measure, and what becomes of the report.

Written once as two dataclasses, of which :func:`spread` makes options of a verb.
"""

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, get_type_hints

from perfkit.cli import options

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from perfkit.cli.invocation import Invocation
    from perfkit.config.load import Settings
    from perfkit.forge.git import Repository
    from perfkit.gate.shards import Part
    from perfkit.model import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """How to measure; None where the option was not given."""

    bench: options.Bench = None
    min_rounds: options.MinRounds = None
    max_rounds: options.MaxRounds = None
    budget: options.TimeBudget = None
    seed: options.Seed = 0
    cpu_affinity: options.CpuAffinity = None
    load_wait: options.LoadWait = None
    isolate: options.Isolate = False
    shard: options.Shard = None

    def settings(self, invocation: "Invocation") -> "Settings":
        """Return the settings in force, with these options over them."""
        from perfkit.cli.settings import settings_of

        return settings_of(
            invocation,
            min_rounds=self.min_rounds,
            max_rounds=self.max_rounds,
            time_budget=self.budget,
            load_wait=self.load_wait,
        )

    @property
    def part(self) -> "Part | None":
        """The shard that is meant; None for the whole suite. UsageError where it means none."""
        from perfkit.gate.shards import Part

        return None if self.shard is None else Part.parse(self.shard)

    @property
    def given(self) -> bool:
        """Whether any of them says how to measure, and not only which benchmarks."""
        return any(
            getattr(self, field.name) != field.default
            for field in dataclasses.fields(self)
            if field.name != "bench"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What becomes of the report."""

    culprits: options.Culprits = True
    output: options.ReportFile = None
    html: options.HtmlFile = None
    every_row: options.EveryRow = False
    strict: options.Strict = False
    comment: options.PostComment = False
    json: options.Json = False

    def finish(
        self,
        invocation: "Invocation",
        report: "Report",
        repository: "Repository",
        settings: "Settings",
    ) -> int:
        """Write, print and post the report as it is wanted; return its exit code."""
        from perfkit.cli.change import finish_report
        from perfkit.cli.posting import post_report

        code = finish_report(
            invocation,
            report,
            repository,
            output=self.output,
            html=self.html,
            every_row=self.every_row,
            strict=self.strict,
        )
        if self.comment:
            post_report(report, settings.monitoring.comment)
        return code


def spread(verb: Callable[..., int]) -> Callable[..., int]:
    """Return ``verb`` with an option for every field of its parameters that are dataclasses.

    The signature is what typer reads; the fields carry typer's annotations.
    """
    parameters: list[inspect.Parameter] = []
    groups: dict[str, type[DataclassInstance]] = {}
    for parameter in inspect.signature(verb, eval_str=True).parameters.values():
        group = parameter.annotation
        if not (isinstance(group, type) and dataclasses.is_dataclass(group)):
            parameters.append(parameter)
            continue
        groups[parameter.name] = group
        hints = get_type_hints(group, include_extras=True)
        parameters += [
            inspect.Parameter(
                field.name, parameter.kind, default=field.default, annotation=hints[field.name]
            )
            for field in dataclasses.fields(group)
        ]

    @wraps(verb)
    def called(**given: object) -> int:
        for name, group in groups.items():
            given[name] = group(
                **{field.name: given.pop(field.name) for field in dataclasses.fields(group)}
            )
        return verb(**given)

    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # for inspect.signature
    called.__annotations__ = {one.name: one.annotation for one in parameters}
    return called
