"""The template process: single-threaded, everything imported, no ZeroMQ context; every worker is forked from it.

Forking from it shares the imported pages, which makes the whole tree a quarter as large as with fresh interpreters, and
a restart takes milliseconds. The worker is forked twice, so that the supervisor, a sub-reaper, becomes its parent: it
sees the worker's end itself, and the template's own death harms no worker.
"""

import array
import contextlib
import ctypes
import gc
import os
import signal
import socket
import traceback
from collections.abc import Callable

import msgspec
import setproctitle

from plancton.common.codec import pack, unpack

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_M_ARENA_MAX = -8
"""glibc's mallopt(3): threads that each have an arena of their own cost memory, and none of ours is that busy."""
_LARGEST = 4096
_EXIT_BUG = 70


class Birth(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is born with."""

    worker: str
    boot: str
    rundir: str
    logdir: str
    state: str
    """This instance's state directory."""
    supervisor_pid: int


class Born(msgspec.Struct, frozen=True, kw_only=True):
    """The template's answer: the pid of the worker born as ``boot``."""

    boot: str
    pid: int


Run = Callable[[Birth, int], None]
"""What a worker does, given its birth and its lifeline: a pipe that closes when the supervisor dies."""


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def become_subreaper() -> None:
    """Make this process the parent of every orphan below it (Linux: PR_SET_CHILD_SUBREAPER)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies, even while it is stopped (PR_SET_PDEATHSIG)."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def settle() -> None:
    """Make what is in memory now cheap to share: no garbage collector writes into it, malloc keeps to one arena.

    It must happen before the fork, for whatever is written after it is a page of one's own.
    """
    ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
    gc.collect()
    gc.freeze()


class Template:
    """The supervisor's handle on the template process."""

    def __init__(self, run: Run, again: tuple[str, ...], keep: tuple[int, ...]) -> None:
        """Fork the template now, before any thread or ZeroMQ context exists.

        ``run`` is what a worker does, given its birth and its lifeline. ``again`` is the command that starts another
        template, to which its descriptor is added, and ``keep`` the descriptors that it must inherit besides.
        """
        self._again = again
        self._keep = keep
        settle()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        supervisor = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            self._socket.close()
            serve(theirs, run, supervisor)
        theirs.close()
        self._socket.settimeout(0.0)

    def fileno(self) -> int:
        """Return the descriptor to poll for births, and for the template's end; -1 while there is no template."""
        return self._socket.fileno()

    def ask(self, birth: Birth, lifeline: int) -> bool:
        """Ask for a worker that holds ``lifeline``; False if the template is gone or doesn't read."""
        try:
            socket.send_fds(self._socket, [pack(birth)], [lifeline])
        except OSError:
            return False
        return True

    def births(self) -> list[Born] | None:
        """Return the births since the last call; None once the template is gone."""
        births: list[Born] = []
        while True:
            try:
                data = self._socket.recv(_LARGEST)
            except BlockingIOError:
                return births
            except ConnectionResetError:
                # It ended with a request unread. This is said once, and what it told before can be read after it.
                continue
            except OSError:
                return None
            if not data:
                return births or None
            births.append(msgspec.convert(unpack(data), Born))

    def renew(self) -> None:
        """Start another template in place of a dead one: a fresh interpreter, for this process isn't clean any more.

        Raises:
            OSError: if the machine has no room for one.

        """
        self._socket.close()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(0.0)
        arguments = [*self._again, str(theirs.fileno())]
        with theirs:
            for descriptor in (theirs.fileno(), *self._keep):
                os.set_inheritable(descriptor, True)  # noqa: FBT003 - positional only
            try:
                self.pid = os.posix_spawn(arguments[0], arguments, os.environ)
            finally:
                for descriptor in self._keep:
                    os.set_inheritable(descriptor, False)  # noqa: FBT003 - positional only

    def kill(self) -> None:
        """End a template that hangs."""
        if self._socket.fileno() >= 0:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Let the template end."""
        self._socket.close()


def serve(requests: socket.socket, run: Run, supervisor: int) -> None:
    """Fork a worker for each request until the supervisor's end closes. Never returns, in no process."""
    try:
        _serve(requests, run, supervisor)
    except BaseException:  # noqa: BLE001 - whoever called this is the supervisor's code, which must not run twice
        traceback.print_exc()
    os._exit(_EXIT_BUG)


def _serve(requests: socket.socket, run: Run, supervisor: int) -> None:
    setproctitle.setproctitle("planctond: template")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # Blocked besides, for it would be lost on a worker that still has the template's dispositions.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    die_with_parent()
    while os.getppid() == supervisor:
        data, descriptors, _flags, _address = socket.recv_fds(requests, _LARGEST, 1)
        if not data:
            break
        birth = msgspec.convert(unpack(data), Birth)
        pid = _fork_twice(birth, descriptors[0], requests, run)
        os.close(descriptors[0])
        requests.send(pack(Born(boot=birth.boot, pid=pid)))
    os._exit(0)


def _fork_twice(birth: Birth, lifeline: int, requests: socket.socket, run: Run) -> int:
    """Fork a worker that is nobody's child here, and return its pid once the supervisor is its parent."""
    readable, writable = os.pipe()
    between = os.fork()
    if between == 0:
        worker = os.fork()
        if worker == 0:
            os.close(readable)
            os.close(writable)
            requests.close()
            _live(birth, lifeline, run)
        os.write(writable, array.array("i", [worker]).tobytes())
        os._exit(0)
    os.close(writable)
    data = os.read(readable, 4)
    os.close(readable)
    os.waitpid(between, 0)
    return int(array.array("i", data)[0])


def _live(birth: Birth, lifeline: int, run: Run) -> None:
    """Wait until the supervisor knows of this worker, then be it. Never returns."""
    # Until the worker knows better, a SIGTERM ends it, also one that came since it was born.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    if os.read(lifeline, 1):
        die_with_parent()
        if os.getppid() == birth.supervisor_pid:
            run(birth, lifeline)
    os._exit(0)


def serve_anew(descriptor: int, run: Run) -> None:
    """Serve as a template that was started anew; ``descriptor`` is its end of the socket pair."""
    settle()
    serve(socket.socket(fileno=descriptor), run, os.getppid())
