"""The engine and the hands of a simulated node, and its pilots' lives: pure.

The engine begins a launch every quarter of a second at most, and each takes 0.4 s; suspending or resuming a pilot takes
25 ms. A pilot has a piece of work, in seconds at its full quota, and ends once that is done: with less CPU it takes
longer, and suspended it stands still. Asked to end, it works on until ``stop_grace`` is over: the worst it may do.
"""

import heapq
from bisect import insort
from collections import deque
from collections.abc import Callable, Mapping

import msgspec

from plancton.cli.simulation.life import Life, Tally
from plancton.cli.simulation.machine import LAUNCH_SECONDS, Machine
from plancton.common.decision import Wish
from plancton.common.messages import PoolLook, Target
from plancton.common.naming import container_name, instance_id
from plancton.common.pilot import Pilot, PilotState
from plancton.common.reasons import Reason
from plancton.common.settings import Settings

_BETWEEN_LAUNCHES_SECONDS = 0.25
_PAUSE_SECONDS = 0.025
KILL_SECONDS = 0.05
_KEPT_SECONDS = 2.1
"""How long an ended container is there until the reaper has removed it."""
_INSTANCE = instance_id("simulated")
_NEVER = float("inf")
_ROUNDING = 1e-6
"""Seconds too short to matter, and long enough to be told apart after years."""

RUNNING, PAUSED, EXITED = PilotState.RUNNING, PilotState.PAUSED, PilotState.EXITED


