"""``python -m bench``: measure planctond beside its references, print a table, write JSON."""

import signal
from pathlib import Path
from typing import Literal

import click
import msgspec
from rich.console import Console

from bench import host
from bench.plan import FULL, MEASURES, QUICK, Order, run
from bench.progress import Progress
from bench.report import show
from bench.results import checks
from bench.subjects import Pilot

WIDTH = 110


def _chosen(_: click.Context, __: click.Parameter, text: str | None) -> frozenset[str]:
    names = frozenset(name.strip() for name in text.split(",")) if text else frozenset(MEASURES)
    if strange := names - set(MEASURES):
        msg = f"no such figure: {', '.join(sorted(strange))}; there are {', '.join(MEASURES)}"
        raise click.BadParameter(msg)
    return names


@click.command()
@click.option("--only", "chosen", callback=_chosen, metavar="LIST", help=f"Of {','.join(MEASURES)}; default: all.")
@click.option("--pilots", default=8, show_default=True, type=click.IntRange(1, 200), help="Pilots on the full node.")
@click.option("--runs", type=click.IntRange(1, 100), help="Repeats of each figure.  [default: 2; 3 with --full]")
@click.option("--full", is_flag=True, help="Longer windows: better figures, an hour instead of a quarter of one.")
@click.option("--lives", help="Seconds that pilots live, as a list, each with its window: 5:20,20:40,60:60")
@click.option("--subject", default="all", type=click.Choice(["all", "references", "planctond"]), show_default=True)
@click.option("--image", default="busybox", show_default=True, help="Must be on the engine and have /bin/sleep.")
@click.option("--network", help="The pilots' network.  [default: bridge, or none where the engine has no bridge]")
@click.option("--cpus", default=0.1, show_default=True, help="Each pilot's CPU quota.")
@click.option("--json", "file", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write all here.")
@click.option("--check", is_flag=True, help="Exit 1 when a figure misses its target.")
def main(  # noqa: PLR0913
    *,
    chosen: frozenset[str],
    pilots: int,
    runs: int | None,
    full: bool,
    lives: str | None,
    subject: Literal["all", "references", "planctond"],
    image: str,
    network: str | None,
    cpus: float,
    file: Path | None,
    check: bool,
) -> None:
    """Measure planctond beside the bare engine and docker run --restart=always, from the engine's own events.

    The engine is DOCKER_HOST's, or a private one started for this. Exits 0 when measured, 69 without an engine.
    """
    # So that SIGTERM, too, unwinds and leaves nothing behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    windows, size = _windows(lives) if lives else None, FULL if full else QUICK
    try:
        with host.engine() as url, Progress() as progress:
            host.require_image(url, image)
            order = Order(
                url=url,
                pilot=Pilot(image=image, cpus=cpus, network=network or host.network(url)),
                pilots=pilots,
                chosen=chosen,
                subject=subject,
                runs=runs or size.runs,
                windows=windows or size.windows,
                idle_seconds=size.idle_seconds,
                job_seconds=size.job_seconds,
                job_repeats=size.job_repeats,
            )
            results = run(order, host.facts(url), progress)
    except host.NoEngineError as error:
        click.echo(error, err=True)
        raise SystemExit(69) from error
    found = checks(results)
    if file is not None:
        file.write_bytes(msgspec.json.format(msgspec.json.encode({"results": results, "targets": found})) + b"\n")
    show(_console(), results, found, chosen)
    raise SystemExit(1 if check and not all(each.met for each in found) else 0)


def _console() -> Console:
    """Make a console on stdout, wide enough for the table where no terminal sets a width."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


def _windows(text: str) -> tuple[tuple[int, float], ...]:
    try:
        pairs = tuple((int(life), float(window)) for life, window in (part.split(":") for part in text.split(",")))
    except ValueError:
        pairs = ()
    if not pairs or any(life < 1 or window <= 0 for life, window in pairs):
        msg = "wanted a list such as 5:20,20:40: the pilots' life and the window, in seconds"
        raise click.BadParameter(msg, param_hint="--lives")
    return pairs


if __name__ == "__main__":
    main(prog_name="python -m bench")
