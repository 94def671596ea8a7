"""A worker in a process of its own, for tests: ``python -m tests.support.lone_worker WHAT DIRECTORY LIFELINE``.

It answers each HostLook that it hears with a PoolUnknown that repeats its number of CPUs; WHAT else it does is one of
``works``, ``waits`` (is never ready), ``hurries`` (asks for a time long past, now and then), ``hangs`` and ``crashes``
(at the first thing that it hears).
"""

import sys
import threading
import time
from pathlib import Path

from plancton.common.codec import Envelope
from plancton.common.messages import HostLook, PoolUnknown
from plancton.workers.base import Life, Place, live


class Lone:
    """Does what it's told to."""

    def __init__(self, place: Place, what: str) -> None:
        """Work at ``place``."""
        self._place = place
        self._what = what
        self._turns = 0
        self._heard = 0
        self.ready = what != "waits"

    def hear(self, envelope: Envelope) -> None:
        """Answer, hang or crash."""
        match self._what, envelope.message:
            case "hangs", _:
                threading.Event().wait()
            case "crashes", _:
                msg = "as told"
                raise ValueError(msg)
            case _, HostLook(ncpus=ncpus):
                self._heard += ncpus
                self._place.say(PoolUnknown(why=str(ncpus), since_unix=0.0))

    def turn(self, now: float) -> float:
        """Do nothing for long."""
        self._turns += 1
        return 0.0 if self._what == "hurries" and self._turns % 2 else now + 60.0

    def finish(self, until: float) -> None:
        """Tell how long that may take, and of how many CPUs it heard."""
        (self._place.rundir / "finished").write_text(f"{until - time.monotonic():.1f} {self._heard}", encoding="utf-8")


def main() -> None:
    """Be the worker."""
    what, directory, lifeline = sys.argv[1:]
    rundir = Path(directory)
    life = Life(
        name="reaper",
        boot=f"boot-{time.monotonic_ns()}",
        rundir=rundir,
        state=rundir,
        bus_socket=rundir / "bus.sock",
        log_file=rundir / "log",
        lifeline=int(lifeline),
    )
    live(life, lambda place: Lone(place, what))


if __name__ == "__main__":
    main()
