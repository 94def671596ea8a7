"""A node from its first to its last simulated second: events, looks, and the scheduler's own decisions. Pure.

The probe looks every two seconds. A decision is made at each look and whenever a pilot starts, ends, or is suspended or
resumed, as the scheduler makes it. Of what launches cost, the probe takes a part for the owner's use, as the real one.
"""

import statistics
from collections.abc import Callable, Iterator

from plancton.cli.simulation.course import Notes
from plancton.cli.simulation.machine import Machine
from plancton.cli.simulation.node import KILL_SECONDS, Node
from plancton.cli.simulation.oracle import LOOK_SECONDS, oracle
from plancton.cli.simulation.result import Course, Result, Rising, Scenario
from plancton.cli.simulation.rises import Rises
from plancton.cli.simulation.synthetic import Chance
from plancton.common.messages import HostLook, Intent, LauncherState, Mode, Target, Weight
from plancton.common.policy.facts import Facts, Moment
from plancton.common.policy.memory import Memory
from plancton.common.policy.policy import decide
from plancton.common.policy.room import tolerated
from plancton.common.reasons import EVICTIONS

_DAY, _DAYS = 86_400.0, 7
_BOOT_SECONDS = 1000.0
"""CLOCK_MONOTONIC at the first simulated second."""
_MONDAY_UNIX = 1_704_067_200.0
"""The first second of a Monday."""
_FULL_LOOK_SECONDS = 5.0
_KNOWN_OF_LAUNCHES = 0.7
"""How much of what launches cost the real probe knows to be the engine's use; the rest looks like the owner's."""
_NOT_MEASURED = "not simulated"


