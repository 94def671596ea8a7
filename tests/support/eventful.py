"""A real planctond to which, within a minute, all happens that its dashboards show, and who measures it meanwhile."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil

from plancton.common.requests import Reload
from plancton.common.series import Exit
from tests.support.engine import Engine
from tests.support.influx import Influx, influxd
from tests.support.node import Node, node
from tests.support.running import free_port
from tests.support.scraper import Scraper, scraper
from tests.support.waiting import wait_for

DATABASE = "plancton"
_BY_SLOT = """
case "$(hostname)" in
    *-0-*) sleep 6 ;;
    *-1-*) exit 3 ;;
    *) trap 'exit 0' TERM; while :; do :; done ;;
esac
"""
"""One pilot completes, one fizzles, one works until it has to give way."""
_SETTINGS: dict[str, object] = {
    "docker_cmd": ["/bin/sh", "-c", _BY_SLOT],
    # So little, and for so long, that a busy machine has room for them.
    "cpus_per_dock": 0.01,
    "grace_kill": 600,
    "fizzle_seconds": 4,
    "main_sleep": 0.5,
    "grace_spawn": 1,
    "stop_grace": 5,
}


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Who knows what happened, and since when."""

    node: Node
    influx: Influx
    scraper: Scraper
    address: str
    """Where the node is scraped."""
    began_unix: float


@contextmanager
def eventful(engine: Engine, directory: Path) -> Iterator[Measured]:
    """Yield a node that runs, after pilots of it completed, fizzled and gave way to the owner and others came."""
    address = f"127.0.0.1:{free_port()}"
    with influxd(directory / "influxd") as influx, scraper(directory / "scraper", address) as scraped:
        settings = {**_SETTINGS, "influxdb_url": influx.setting(DATABASE), "prometheus_address": address}
        began = time.time()
        with node(engine, **settings) as made:
            made.start()
            wait_for(lambda: ended(influx) >= {Exit.COMPLETED, Exit.FIZZLED}, 100, "pilots end by themselves")
            change(made, reserve_cpus=psutil.cpu_count(), grace_kill=1)
            wait_for(lambda: Exit.EVICTED in ended(influx), 100, "one gives way")
            change(made, reserve_cpus=0, grace_kill=600)
            wait_for(made.live_pilots, 100, "others come")
            yield Measured(node=made, influx=influx, scraper=scraped, address=address, began_unix=began)


def ended(influx: Influx) -> set[str]:
    """Return what came of pilots, as InfluxDB knows."""
    return {row["exit"] for row in influx.query('SELECT count("pilot") FROM "pilot" GROUP BY "exit"', DATABASE)}


def change(made: Node, **settings: object) -> None:
    """Have other settings in force: all CPUs kept for the owner are a claim that no busy machine can blur."""
    made.configure(**settings)
    assert made.ask(Reload()).ok
