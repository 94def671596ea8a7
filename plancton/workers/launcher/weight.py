"""The weight of all pilots together: put into the kernel's files, and told to systemd where it manages them."""

import contextlib
import errno
import subprocess
from pathlib import Path

from plancton.common.messages import Weight
from plancton.workers.launcher.weight_plan import (
    DEFAULT,
    FILES,
    NORMAL,
    Controller,
    Hierarchy,
    groups,
    hierarchies,
    in_force,
    properties,
    to_enable,
    writes,
)

_SYSTEMCTL_SECONDS = 5.0
_NO_CGROUPS = (
    "the engine puts pilots into no cgroups, as a rootless one does under cgroup v1, so that they have no weight: use "
    "an engine that runs as root"
)
_NO_FILE: dict[Controller, str] = {
    "cpu": "the cpu controller isn't there for it; cgroup.subtree_control above it must have it",
    "io": "this kernel has none for I/O; load the bfq scheduler (modprobe bfq), and use it for the disks",
}


class Weights:
    """Keeps the weights of one instance's pilots. It blocks on files and on systemctl, for seconds at most."""

    def __init__(self, instance: str, state: Path, mounts: Path = Path("/proc/mounts")) -> None:
        """Weigh the pilots of ``instance``, and remember in the directory ``state`` which weights were set."""
        self._instance = instance
        self._mounts = mounts
        self._record = state / "weights"
        self._ours: set[str] = set()
        """The controllers whose weight isn't as somebody else left it."""
        with contextlib.suppress(OSError):
            self._ours = set(self._record.read_text(encoding="ascii", errors="replace").split())
        self._asked: tuple[str, ...] = ()
        """What systemd was asked for and took."""
        self._told: tuple[str, ...] = ()
        """What it took, which an old systemd words otherwise."""

    def keep(self, driver: str, cpu: str, io: str) -> Weight:
        """Make the weights what the settings ``cpu`` and ``io`` ask for where they aren't, and tell what is in force.

        ``driver`` is the engine's cgroup driver. A weight that is to be left alone, but was set before, becomes the
        normal one, until it's found so: the reaper may be about to put back what it had lifted for a moment. What goes
        wrong comes back in words.
        """
        if driver == "none":
            return Weight(problems=(_NO_CGROUPS,))
        asked: dict[Controller, str] = {"cpu": cpu, "io": io}
        problems: list[str] = []
        mounted = self._mounted(problems)
        set_back = {controller for controller in asked if self._is_normal(driver, mounted, controller)}
        self._remember(self._ours - {controller for controller in set_back if asked[controller] == DEFAULT})
        wanted: dict[Controller, str] = {
            controller: NORMAL if weight == DEFAULT else weight
            for controller, weight in asked.items()
            if weight != DEFAULT or controller in self._ours
        }
        self._remember(self._ours | set(wanted))
        if driver == "systemd":
            problems.extend(self._tell_systemd(wanted))
        found: dict[Controller, str] = {}
        for controller in asked:
            text, wrong = self._see_to(driver, mounted.get(controller), controller, wanted.get(controller))
            found[controller] = text
            problems.extend(wrong)
        told = {text.partition("=")[0]: text for text in self._told}
        return Weight(
            cpu=found["cpu"] or told.get("CPUWeight", ""),
            io=found["io"] or told.get("IOWeight", ""),
            problems=tuple(problems),
        )

    def _remember(self, ours: set[str]) -> None:
        if ours != self._ours:
            self._ours = ours
            # On a full disk it is known until this process ends.
            with contextlib.suppress(OSError):
                self._record.write_text(" ".join(sorted(ours)), encoding="ascii")

    def _mounted(self, problems: list[str]) -> dict[Controller, Hierarchy]:
        try:
            return hierarchies(self._mounts.read_text(encoding="utf-8", errors="surrogateescape"))
        except OSError as error:
            problems.append(_in_words(error))
            return {}

    def _is_normal(self, driver: str, mounted: dict[Controller, Hierarchy], controller: Controller) -> bool:
        """Tell whether the pilots have the normal weight, in the future ones' slices too."""
        if driver == "systemd" and not set(properties({controller: NORMAL})) <= set(self._asked):
            return False
        mount = mounted[controller].mount if controller in mounted else "/nowhere"
        places = [Path(mount, group) for group in groups(self._instance, driver)]
        return not any(writes(controller, NORMAL, _read(place, controller)) for place in places)

    def _tell_systemd(self, wanted: dict[Controller, str]) -> list[str]:
        """Have systemd weigh the slices, also those that are yet to be made; what it knows isn't said again."""
        asked = properties(wanted)
        if not asked or asked == self._asked:
            return []
        self._told, problems = (), []
        for group in groups(self._instance, "systemd"):
            told, wrong = _set_property(Path(group).name, (asked, properties(wanted, knows_idle=False)))
            self._told = told
            problems.extend(wrong)
        if not problems:
            self._asked = asked
        return problems

    def _see_to(
        self, driver: str, hierarchy: Hierarchy | None, controller: Controller, weight: str | None
    ) -> tuple[str, list[str]]:
        """Return what is in force for one controller after setting it to ``weight``, and what went wrong."""
        if hierarchy is None:
            missing = f"no cgroup file system with the controller {controller} is mounted here"
            return "", [missing] if weight is not None else []
        texts, problems = [], []
        for group in groups(self._instance, driver):
            directory = Path(hierarchy.mount, group)
            if weight is not None:
                # Slices are systemd's own to make.
                made = driver != "systemd"
                problems.extend(_set(directory, hierarchy, controller, weight, make=made))
            texts.append(in_force(controller, _read(directory, controller)))
        return ", ".join(dict.fromkeys(text for text in texts if text)), problems


