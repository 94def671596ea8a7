"""Where one planctond keeps its things: its run, log, state and configuration directories and its pid file.

``planctond`` and ``planctonctl`` find each other only by these paths, so both take the same options and resolve them
here.
"""

import os
import stat
from pathlib import Path

import msgspec

from plancton.common.naming import instance_id

IPC_PATH_MAX_BYTES = 107
"""Linux allows a Unix socket's path this many bytes (``sun_path`` less its closing zero)."""
_OWN_NAMES = frozenset({"lock", "bus.sock", "control.sock", "drain", "stop", "force-stop", "snooze"})
"""What planctond makes in its directories, besides names that begin with its own."""


class PathError(Exception):
    """A path can't be used; the text says which, why, and what would be right."""


class Paths(msgspec.Struct, frozen=True, kw_only=True):
    """The absolute paths of one planctond. The run directory's path is also what tells instances apart."""

    rundir: Path
    logdir: Path
    confdir: Path
    statedir: Path
    pidfile: Path

    @property
    def state(self) -> Path:
        """What outlives planctond, of this instance alone: several may share a state directory."""
        return self.statedir / instance_id(str(self.rundir))

    @property
    def config_file(self) -> Path:
        """What the operator edits."""
        return self.confdir / "config.yaml"

    @property
    def log_file(self) -> Path:
        """Where planctond and its workers log."""
        return self.logdir / "plancton.log"

    @property
    def bus_socket(self) -> Path:
        """Where workers meet the supervisor."""
        return self.rundir / "bus.sock"

    @property
    def control_socket(self) -> Path:
        """Where planctonctl meets the supervisor."""
        return self.rundir / "control.sock"

    @property
    def lock_file(self) -> Path:
        """What the one planctond of this run directory holds locked."""
        return self.rundir / "lock"

    @property
    def drain_marker(self) -> Path:
        """While it exists nothing new is started; it outlives restarts."""
        return self.rundir / "drain"

    @property
    def stop_marker(self) -> Path:
        """While it exists nothing new is started, and planctond exits once the last pilot has ended."""
        return self.rundir / "stop"

    @property
    def force_stop_marker(self) -> Path:
        """While it exists pilots are being ended so that planctond can stop."""
        return self.rundir / "force-stop"

    @property
    def snooze_marker(self) -> Path:
        """Until the moment that it holds, pilots are ended and none is started; it outlives restarts."""
        return self.rundir / "snooze"

    def prepare(self) -> None:
        """Make the run and state directories (0700) and the log directory, or tighten those that are there.

        Raises:
            PathError: if one can't be made, is somebody else's, or the run directory is a symbolic link.

        """
        _own_directory(self.rundir, withdraw=0o077)
        _own_directory(self.logdir, withdraw=0o022)
        _own_directory(self.statedir, withdraw=0o077)
        _own_directory(self.state, withdraw=0o077)


def resolve(  # noqa: PLR0913 - keyword-only, and each says where something else is
    *,
    user: bool = False,
    logdir: Path | None = None,
    rundir: Path | None = None,
    pidfile: Path | None = None,
    confdir: Path | None = None,
    statedir: Path | None = None,
) -> Paths:
    """Return the paths in force: each one given wins; the rest are the system's for root, below ~/.plancton otherwise.

    ``user`` asks for the paths below ~/.plancton even as root. A pid file there lies in the run directory.

    Raises:
        PathError: if the sockets' paths would be longer than the kernel allows.

    """
    if user or os.geteuid() != 0:
        home = Path.home() / ".plancton"
        run = rundir or home / "run"
        paths = Paths(
            rundir=_absolute(run),
            logdir=_absolute(logdir or home / "log"),
            confdir=_absolute(confdir or home / "conf"),
            statedir=_absolute(statedir or home / "state"),
            pidfile=_absolute(pidfile or run / "plancton.pid"),
        )
    else:
        paths = Paths(
            rundir=_absolute(rundir or Path("/var/run/plancton")),
            logdir=_absolute(logdir or Path("/var/log/plancton")),
            confdir=_absolute(confdir or Path("/etc/plancton")),
            statedir=_absolute(statedir or Path("/var/lib/plancton")),
            pidfile=_absolute(pidfile or Path("/var/run/plancton.pid")),
        )
    _check_socket_paths(paths)
    return paths


def _absolute(path: Path) -> Path:
    # Not Path.resolve: an instance is told by this path, and /var/run may become or cease to be a link to /run.
    absolute = os.path.abspath(path.expanduser())  # noqa: PTH100 - Path.absolute keeps ".."
    # Two leading slashes are kept there, for other systems than Linux.
    return Path("/" + absolute.lstrip("/"))


def _check_socket_paths(paths: Paths) -> None:
    for socket in (paths.bus_socket, paths.control_socket):
        if not str(socket).isprintable():
            message = f"{str(socket)!r} isn't a path that a socket can have: choose a run directory in plain text"
            raise PathError(message)
        length = len(os.fsencode(socket))
        if length > IPC_PATH_MAX_BYTES:
            message = (
                f"{socket} is {length} bytes long, but a socket's path may have {IPC_PATH_MAX_BYTES} at most: "
                f"choose a run directory shorter by {length - IPC_PATH_MAX_BYTES} or more (--rundir)"
            )
            raise PathError(message)


def _check_alone(directory: Path, descriptor: int, mode: int) -> None:
    """Make sure that nobody else works in this directory, such as /run or /tmp: tightening it would break them."""
    others = [name for name in os.listdir(descriptor) if not name.startswith("plancton") and name not in _OWN_NAMES]
    if others:
        message = (
            f"{directory} has mode {mode:04o} and holds more than planctond's own, such as {others[0]!r}: "
            "choose a directory for planctond alone"
        )
        raise PathError(message)


def _own_directory(directory: Path, *, withdraw: int) -> None:
    """Make the directory for this user alone; take the permission bits ``withdraw`` from one that is there."""
    try:
        directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
        # Opened without following, and changed by descriptor: what was checked is what is changed.
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if directory.is_symlink():
            message = f"{directory} is a symbolic link; it must be a directory of this user's own"
            raise PathError(message) from None
        message = f"{directory} can't be used as a directory: {error.strerror}"
        raise PathError(message) from error
    try:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid():
            message = f"{directory} belongs to user id {status.st_uid}, not to this user ({os.geteuid()})"
            raise PathError(message)
        mode = stat.S_IMODE(status.st_mode)
        if mode & withdraw:
            _check_alone(directory, descriptor, mode)
            os.fchmod(descriptor, mode & ~withdraw)
    finally:
        os.close(descriptor)
