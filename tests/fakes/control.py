"""A planctond as planctonctl sees it: it holds the lock of a run directory and answers at the control socket."""

import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import msgspec
import zmq

from plancton.common import lock
from plancton.common.bus import bind_control
from plancton.common.codec import pack
from plancton.common.messages import HostLook, LauncherState, Mode, PoolLook, Target
from plancton.common.paths import Paths
from plancton.common.pilot import Pilot, PilotState
from plancton.common.processes import ProcessState, ProcessStatus
from plancton.common.requests import Answer, Happenings, Request, ShowSettings, Status, Stop, decode_request
from plancton.common.settings import Settings
from plancton.common.status import ConfigStatus, Happening, HappeningsReport, StatusReport

NOW = 1_700_000_000.0
Reply = Answer | bytes | None
"""What a request gets: an answer, these very bytes, or silence."""


def pilot(slot: int, state: PilotState = PilotState.RUNNING) -> Pilot:
    """Return a pilot that was started a minute ago."""
    return Pilot(
        container_id=f"{slot:064x}",
        name=f"plancton-worker-0123abcd-{slot}-1",
        slot=slot,
        incarnation=1,
        spec="0123456789ab",
        state=state,
        created_unix=NOW - 61,
        started_unix=NOW - 60,
        cpu_cores=0.5,
        memory_bytes=5 << 20,
    )


def report(pilots: int = 2) -> StatusReport:
    """Return what a planctond in good order tells; ``msgspec.structs.replace`` makes others of it."""
    return StatusReport(
        version="1.0.0",
        instance="0123abcd",
        pid=os.getpid(),
        started_unix=NOW - 3 * 3600,
        now_unix=NOW,
        now_monotonic=5000.0,
        ready=True,
        mode=Mode.ACTIVE,
        mode_since_unix=NOW - 3 * 3600,
        engine_url="unix:///var/run/docker.sock",
        config=ConfigStatus(file="/etc/plancton/config.yaml", exists=True, loaded_unix=NOW - 60, generation=1),
        processes=tuple(
            ProcessStatus(name=name, state=ProcessState.RUNNING, pid=1000 + number, restarts=0, since_unix=NOW - 60)
            for number, name in enumerate(("probe", "scheduler", "launcher", "reaper", "metrics"))
        ),
        host=HostLook(
            ncpus=8,
            interval_seconds=1.0,
            busy_cpus=3.0,
            pilots_cpus=2.0,
            ram_bytes=16 << 30,
            available_bytes=12 << 30,
            swap_bytes=0,
        ),
        host_age_seconds=0.4,
        pool=PoolLook(
            pilots=tuple(map(pilot, range(pilots))),
            full_look_monotonic=1.0,
            engine_version="20.10.24",
            api_version="1.41",
        ),
        pool_age_seconds=0.2,
        launcher=LauncherState(image="busybox", image_id="sha256:0123456789abcdef0123"),
        target=Target(generation=7, valid_until_monotonic=9.0, want=pilots, running=pilots, room_cpus=5.0),
    )


class FakePlanctond:
    """Holds the run directory of ``paths`` and answers each request by ``reply`` while its context lasts.

    Without a ``reply`` it tells ``self.report`` and ``self.happenings``, and says yes to everything else.
    """

    def __init__(self, paths: Paths, reply: Callable[[Request], Reply] | None = None) -> None:
        """Make the directories; nothing is held yet."""
        paths.prepare()
        self.report = report()
        self.happenings: tuple[Happening, ...] = ()
        self.asked: list[Request] = []
        self.paths = paths
        self._reply = reply or self.obliging
        self._lock: int | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="fake planctond", daemon=True)
        self._bound = threading.Event()

    def obliging(self, request: Request) -> Reply:
        """Answer as a planctond in good order does."""
        match request:
            case Status():
                return Answer(ok=True, data=msgspec.to_builtins(self.report))
            case Happenings(after=after):
                new = HappeningsReport(happenings=tuple(one for one in self.happenings if one.number > after))
                return Answer(ok=True, data=msgspec.to_builtins(new))
            case ShowSettings():
                return Answer(ok=True, data={"settings": msgspec.to_builtins(Settings()), "origins": {}})
            case Stop(force=False):
                self.let_go()
                return Answer(ok=True)
            case _:
                return Answer(ok=True)

    def let_go(self) -> None:
        """Free the run directory, as its last process's end does."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        self._lock = lock.acquire(self.paths.lock_file)
        self._thread.start()
        assert self._bound.wait(5), "the control socket isn't bound"
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._ending.set()
        self._thread.join(5)
        self.let_go()
        self.paths.control_socket.unlink(missing_ok=True)

    def _serve(self) -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        socket = bind_control(context, self.paths.control_socket)
        self._bound.set()
        while not self._ending.is_set():
            if socket.poll(20):
                peer, token, data = socket.recv_multipart()
                request = decode_request(data)
                answer: Reply = request if isinstance(request, Answer) else self._answer(request)
                if answer is not None:
                    socket.send_multipart([peer, token, answer if isinstance(answer, bytes) else pack(answer)])
        context.destroy(linger=0)

    def _answer(self, request: Request) -> Reply:
        self.asked.append(request)
        return self._reply(request)