def _set(directory: Path, hierarchy: Hierarchy, controller: Controller, weight: str, *, make: bool) -> list[str]:
    """Give a group this weight, and return what went wrong. One that isn't there is made if ``make`` says so."""
    try:
        if make:
            if hierarchy.unified:
                _enable(Path(hierarchy.mount), controller)
            directory.mkdir(exist_ok=True)
        if not directory.exists():
            return []
        for file, content in writes(controller, weight, _read(directory, controller)):
            (directory / file).write_text(content, encoding="ascii")
    except OSError as error:
        return [_in_words(error)]
    there = _read(directory, controller)
    if not there:
        return [f"{directory} has no weight: {_NO_FILE[controller]}"]
    left = writes(controller, weight, there)
    return [f"{directory / file} doesn't become {content}" for file, content in left]


def _enable(root: Path, controller: Controller) -> None:
    """Have the root's groups controlled; whether that was needed shows in their files."""
    with contextlib.suppress(OSError):
        control = root / "cgroup.subtree_control"
        missing = to_enable((root / "cgroup.controllers").read_text(), control.read_text(), controller)
        if missing:
            control.write_text(missing)


def _read(directory: Path, controller: Controller) -> dict[str, str]:
    there = {}
    for file in FILES[controller]:
        with contextlib.suppress(OSError):
            there[file] = (directory / file).read_text(encoding="ascii")
    return there


def _set_property(unit: str, ways: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], list[str]]:
    """Return the first of the ``ways`` that systemd takes, and what went wrong if it takes none."""
    wrong = ""
    for way in dict.fromkeys(ways):
        command = ["systemctl", "set-property", "--runtime", unit, *way]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=_SYSTEMCTL_SECONDS, check=False
            )
        except FileNotFoundError:
            wrong = "there is no systemctl here"
            break
        except subprocess.TimeoutExpired:
            wrong = f"systemctl didn't end within {_SYSTEMCTL_SECONDS:g} s"
            break
        except OSError as error:
            wrong = f"systemctl: {error.strerror}"
            break
        if done.returncode == 0:
            return way, []
        wrong = done.stderr.strip().partition("\n")[0] or f"systemctl ended with {done.returncode}"
    remedy = f"say it yourself, by systemctl set-property {unit} {' '.join(ways[0])}"
    return (), [f"systemd couldn't be told the weight of {unit} ({wrong}): {remedy}"]


def _in_words(error: OSError) -> str:
    remedies = {
        errno.EACCES: "run planctond as root",
        errno.EPERM: "run planctond as root",
        errno.EROFS: "mount the cgroup file system there for writing",
    }
    remedy = remedies.get(error.errno or 0)
    return f"{error.filename}: {error.strerror}{f'; {remedy}' if remedy else ''}"