class Run:
    """One simulation."""

    def __init__(self, scenario: Scenario, chance: Callable[[], Chance]) -> None:
        """Prepare ``scenario``; each call of ``chance`` begins the same sequence of random numbers anew."""
        self._scenario = scenario
        self._chance = chance
        settings = scenario.settings
        self._machine = machine = Machine(scenario.ncpus, settings.cpus_per_dock)
        self._node = Node(settings, machine, self._works(), _MONDAY_UNIX)
        tolerance = tolerated(settings) * settings.cpus_per_dock
        self._rises = Rises(scenario.ncpus, tolerance)
        self._notes = Notes(machine, scenario.seconds)
        self._memory = Memory()
        self._host: HostLook | None = None
        self._looked_at = 0.0
        self._seen = (0.0, 0.0, 0.0)
        self._full_look_due = 0.0
        self._owner_bytes = 0
        self.decisions = 0
        self._intent = Intent(mode=Mode.ACTIVE, since_unix=_MONDAY_UNIX)
        self._launcher = LauncherState(
            image=settings.docker_image, image_id="simulated", weight=Weight(cpu="simulated", io="simulated")
        )

    def play(self) -> Iterator[float]:
        """Simulate; yield each day or part of a day that is done, in seconds since the start."""
        machine, node, end = self._machine, self._node, self._scenario.seconds
        owner = self._scenario.owner
        step, steps = 0, len(owner.seconds)
        next_look, next_word = LOOK_SECONDS, 0.0
        while True:
            next_step = (owner.seconds[step] if step else 0.0) if step < steps else end
            moment = min(next_step, next_look, node.next_moment(), end)
            machine.pass_to(moment)
            if moment >= end:
                break
            if moment >= next_step:
                machine.set(owner_cpus=owner.cpus[step])
                self._owner_bytes = owner.memory_bytes[step]
                step += 1
            changed = node.happen()
            looks = moment >= next_look
            if looks:
                next_look += LOOK_SECONDS
                self._look()
            if looks or changed:
                self._decide()
            self._rises.see(moment, machine.owner_cpus, machine.demand_cpus)
            if moment >= next_word:
                next_word = moment + end / 200
                yield moment
        self._notes.end()

    def _look(self) -> None:
        """Look at the host as the probe does."""
        machine, scenario = self._machine, self._scenario
        now = (machine.owner_seconds, machine.pilots_seconds, machine.engine_seconds)
        interval = machine.now - self._looked_at
        owner, pilots, engine = ((after - before) / interval for before, after in zip(self._seen, now, strict=True))
        present = machine.running + self._node.paused
        used = self._owner_bytes + present * scenario.settings.max_dock_mem
        self._host = HostLook(
            ncpus=scenario.ncpus,
            interval_seconds=interval,
            busy_cpus=owner + pilots + engine,
            pilots_cpus=pilots,
            engine_cpus=engine * _KNOWN_OF_LAUNCHES,
            ram_bytes=scenario.ram_bytes,
            available_bytes=max(0, scenario.ram_bytes - used),
            swap_bytes=0,
            stall_detail=_NOT_MEASURED,
        )
        self._looked_at, self._seen = machine.now, now
        self._notes.look(self._node.paused)

    def _decide(self) -> None:
        machine = self._machine
        full = machine.now >= self._full_look_due
        if full:
            self._full_look_due = machine.now + _FULL_LOOK_SECONDS
        facts = Facts(
            settings=self._scenario.settings,
            intent=self._intent,
            host=self._host,
            host_monotonic=_BOOT_SECONDS + self._looked_at,
            pool=self._node.look(full=full),
            launcher=self._launcher,
        )
        target = self._asked(facts)
        self._notes.hold(target.hold.reason if target.hold else None)
        self._node.obey(target)

    def _asked(self, facts: Facts) -> Target:
        """Have the policy decide."""
        now = self._machine.now
        moment = Moment(
            monotonic=_BOOT_SECONDS + now,
            unix=_MONDAY_UNIX + now,
            weekday=int(now // _DAY) % _DAYS,
            second_of_day=now % _DAY,
        )
        self.decisions += 1
        target, self._memory = decide(facts, self._memory, moment)
        return target

    def _works(self) -> Callable[[], float]:
        """Return what gives each pilot's piece of work, in seconds."""
        chance = self._chance()
        mean, spread = self._scenario.pilot_seconds, self._scenario.pilot_spread
        return lambda: mean * (1.0 + spread * (2.0 * chance() - 1.0))

    def result(self) -> Result:
        """Return what came of it."""
        machine, tally, scenario = self._machine, self._node.tally, self._scenario
        free = machine.free_seconds
        return Result(
            seconds=scenario.seconds,
            ncpus=scenario.ncpus,
            occupancy=machine.pilots_seconds / free if free > 0.0 else 1.0,
            owner_core_seconds=machine.owner_seconds,
            free_core_seconds=free,
            pilots_core_seconds=machine.pilots_seconds,
            launched=tally.launched,
            completed=tally.completed,
            running=machine.running + self._node.paused,
            evicted=sum(number for reason, number in tally.asked_to_end.items() if reason in EVICTIONS),
            asked_to_end=dict(tally.asked_to_end),
            suspended=tally.suspended,
            lost_core_seconds=tally.lost_core_seconds,
            overlap_core_seconds=machine.overlap_seconds,
            rises=self._rising(),
            oracle=oracle(scenario, self._works()),
            held_seconds=dict(sorted(self._notes.held_seconds.items(), key=lambda held: -held[1])),
            decisions=self.decisions,
        )

    def course(self) -> Course:
        """Return how it went."""
        return self._notes.course(tuple(when for when, why in self._node.tally.endings if why in EVICTIONS))

    def _rising(self) -> Rising:
        settings, met = self._scenario.settings, self._rises.met_after
        grace = settings.grace_suspend if settings.suspend else settings.grace_kill
        return Rising(
            met=len(met),
            gone=self._rises.gone,
            median_seconds=statistics.median(met) if met else 0.0,
            worst_seconds=max([*met, self._rises.longest_open(self._machine.now)]),
            promised_seconds=grace + settings.stop_grace + LOOK_SECONDS + KILL_SECONDS,
        )
