"""A planctond to be started as a process: ``python -m tests.fakes.planctond BEHAVIOUR RUNDIR LOGDIR``."""

import os
import signal
import sys
import threading
from pathlib import Path

import msgspec

from plancton.common.decision import Hold
from plancton.common.messages import Mode, PoolUnknown, Target
from plancton.common.paths import Paths, resolve
from plancton.common.processes import ProcessState
from plancton.common.reasons import Reason
from plancton.common.requests import Answer, Request, Status, Stop
from plancton.common.status import StatusReport
from tests.fakes.control import NOW, FakePlanctond, Reply, report

HOLD = Hold(reason=Reason.ENGINE_UNKNOWN, detail="connection refused", since_unix=NOW - 1)
SLOW_LOOKS = 3


def _never_ready() -> StatusReport:
    plain = report()
    stuck = msgspec.structs.replace(
        plain.processes[0], state=ProcessState.BACKOFF, restarts=4, last_end="exited with status 1"
    )
    return msgspec.structs.replace(plain, ready=False, processes=(stuck, *plain.processes[1:]))


def _held() -> StatusReport:
    target = Target(generation=1, valid_until_monotonic=0.0, want=0, running=0, hold=HOLD)
    unknown = PoolUnknown(why="connection refused", since_unix=NOW - 1)
    return msgspec.structs.replace(report(), pool=None, pool_unknown=unknown, target=target)


class _Serving:
    """Serves until told to stop, by a request or a signal."""

    def __init__(self, paths: Paths, behaviour: str) -> None:
        self._told = threading.Event()
        self._behaviour = behaviour
        self._looks = 0
        self._paths = paths
        signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(0))

    def run(self) -> None:
        with FakePlanctond(self._paths, self._reply) as self._fake:
            self._fake.report = {"never-ready": _never_ready, "held": _held}.get(self._behaviour, report)()
            if self._behaviour == "drained":
                self._fake.report = msgspec.structs.replace(report(), mode=Mode.DRAINING)
            self._told.wait()

    def _reply(self, request: Request) -> Reply:
        if self._behaviour == "silent":
            return None
        if isinstance(request, Status):
            self._looks += 1
            if self._behaviour == "slow" and self._looks < SLOW_LOOKS:
                return Answer(ok=True, data=msgspec.to_builtins(_never_ready()))
        if isinstance(request, Stop):
            if self._behaviour == "stubborn":
                return Answer(ok=True)
            self._told.set()
            return Answer(ok=True)
        return self._fake.obliging(request)


def main() -> None:
    """Behave."""
    behaviour, rundir, logdir = sys.argv[1:4]
    paths = resolve(rundir=Path(rundir), logdir=Path(logdir), statedir=Path(logdir))
    kind, _, code = behaviour.partition(":")
    if kind == "exit":
        sys.stderr.write("planctond: what went \x1b[31mwrong\n")
        sys.exit(int(code))
    if kind == "log":
        paths.log_file.write_text("a line in the log\n")
        sys.exit(int(code))
    if kind == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "hang":
        signal.pause()
    _Serving(paths, kind).run()


if __name__ == "__main__":
    main()
