"""`perfkit load`: does it hold under load?"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfkit.cli import options
from perfkit.errors import ExitCode, UsageError
from perfkit.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from perfkit.cli.invocation import Invocation
    from perfkit.config.document import Value
    from perfkit.model import LoadResult
    from perfkit.reliability.drive import LoadProgress


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
        str | None, _text("--availability", "Smallest share that does not fail: 99.9%.", "SHARE")
    ] = None,
    samples: Annotated[
        Path | None,
        typer.Option("--samples", metavar="FILE", help="Write every request as CSV."),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page with plots; works offline."),
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
    from perfkit.config.load_plan import read_load_plan
    from perfkit.durable import write_whole
    from perfkit.reliability.load import run_load
    from perfkit.reliability.samples import samples_csv
    from perfkit.reporting.load_html import load_html
    from perfkit.reporting.load_text import load_text, load_values

    del json  # its callback has acted
    invocation = options.invocation_of(context)
    if target is None and plan is None:
        raise UsageError("perfkit load needs a TARGET, or a plan with one: --plan FILE")
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
        "timeout": ("--timeout", timeout),
        "most_waiting": ("--most-waiting", most_waiting),
        "most_requests": ("--most-requests", most_requests),
        "p50": ("--p50", p50),
        "p95": ("--p95", p95),
        "p99": ("--p99", p99),
        "max": ("--max", largest),
        "availability": ("--availability", availability),
    }
    settled = read_load_plan(plan, {key: one for key, one in given.items() if one[1] is not None})
    with _watching(invocation) as on_progress:
        record, result = run_load(
            settled, cwd=Path.cwd(), owned=i_own_this_host, on_progress=on_progress
        )
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