class Node:
    """Pilots on a machine, and the hands that follow targets."""

    def __init__(
        self, settings: Settings, machine: Machine, work_of_next: Callable[[], float], unix_at_start: float
    ) -> None:
        """Begin without pilots; each that is launched gets the next piece of work, in seconds."""
        self._settings = settings
        self._machine = machine
        self._work_of_next = work_of_next
        self._unix = unix_at_start
        self.tally = Tally()
        self.paused = 0
        self._events: list[tuple[float, int, Callable[[Life], None], Life]] = []
        self._finishing: list[tuple[float, int, Life]] = []
        """By the machine's ``work`` at which each is done; entries of those that don't run any more may be left."""
        self._aging: deque[Life] = deque()
        self._launching: deque[tuple[float, Wish]] = deque()
        self._next_launch = 0.0
        self._serial = 0
        self._lives: dict[str, Life] = {}
        self._order: list[Life] = []
        """By slot and incarnation, as the probe tells them."""
        self._keys: set[tuple[int, int]] = set()
        """Slot and incarnation of all that there are or that are being launched."""
        self._target: Target | None = None
        self._open = False
        """The target wishes for more than is under way."""
        self._changed = False
        self._look: PoolLook | None = None
        self._seen_share = 1.0
        self._unseen = False

    def next_moment(self) -> float:
        """Return when something happens next by itself."""
        machine = self._machine
        moment = self._events[0][0] if self._events else _NEVER
        if self._launching:
            moment = min(moment, self._launching[0][0])
        if self._open:
            moment = min(moment, self._next_launch)
        done_at = self._next_done()
        if done_at is not None and machine.share > 0.0:
            moment = min(moment, machine.now + (done_at - machine.work) / machine.share)
        if self._aging:
            moment = min(moment, self._aging[0].started + self._settings.max_ttl)
        return max(machine.now, moment)

    def happen(self) -> bool:
        """Do all that is due at the machine's present moment; tell whether the pool changed."""
        machine = self._machine
        now = machine.now + _ROUNDING
        self._changed = False
        while self._events and self._events[0][0] <= now:
            _, _, happens, life = heapq.heappop(self._events)
            happens(life)
        while (done_at := self._next_done()) is not None and done_at <= machine.work + _ROUNDING:
            self.tally.completed += 1
            self._die(heapq.heappop(self._finishing)[2], exit_code=0)
        while self._launching and self._launching[0][0] <= now:
            self._start(self._launching.popleft()[1])
        while self._aging and self._aging[0].started + self._settings.max_ttl <= now:
            self._end(self._aging.popleft(), Reason.EXPIRED, at_once=False)
        if self._open:
            self._launch()
        return self._changed

    def obey(self, target: Target) -> None:
        """Follow ``target`` from now on."""
        self._target = target
        for ending in target.end:
            life = self._lives.get(ending.container_id)
            if life is not None:
                self._end(life, ending.reason, at_once=ending.at_once)
        if target.suspend or self.paused:
            self._suspend({suspension.container_id for suspension in target.suspend})
        if target.launch:
            self._launch()
        else:
            self._open = False

    def look(self, *, full: bool) -> PoolLook:
        """Return what the probe says of the pool; only a ``full`` look measures what each pilot uses."""
        share = self._machine.share
        if full and (self._unseen or share != self._seen_share):
            self._seen_share, self._unseen, self._look = share, False, None
            used = {"memory_bytes": self._settings.max_dock_mem, "anonymous_bytes": self._settings.max_dock_mem}
            cores = {RUNNING: share * self._settings.cpus_per_dock, PAUSED: 0.0}
            for life in self._order:
                if life.pilot.state in cores:
                    measured = {"cpu_cores": cores[life.pilot.state], **used}
                    life.pilot = msgspec.structs.replace(life.pilot, **measured)
        if self._look is None:
            pilots = tuple([life.pilot for life in self._order])
            self._look = PoolLook(pilots=pilots, full_look_monotonic=self._machine.now)
        return self._look

    def _launch(self) -> None:
        """Begin a launch if one is wished and the engine is ready for it: replacements first."""
        assert self._target is not None  # noqa: S101 - there are wishes
        wishes = [wish for wish in self._target.launch if (wish.slot, wish.incarnation) not in self._keys]
        if wishes and self._machine.now + _ROUNDING >= self._next_launch:
            wish = min(wishes, key=lambda wish: not wish.replaces)
            self._next_launch = self._machine.now + _BETWEEN_LAUNCHES_SECONDS
            self._keys.add((wish.slot, wish.incarnation))
            self._launching.append((self._machine.now + LAUNCH_SECONDS, wish))
            self._machine.set(starting=1)
            wishes.remove(wish)
        self._open = bool(wishes)

    def _start(self, wish: Wish) -> None:
        now = self._machine.now
        pilot = Pilot(
            container_id=f"{wish.slot}-{wish.incarnation}",
            name=container_name(_INSTANCE, wish.slot, wish.incarnation),
            slot=wish.slot,
            incarnation=wish.incarnation,
            spec="",
            state=RUNNING,
            created_unix=self._unix + now - LAUNCH_SECONDS,
            started_unix=self._unix + now,
        )
        life = Life(pilot, now, self._work_of_next())
        self._lives[pilot.container_id] = life
        insort(self._order, life, key=lambda life: life.key)
        self._aging.append(life)
        self.tally.launched += 1
        self._machine.set(starting=-1)
        self._run(life)
        self._show(life, {})

    def _run(self, life: Life) -> None:
        self._machine.set(running=1)
        life.done_at = self._machine.work + life.left
        self._serial += 1
        heapq.heappush(self._finishing, (life.done_at, self._serial, life))

    def _next_done(self) -> float | None:
        while self._finishing:
            done_at, _, life = self._finishing[0]
            if life.pilot.state is RUNNING and life.done_at == done_at:
                return done_at
            heapq.heappop(self._finishing)
        return None

    def _suspend(self, wanted: set[str]) -> None:
        """Suspend those in ``wanted`` and resume all others."""
        for life in self._order:
            if life.ending is not None:
                continue
            if life.pilot.state is RUNNING and life.pilot.container_id in wanted:
                self._after(_PAUSE_SECONDS, self._pause, life)
            elif life.pilot.state is PAUSED and life.pilot.container_id not in wanted:
                self._after(_PAUSE_SECONDS, self._resume, life)

    def _pause(self, life: Life) -> None:
        if life.pilot.state is RUNNING and life.ending is None:
            life.left = life.done_at - self._machine.work
            self._machine.set(running=-1)
            self.paused += 1
            self.tally.suspended += 1
            self._show(life, {"state": PAUSED})

    def _resume(self, life: Life) -> None:
        if life.pilot.state is PAUSED:
            self.paused -= 1
            self._run(life)
            self._show(life, {"state": RUNNING})

    def _end(self, life: Life, reason: Reason, *, at_once: bool) -> None:
        if life.ending is not None or life.pilot.state is EXITED:
            return
        life.ending = reason
        self.tally.asked_to_end[reason] += 1
        self.tally.endings.append((self._machine.now, reason))
        self._resume(life)
        self._after(KILL_SECONDS + (0.0 if at_once else self._settings.stop_grace), self._kill, life)

    def _kill(self, life: Life) -> None:
        if life.pilot.state is not EXITED:
            left = life.done_at - self._machine.work
            self.tally.lost_core_seconds += (life.work - left) * self._settings.cpus_per_dock
            self._die(life, exit_code=137)

    def _die(self, life: Life, exit_code: int) -> None:
        if life.pilot.state is RUNNING:
            self._machine.set(running=-1)
        self._show(life, {"state": EXITED, "ended_unix": self._unix + self._machine.now, "exit_code": exit_code})
        while self._aging and self._aging[0].pilot.state is EXITED:
            self._aging.popleft()
        self._after(_KEPT_SECONDS, self._remove, life)

    def _remove(self, life: Life) -> None:
        # Nothing is decided because of that: the next look shows it soon enough.
        self._look = None
        self._order.remove(life)
        self._keys.discard(life.key)
        del self._lives[life.pilot.container_id]

    def _show(self, life: Life, changes: Mapping[str, object]) -> None:
        """Have the probe show what became of ``life``."""
        life.pilot = msgspec.structs.replace(life.pilot, **changes)
        self._look, self._changed, self._unseen = None, True, True

    def _after(self, seconds: float, happens: Callable[[Life], None], life: Life) -> None:
        self._serial += 1
        heapq.heappush(self._events, (self._machine.now + seconds, self._serial, happens, life))
