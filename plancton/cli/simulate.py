"""The verb that runs the scheduler's decisions on a node that isn't there."""

import functools
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from plancton.cli.config import EXIT_CONFIG, EXIT_NO_INPUT, load, refuse, text_of
from plancton.cli.numbers import FiniteRange
from plancton.cli.pictures import draw_into, picture_option
from plancton.cli.progress import Progress
from plancton.cli.simulation.report import rows, title
from plancton.cli.simulation.result import Course, Result, Scenario
from plancton.cli.simulation.run import Run
from plancton.cli.simulation.synthetic import DEFAULT_LOADS, NAMES, synthetic
from plancton.cli.simulation.traces import Trace, TraceError, parse
from plancton.common.config import Rejected
from plancton.common.numerals import quantity
from plancton.common.paths import Paths
from plancton.common.settings import Settings

_DAY = 86_400.0
_BYTES_FOR_A_CPU = 4 * 2**30
_LARGEST_TRACE_BYTES = 64 * 2**20


def _memory(_ctx: click.Context, _param: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    number = quantity(text, "bytes")
    if number is None or number < 1:
        message = f"{text!r} is no size such as 64GB or 128GiB."
        raise click.BadParameter(message)
    return int(number)


@click.command()
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="The configuration. [default: yours]")
@click.option("--cpus", type=click.IntRange(1, 4096), default=64, show_default=True, help="CPUs of the node.")
@click.option("--ram", callback=_memory, help="Its memory, such as 256GB. [default: 4 GiB for each CPU]")
@click.option("--trace", "trace_file", type=click.Path(path_type=Path), help="What the owner asks for: a CSV file.")
@click.option("--synthetic", "name", type=click.Choice(NAMES), help="Or an owner made up. [default: office]")
@click.option("--load", "load_percent", type=FiniteRange(0, 100), help="Percent of the CPUs: constant, noise.")
@click.option("--days", type=FiniteRange(0.01, 366), help="How long. [default: 7, or the trace's length]")
@click.option("--pilot-seconds", type=FiniteRange(1), default=600.0, show_default=True, help="A pilot's work.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same simulation.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option(
    "--plot", "picture", type=click.Path(path_type=Path), callback=picture_option, help="Draw a .png or .svg too."
)
@click.pass_obj
def simulate(  # noqa: PLR0913 - one for each option
    paths: Paths,
    *,
    config_file: Path | None,
    cpus: int,
    ram: int | None,
    trace_file: Path | None,
    name: str | None,
    load_percent: float | None,
    days: float | None,
    pilot_seconds: float,
    seed: int,
    as_json: bool,
    picture: Path | None,
) -> None:
    """Simulate a node for days, with the decisions that planctond would make.

    Tells how much of what the owner left was used, what was evicted and lost, and how soon the owner had what they
    asked for. A trace has the columns seconds,cpus and, if you like, memory_bytes; each line holds until the next. A
    pilot's work varies by half of --pilot-seconds around it. Exits 78 for a bad configuration, 66 for a bad file.
    """
    _check(trace_file, name, load_percent)
    name = name or "office"
    settings = _settings(config_file or paths.config_file, may_be_missing=config_file is None)
    owner, seconds = _owner(trace_file, name, cpus, days, load_percent, seed)
    scenario = Scenario(
        settings=settings,
        ncpus=cpus,
        ram_bytes=ram or cpus * _BYTES_FOR_A_CPU,
        owner=owner,
        seconds=seconds,
        pilot_seconds=pilot_seconds,
    )
    headline = title(scenario, str(trace_file) if trace_file else name)
    result, course, took = _play(scenario, seed)
    if picture is not None:
        draw_into(picture, functools.partial(_drawing, course, scenario, headline))
    _print(headline, result, took, as_json=as_json)


def _check(trace_file: Path | None, name: str | None, load_percent: float | None) -> None:
    if trace_file is not None and name is not None:
        message = "--trace and --synthetic exclude each other"
        raise click.UsageError(message)
    if load_percent is not None and name not in DEFAULT_LOADS:
        message = f"--load is for --synthetic {' and '.join(DEFAULT_LOADS)}"
        raise click.UsageError(message)


def _settings(file: Path, *, may_be_missing: bool) -> Settings:
    loaded = load(file, may_be_missing=may_be_missing)
    if isinstance(loaded, Rejected):
        for problem in (*loaded.problems, *loaded.warnings):
            click.echo(problem, err=True)
        sys.exit(EXIT_CONFIG)
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    return loaded.settings


def _owner(  # noqa: PLR0913, PLR0917 - each says something else of the owner
    file: Path | None, name: str, cpus: int, days: float | None, load_percent: float | None, seed: int
) -> tuple[Trace, float]:
    """Return what the owner asks for, and for how long that is simulated."""
    if file is None:
        seconds = (days or 7.0) * _DAY
        percent = DEFAULT_LOADS.get(name, 0.0) if load_percent is None else load_percent
        return synthetic(name, cpus, seconds, percent, random.Random(seed).random), seconds  # noqa: S311 - no secret
    try:
        with file.open("rb") as stream:
            content = stream.read(_LARGEST_TRACE_BYTES + 1)
    except OSError as error:
        refuse(file, f"can't be read: {error.strerror}")
    if len(content) > _LARGEST_TRACE_BYTES:
        refuse(file, f"is larger than {_LARGEST_TRACE_BYTES >> 20} MiB")
    try:
        owner = parse(text_of(content), str(file))
    except TraceError as error:
        click.echo(error, err=True)
        sys.exit(EXIT_NO_INPUT)
    return owner, days * _DAY if days is not None else owner.end_seconds


def _play(scenario: Scenario, seed: int) -> tuple[Result, Course, float]:
    began = time.monotonic()
    # Another sequence than the owner's, and the same at each asking.
    run = Run(scenario, lambda: random.Random(~seed).random)  # noqa: S311 - no secret
    with Progress(repeat_seconds=30.0) as progress:
        for done in run.play():
            progress.tell("simulating ...", f" {done / scenario.seconds:.0%}, day {done / _DAY:.1f}")
        progress.tell("asking the oracle ...")
        result = run.result()
    return result, run.course(), time.monotonic() - began


def _drawing(course: Course, scenario: Scenario, headline: str) -> Callable[[Path], None]:
    from plancton.cli.simulation.plot import draw  # noqa: PLC0415 - matplotlib is an extra, and slow to import

    return functools.partial(draw, course, scenario, headline)


def _print(headline: str, result: Result, took: float, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(result), indent=2))
        return
    cells = list(rows(result))
    wide = [max(len(row[column]) for row in cells) for column in (0, 1)]
    click.echo(headline)
    click.echo()
    for what, number, meaning in cells:
        click.echo(f"{what:<{wide[0]}}  {number:>{wide[1]}}  {meaning}")
    click.echo()
    click.echo(f"simulated in {took:.1f} s, {result.seconds / max(took, 1e-9):,.0f} times as fast as real time")
