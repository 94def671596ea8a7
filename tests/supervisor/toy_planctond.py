"""The real supervisor with toy workers as a process of its own: ``python -m tests.supervisor.toy_planctond DIR``.

The probe sees as many pilots as the file ``pilots`` in the run directory says; the scheduler heeds the intent; metrics
adds to the file ``processes`` what it hears of them, one line for each time; all do what ``does-NAME`` says at their
birth, live or fail, and are as late as ``late-NAME`` says.
"""

import os
import signal
import sys
import time
from pathlib import Path
from unittest import mock

import msgspec
import zmq

from plancton.common import log as logs
from plancton.common.bus import WorkerBus
from plancton.common.decision import Hold
from plancton.common.messages import Beat, Intent, Message, PoolLook, Processes, Target
from plancton.common.pilot import Pilot, PilotState
from plancton.common.reasons import Reason
from plancton.supervisor.desk import Desk
from plancton.supervisor.handlers import Handlers
from plancton.supervisor.intent import STOPPING_MODES
from plancton.supervisor.loop import Supervisor
from plancton.supervisor.settings_file import SettingsFile
from plancton.supervisor.template import Birth, Template, become_subreaper
from tests.supervisor.nursery import MACHINE, paths_in


def _look(rundir: Path) -> PoolLook:
    file = rundir / "pilots"
    states = file.read_text().split() if file.exists() else []
    pilots = tuple(
        Pilot(
            container_id=str(slot),
            name=f"p{slot}",
            slot=slot,
            incarnation=1,
            spec="",
            state=PilotState(state),
            created_unix=0.0,
        )
        for slot, state in enumerate(states)
    )
    return PoolLook(pilots=pilots, full_look_monotonic=time.monotonic())


def _decide(intent: Intent | None) -> Target:
    stopping = intent is not None and intent.mode in STOPPING_MODES
    lost = intent.lost_workers if intent else ()
    hold = Hold(reason=Reason.STOPPING, detail=" ".join(lost), since_unix=0.0) if stopping else None
    return Target(generation=len(lost), valid_until_monotonic=time.monotonic() + 9, want=0, running=0, hold=hold)


def run_toy(birth: Birth, lifeline: int) -> None:
    """Be a toy worker."""
    rundir = Path(birth.rundir)
    order = rundir / f"does-{birth.worker}"
    if order.exists() and order.read_text() == "fail":
        os._exit(3)
    signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(0))
    bus = WorkerBus(rundir / "bus.sock", birth.worker, birth.boot)
    poller = zmq.Poller()
    poller.register(lifeline, zmq.POLLIN)
    poller.register(bus.socket, zmq.POLLIN)
    intent: Intent | None = None
    while lifeline not in dict(poller.poll(50)):
        for envelope in bus.heard():
            if isinstance(envelope.message, Intent):
                intent = envelope.message
            elif isinstance(envelope.message, Processes) and birth.worker == "metrics":
                with (rundir / "processes").open("ab") as heard:
                    heard.write(msgspec.json.encode(envelope.message) + b"\n")
        late = rundir / f"late-{birth.worker}"
        says: list[Message] = [Beat(ready=True, late_seconds=float(late.read_text()) if late.exists() else 0.0)]
        says += [_look(rundir)] if birth.worker == "probe" else []
        says += [_decide(intent)] if birth.worker == "scheduler" else []
        for message in says:
            bus.say(message)


def main() -> None:
    """Be planctond."""
    paths = paths_in(Path(sys.argv[1]))
    settings = SettingsFile(paths.config_file)
    settings.read()
    become_subreaper()
    template = Template(run_toy, ("/bin/false",), ())
    logs.set_up("planctond", None, to_stderr=True)
    supervisor = Supervisor(paths, template, settings, MACHINE)
    supervisor.open_desk(Desk(supervisor.context, paths.control_socket, Handlers(supervisor).handle))
    with mock.patch("plancton.supervisor.loop._PROCESSES_SECONDS", 0.3):
        code = supervisor.run()
    logs.flush()
    sys.exit(code)


if __name__ == "__main__":
    main()
