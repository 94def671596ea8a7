"""The pilots' directories, as far as the reaper sees to them: deadlines go in, and those without a container go.

All work on files is done in threads. Removals have one of their own: a pilot may have left much to remove.
"""

import functools
import logging
from collections.abc import Iterable, Mapping

import msgspec

from plancton.common.messages import PoolLook, Target
from plancton.common.naming import instance_id
from plancton.common.pilot import Pilot
from plancton.common.pilot_directory import PilotDirectories
from plancton.workers.base import Place
from plancton.workers.lanes import Lanes
from plancton.workers.reaper import deadlines
from plancton.workers.reaper.cleanup import Act, Order

log = logging.getLogger(__name__)


class Directories:
    """The directories of one instance's pilots."""

    def __init__(self, place: Place) -> None:
        """See to those in the state directory of ``place``."""
        self.instance = instance_id(str(place.rundir))
        self._directories = PilotDirectories(place.state)
        self._writing = Lanes("deadline", 1, place.wake)
        self._removing = Lanes("directory", 1, place.wake)
        self._tellings: dict[str, deadlines.Telling] = {}
        self._orphaned_since: dict[str, float] = {}
        self._swept_look: float | None = None

    def collect(self) -> None:
        """Take in what the threads finished."""
        self._writing.collect()
        self._removing.collect()

    def tell(self, scene: deadlines.Scene, orders: Iterable[Order]) -> frozenset[str]:
        """Have the deadlines written that changed, and return the containers whose SIGTERM must wait for that."""
        pilots = {order.pilot.container_id: order.pilot for order in orders if order.act is Act.TERMINATE}
        changed = deadlines.to_write(deadlines.deadlines(scene, pilots), self._tellings, scene.now)
        if changed:
            for name, moment in changed.items():
                self._tellings[name] = deadlines.Telling(deadline_unix=moment, asked_at=scene.now)
            self._writing.submit(functools.partial(self._write, changed), functools.partial(self._written, changed))
        return frozenset(
            container_id
            for container_id, pilot in pilots.items()
            if deadlines.waits(self._tellings.get(deadlines.name_of(pilot, self.instance)), scene.now)
        )

    def sweep(self, pool: PoolLook, target: Target | None, now: float) -> None:
        """After each full look, have those removed whose container has been gone for long."""
        if pool.full_look_monotonic == self._swept_look:
            return
        self._swept_look = pool.full_look_monotonic
        there = {deadlines.name_of(pilot, self.instance) for pilot in pool.pilots}
        self._tellings = {name: told for name, told in self._tellings.items() if name in there}
        self._removing.submit(self._names, functools.partial(self._listed, pool, target, now))

    def remove(self, pilot: Pilot) -> None:
        """Have the directory removed of a pilot whose container is gone."""
        self._remove(deadlines.name_of(pilot, self.instance))

    def _write(self, changed: Mapping[str, float]) -> frozenset[str]:
        failed: dict[str, str] = {}
        for name, moment in changed.items():
            try:
                self._directories.write_deadline(name, moment)
            except OSError as error:
                failed[name] = str(error)
        if failed:
            name, why = next(iter(failed.items()))
            log.warning("%d pilots can't be told their deadline, such as %s: %s", len(failed), name, why)
        return frozenset(failed)

    def _written(self, changed: Mapping[str, float], failed: frozenset[str]) -> None:
        for name in changed.keys() & self._tellings.keys():
            told = self._tellings[name]
            self._tellings[name] = msgspec.structs.replace(told, written=True, failed=name in failed)

    def _names(self) -> set[str] | None:
        try:
            return self._directories.names()
        except OSError as error:
            log.warning("the pilots' directories can't be listed: %s", error)
            return None

    def _listed(self, pool: PoolLook, target: Target | None, now: float, names: set[str] | None) -> None:
        if names is None:
            return
        found = deadlines.orphans(names, pool, target, self.instance)
        old, self._orphaned_since = deadlines.to_remove(found, self._orphaned_since, now)
        for name in sorted(old):
            self._remove(name)

    def _remove(self, name: str) -> None:
        self._removing.submit(functools.partial(self._empty, name), _nothing)

    def _empty(self, name: str) -> None:
        try:
            self._directories.remove(name)
        except OSError as error:
            # The sweep tries again.
            log.warning("the directory of %s can't be removed: %s", name, error)


def _nothing(_result: None) -> None:
    pass
