"""``perfkit alerts``: what fires, what would fire, and telling somebody."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options
from perfkit.errors import ExitCode

if TYPE_CHECKING:
    from perfkit.config.load import Settings
    from perfkit.monitoring.rules import Rule

alerts = typer.Typer(help="Evaluate alert rules and tell somebody.", no_args_is_help=True)


@alerts.command("test")
def replay(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Scenarios, as promtool's unit tests.")
    ],
    *,
    json: options.Json = False,
) -> ExitCode:
    """Replay scenarios: series, and which alerts of the configured rules have to fire when.

    Exits 1 where an alert fires that should not, or does not fire that should.
    """
    from perfkit.cli.settings import settings_of
    from perfkit.monitoring.scenario import play, read_scenarios
    from perfkit.monitoring.text import outcomes_text, outcomes_values

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "alerts test"
    rules = _rules(settings_of(invocation))
    read = [scenario for file in files for scenario in read_scenarios(file)]  # all, before any runs
    outcomes = [outcome for scenario in read for outcome in play(scenario, rules)]
    passed = all(outcome.passed for outcome in outcomes)
    return invocation.finish(
        ExitCode.PASSED if passed else ExitCode.FAILED,
        text=outcomes_text(outcomes),
        values=outcomes_values(outcomes),
    )


@alerts.command()
def check(
    context: typer.Context, *, store: options.TelemetryStore = None, json: options.Json = False
) -> ExitCode:
    """Evaluate every rule once, on the telemetry store; exits 1 where an alert fires.

    How long conditions have lasted follows from the store, so that `for` holds here as well.
    """
    import time

    from perfkit.cli.settings import settings_of, store_path
    from perfkit.monitoring.routing import mute
    from perfkit.monitoring.store_telemetry import StoreTelemetry, open_store
    from perfkit.monitoring.text import evaluation_text, evaluation_values
    from perfkit.monitoring.watch import evaluate_past

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "alerts check"
    settings = settings_of(invocation)
    rules = _rules(settings)
    configured = settings.monitoring.alerts
    with open_store(store_path(store, settings)) as opened:
        telemetry = StoreTelemetry(opened)
        _, found = evaluate_past(rules, telemetry, time.time(), interval=configured.interval)
    found = found.with_notes(telemetry.notes)
    muted = mute(found.firing, configured.silences, configured.inhibitions, found.at)
    loud = len(found.firing) > len(muted)
    return invocation.finish(
        ExitCode.FAILED if loud else ExitCode.PASSED,
        text=evaluation_text(found, muted),
        values=evaluation_values(found, muted),
    )


@alerts.command()
def watch(
    context: typer.Context,
    *,
    store: options.TelemetryStore = None,
    lasting: Annotated[
        str | None,
        typer.Option("--for", metavar="DURATION", help="End after this: 10min. Default: never."),
    ] = None,
    interval: Annotated[
        str | None,
        typer.Option("--interval", metavar="DURATION", help="Evaluate this often: 1s."),
    ] = None,
    json: options.Json = False,
) -> ExitCode:
    """Evaluate the rules on a schedule, and tell the receivers; exits 1 where one fires at the end.

    Messages wait in the journal until they are delivered, also over a restart.
    """
    import os
    import time

    from perfkit.cli.settings import settings_of, store_path
    from perfkit.config.load import Override
    from perfkit.config.units import parse_duration
    from perfkit.errors import UsageError
    from perfkit.monitoring.delivery import Delivery, senders
    from perfkit.monitoring.journal import Journal
    from perfkit.monitoring.payloads import one_line
    from perfkit.monitoring.routing import Router
    from perfkit.monitoring.store_telemetry import StoreTelemetry, open_store
    from perfkit.monitoring.text import evaluation_text, evaluation_values
    from perfkit.monitoring.watch import evaluate_past
    from perfkit.monitoring.watch import watch as steps

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    invocation.command = "alerts watch"
    try:
        limit = None if lasting is None else parse_duration(lasting)
    except UsageError as error:
        raise UsageError(f"--for: {error}") from None
    chosen = [] if interval is None else [Override("alerts.interval", interval, "--interval")]
    settings = settings_of(invocation, also=chosen)
    monitoring, rules = settings.monitoring, _rules(settings)
    router = Router(monitoring)
    reached = senders(router.receivers, environ=os.environ)
    console = invocation.console(stderr=True)
    with open_store(store_path(store, settings)) as opened:
        journal = Journal(Path(monitoring.notification.journal))
        try:
            router.restore(journal.history)
            telemetry = StoreTelemetry(opened)
            evaluator, _ = evaluate_past(
                rules, telemetry, time.time(), interval=monitoring.alerts.interval
            )
            until = None if limit is None else time.monotonic() + limit
            last = None
            delivery = Delivery(journal, reached)

            def tell(notes: Iterable[str]) -> None:
                for note in notes:
                    console.print(f"! {one_line(note)}", soft_wrap=True, markup=False)

            for step in steps(
                evaluator,
                telemetry,
                router,
                delivery,
                until=until,
                clock=time.time,
                monotonic=time.monotonic,
                sleep=time.sleep,
            ):
                told, telemetry.notes = telemetry.notes, []
                tell((*step.notes, *told))
                last = step
            tell(delivery.finish(time.monotonic()))
        finally:
            journal.close()
    assert last is not None  # noqa: S101  # the first step comes before any end
    loud = len(last.evaluation.firing) > len(last.muted)
    code = ExitCode.FAILED if loud else ExitCode.PASSED
    return invocation.finish(
        ExitCode.MEASUREMENT if last.blind else code,
        text=evaluation_text(last.evaluation, last.muted),
        values={
            **evaluation_values(last.evaluation, last.muted),
            "undelivered": len(journal.pending),
        },
    )


def _rules(settings: "Settings") -> "tuple[Rule, ...]":
    from perfkit.errors import UsageError
    from perfkit.monitoring.rules import rules_of

    rules = rules_of(settings)
    if not rules:
        raise UsageError("found no alert rule, wanted some under alerts in monitoring_config.yaml.")
    return rules
