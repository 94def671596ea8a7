"""Notes for a picture."""

from plancton.cli.simulation.course import Notes
from plancton.cli.simulation.machine import Machine
from plancton.common.reasons import Reason


def test_stretches_hold_means_and_holds_their_times() -> None:
    machine = Machine(8, 1.0)
    notes = Notes(machine, 4000.0)
    machine.set(owner_cpus=2.0, running=3)
    notes.hold(Reason.MAX_DOCKS)
    machine.pass_to(1.0)
    notes.look(0)
    machine.set(owner_cpus=4.0)
    machine.pass_to(3.0)
    notes.hold(None)
    notes.look(1)
    notes.hold(Reason.OWNER_CPU)
    machine.pass_to(4.0)
    notes.look(1)
    notes.hold(Reason.OWNER_CPU)
    machine.pass_to(10.0)
    notes.end()
    course = notes.course((2.5,))
    assert [(each.until, each.owner_cpus, each.suspended) for each in course.stretches] == [(3.0, 10.0 / 3.0, 1)]
    assert course.holds == ((0.0, Reason.MAX_DOCKS), (3.0, None), (3.0, Reason.OWNER_CPU))
    assert notes.held_seconds == {Reason.MAX_DOCKS: 3.0, Reason.OWNER_CPU: 7.0}
    assert course.evictions == (2.5,)
