"""`perfkit load`: does it hold under load?"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options
from perfkit.errors import ExitCode, UsageError
from perfkit.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from perfkit.cli.invocation import Invocation
    from perfkit.config.document import Value
    from perfkit.config.load_plan import LoadPlan
    from perfkit.model import LoadResult
    from perfkit.reliability.drive import LoadProgress
    from perfkit.reliability.record import LoadRecord


MINUTES = re.compile(r"(?<=[0-9])\s*m$")
"""Minutes of a soak. Elsewhere ``m`` is refused, since it means minutes to some and milli to
others; nobody soaks for milliseconds."""


def _text(name: str, words: str, metavar: str = "TIME") -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(name, metavar=metavar, help=words)
    return option


def load(
    context: typer.Context,
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET",
            help="http(s)://..., mcp:stdio:COMMAND, mcp:http(s)://..., or pkg.mod:callable.",
        ),
    ] = None,
    *,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", metavar="FILE", help="A YAML file; options count more than it."),
    ] = None,
    rate: Annotated[
        str | None, _text("--rate", "Requests that are due, such as 200/s. Default: 10/s.", "RATE")
    ] = None,
    hold: Annotated[str | None, _text("--for", "How long the rate is held. Default: 10s.")] = None,
    ramp: Annotated[str | None, _text("--ramp", "Rise to the rate over this time before.")] = None,
    warm: Annotated[
        str | None, _text("--warm", "Time at the rate before anything is judged. Default: 1s.")
    ] = None,
    spike: Annotated[
        str | None, _text("--spike", "A spike after holding, such as 800/s:5s.", "RATE:TIME")
    ] = None,
    recover: Annotated[
        str | None, _text("--recover", "Time at the normal rate afterwards; judged.")
    ] = None,
    arrivals: Annotated[
        str | None, _text("--arrivals", "poisson (default) or constant.", "KIND")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of the arrivals.")] = None,
    ramp_to_knee: Annotated[
        bool,
        typer.Option("--ramp-to-knee", help="Raise the rate until it no longer holds."),
    ] = False,
    step: Annotated[
        str | None, _text("--step", "Length of a step of that ramp. Default: 3s.")
    ] = None,
    longest: Annotated[
        str | None, _text("--longest", "That ramp starts no step after this. Default: 5min.")
    ] = None,
    soak: Annotated[
        str | None,
        _text("--soak", "Hold this long, and judge whether p99 and memory rise: 30min."),
    ] = None,
    pid: Annotated[
        int | None,
        typer.Option(
            "--pid", metavar="N", help="Whose memory a soak watches, with what it started."
        ),
    ] = None,
    timeout: Annotated[
        str | None, _text("--timeout", "A request that takes longer failed. Default: 10s.")
    ] = None,
    most_waiting: Annotated[
        int | None,
        typer.Option("--most-waiting", help="Requests that may wait at once. Default: 1000."),
    ] = None,
    most_requests: Annotated[
        int | None, typer.Option("--most-requests", help="Refuse larger plans. Default: 1000000.")
    ] = None,
    most_time: Annotated[
        str | None, _text("--most-time", "Refuse plans that take longer. Default: 2h.")
    ] = None,
    method: Annotated[str | None, _text("--method", "HTTP method.", "NAME")] = None,
    header: Annotated[
        list[str] | None,
        typer.Option("--header", metavar="NAME:VALUE", help="HTTP header; may be repeated."),
    ] = None,
    body: Annotated[
        Path | None, typer.Option("--body", metavar="FILE", help="Body of the HTTP request.")
    ] = None,
    tool: Annotated[str | None, _text("--tool", "MCP tool that is called.", "NAME")] = None,
    args: Annotated[str | None, _text("--args", "Its arguments, a JSON object.", "JSON")] = None,
    p50: Annotated[str | None, _text("--p50", "Largest median latency.")] = None,
    p95: Annotated[str | None, _text("--p95", "Largest 0.95 quantile of the latency.")] = None,
    p99: Annotated[str | None, _text("--p99", "Largest 0.99 quantile of the latency.")] = None,
    largest: Annotated[str | None, _text("--max", "Largest latency of all.")] = None,
    availability: Annotated[
        str | None, _text("--availability", "Smallest share of whole answers: 99.9%.", "SHARE")
    ] = None,
    capacity: Annotated[
        str | None, _text("--capacity", "Smallest rate that has to hold: 400/s.", "RATE")
    ] = None,
    p99_rise: Annotated[
        str | None, _text("--p99-rise", "Largest rise of p99 over a soak. Default: 20%.", "SHARE")
    ] = None,
    memory_rise: Annotated[
        str | None, _text("--memory-rise", "Largest rise of memory over it. Default: 8MiB.", "SIZE")
    ] = None,
    samples: Annotated[
        Path | None,
        typer.Option("--samples", metavar="FILE", help="Write every request as CSV."),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page with plots; works offline."),
    ] = None,
    engine: Annotated[
        str | None, _text("--engine", "perfkit (default), or locust for HTTP.", "NAME")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, max=64, help="Processes of Locust. Default: 2."),
    ] = None,
    i_own_this_host: Annotated[
        bool,
        typer.Option("--i-own-this-host", help="Load a host outside private networks."),
    ] = False,
    strict: options.Strict = False,
    json: options.Json = False,
) -> ExitCode:
    """Send requests at a planned rate, whatever the server does, and judge what users waited.

    Latency counts from when a request was due, so that a server that stalls cannot hide it; errors,
    timeouts and requests that could not be sent are failures. Where the generator itself was too
    late to tell, the answer is inconclusive.
    """
    from perfkit.cli.settings import settings_of
    from perfkit.config.load_plan import read_load_plan
    from perfkit.durable import write_whole
    from perfkit.reliability.samples import samples_csv
    from perfkit.reporting.load_html import load_html
    from perfkit.reporting.load_text import load_text, load_values

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    settings = settings_of(invocation)
    if target is None and plan is None and settings.monitoring.load.target is None:
        raise UsageError(
            "perfkit load needs a TARGET, a plan with one (--plan FILE), or load.target in"
            " config/monitoring_config.yaml"
        )
    spike_rate, _, spike_time = spike.partition(":") if spike is not None else (None, "", None)
    request = _request(method, header, body, tool, args)
    given: dict[str, tuple[str, Value | None]] = {
        "target": ("TARGET", target),
        "requests": ("--tool" if tool else "--method", [request] if request else None),
        "rate": ("--rate", rate),
        "hold": ("--for", hold),
        "ramp": ("--ramp", ramp),
        "warm": ("--warm", warm),
        "spike_rate": ("--spike", spike_rate),
        "spike": ("--spike", spike_time),
        "recover": ("--recover", recover),
        "arrivals": ("--arrivals", arrivals),
        "seed": ("--seed", seed),
        "soak": ("--soak", None if soak is None else MINUTES.sub("min", soak)),
        "step": ("--step", step),
        "longest": ("--longest", longest),
        "timeout": ("--timeout", timeout),
        "most_waiting": ("--most-waiting", most_waiting),
        "most_requests": ("--most-requests", most_requests),
        "most_time": ("--most-time", most_time),
        "p50": ("--p50", p50),
        "p95": ("--p95", p95),
        "p99": ("--p99", p99),
        "max": ("--max", largest),
        "availability": ("--availability", availability),
        "capacity": ("--capacity", capacity),
        "p99_rise": ("--p99-rise", p99_rise),
        "memory_rise": ("--memory-rise", memory_rise),
    }
    typed = {key: one for key, one in given.items() if one[1] is not None}
    settled = read_load_plan(plan, typed, settings)
    chosen = _Chosen(ramp_to_knee=ramp_to_knee, engine=engine, workers=workers, pid=pid)
    _refuse_what_does_not_fit(typed, settled, chosen)
    record, result = _sent(invocation, settled, chosen, owned=i_own_this_host)
    if samples is not None:
        write_whole(samples, samples_csv(record))
    if html is not None:
        write_whole(html, load_html(result))
    return invocation.finish(
        _code(result, strict=strict),
        text=load_text(result),
        values=load_values(result),
        status=result.status,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """The options of one run that no plan has."""

    ramp_to_knee: bool
    engine: str | None
    workers: int | None
    pid: int | None


def _refuse_what_does_not_fit(
    typed: "dict[str, tuple[str, Value | None]]", plan: "LoadPlan", chosen: _Chosen
) -> None:
    """Refuse options that would have no part in this load, rather than leave them out in silence.

    Raises UsageError.
    """
    if chosen.ramp_to_knee:
        _refuse_stages(plan)
        if "most_time" in typed:
            raise UsageError("--ramp-to-knee is bounded by --longest, not by --most-time")
    else:
        _only_with(typed, "--ramp-to-knee", ("--capacity", "--step", "--longest"))
    if not plan.soak:
        of_a_soak = {**typed, **({"pid": ("--pid", chosen.pid)} if chosen.pid is not None else {})}
        _only_with(of_a_soak, "--soak", ("--p99-rise", "--memory-rise", "--pid"))
    if chosen.engine not in {None, "perfkit", "locust"}:
        raise UsageError(f"--engine: found {chosen.engine!r}, wanted perfkit or locust")
    if chosen.engine == "locust":
        if chosen.ramp_to_knee or plan.soak:
            raise UsageError("--engine locust has neither --ramp-to-knee nor --soak")
    elif chosen.workers is not None:
        raise UsageError("--workers is of --engine locust, which was not given")


def _sent(
    invocation: "Invocation", plan: "LoadPlan", chosen: _Chosen, *, owned: bool
) -> "tuple[LoadRecord, LoadResult]":
    from perfkit.reliability.climb import find_knee
    from perfkit.reliability.load import run_load
    from perfkit.reliability.locust import run_on_locust

    if chosen.engine == "locust":
        return run_on_locust(plan, workers=chosen.workers or 2, owned=owned)
    here = Path.cwd()
    with _watching(invocation) as on_progress:
        if chosen.ramp_to_knee:
            return find_knee(plan, cwd=here, owned=owned, on_progress=on_progress)
        return run_load(plan, cwd=here, owned=owned, on_progress=on_progress, process=chosen.pid)


def _only_with(
    typed: "dict[str, tuple[str, Value | None]]", wanted: str, names: "Sequence[str]"
) -> None:
    given = [option for option, _ in typed.values() if option in names]
    if given:
        verb = "is" if len(given) == 1 else "are"
        raise UsageError(f"{', '.join(given)} {verb} of {wanted}, which was not given")


def _refuse_stages(plan: "LoadPlan") -> None:
    named = {
        "ramp": plan.ramp,
        "soak": plan.soak,
        "spike": plan.spike,
        "recover": plan.recover,
    }
    if given := [name for name, seconds in named.items() if seconds > 0]:
        raise UsageError(
            f"--ramp-to-knee makes its own stages: leave out {', '.join(given)}; --rate is its"
            " first step and --step the length of each"
        )


def _code(result: "LoadResult", *, strict: bool) -> ExitCode:
    # An objective that was missed before the interruption stays missed.
    open_end = result.interrupted and result.status is not Status.FAILED
    return result.status.exit_code(strict=strict, interrupted=open_end)


def _request(
    method: str | None,
    header: list[str] | None,
    body: Path | None,
    tool: str | None,
    args: str | None,
) -> "dict[str, Value]":
    """Return the request that the options describe, as it would stand in a plan."""
    import json

    request: dict[str, Value] = {}
    if method is not None:
        request["method"] = method
    if header:
        if bad := [one for one in header if ":" not in one]:
            raise UsageError(f"--header {bad[0]}: wanted NAME:VALUE, such as Accept:text/html")
        pairs = [one.partition(":") for one in header]
        request["headers"] = {name.strip(): value.strip() for name, _, value in pairs}
    if body is not None:
        try:
            request["body"] = body.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--body {body}: {error}") from None
    if tool is not None:
        request["tool"] = tool
    if args is not None:
        try:
            request["arguments"] = json.loads(args)
        except ValueError as error:
            raise UsageError(f"--args: {error}; wanted a JSON object") from None
    return request


@contextmanager
def _watching(invocation: "Invocation") -> "Iterator[Callable[[LoadProgress], None]]":
    """Yield what shows progress on a terminal: a bar with the time that is left."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = invocation.console(stderr=True)
    if not (invocation.progress and console.is_terminal):
        yield lambda _: None
        return
    columns = (BarColumn(bar_width=20), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def move(now: "LoadProgress") -> None:
            bar.update(
                task,
                completed=now.seconds,
                total=now.total_seconds,
                description=f"{now.sent} sent, {now.waiting} waiting, {now.failed} failed",
            )

        yield move
