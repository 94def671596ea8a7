"""The parts of the live view, each some lines within a width: pure."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from plancton.cli import safeguards
from plancton.cli.explain import pilots as pilots_told
from plancton.cli.graph import graph
from plancton.cli.pilot_rows import pilot_age, state, work
from plancton.cli.reason_words import words
from plancton.cli.top_keys import Sort
from plancton.cli.top_model import Seen, Usage, courses
from plancton.cli.top_table import Cell, Column, beside, fit, table, wrapped
from plancton.cli.wording import clean, clock, count, cpus, date_and_clock, duration, moment, size, whole
from plancton.common.messages import Mode
from plancton.common.pilot import Pilot, PilotState
from plancton.common.processes import ProcessState
from plancton.common.status import StatusReport

PROCESS_COLUMNS = (
    Column(heading="PROCESS", least=10),
    Column(heading="STATE", least=8),
    Column(heading="PID", right=True, least=7),
    Column(heading="AGAIN", right=True),
    Column(heading="CPU%", right=True),
    Column(heading="MEM", right=True, least=4),
    Column(heading="LATE", right=True),
)
_PILOT_COLUMNS = (
    Column(heading="SLOT", right=True),
    Column(heading="STATE", least=9),
    Column(heading="AGE", least=10),
    Column(heading="CPU", right=True, least=5),
    Column(heading="MEMORY", right=True, least=9),
    Column(heading="WORK"),
    Column(heading="NAME"),
)
_PROCESS_STYLES = {
    ProcessState.RUNNING: "green",
    ProcessState.STARTING: "cyan",
    ProcessState.BACKOFF: "yellow",
    ProcessState.FATAL: "bold red",
}
_PILOT_STYLES = {
    PilotState.RUNNING: "green",
    PilotState.CREATED: "cyan",
    PilotState.PAUSED: "yellow",
    PilotState.EXITED: "dim",
    PilotState.DEAD: "red",
}
_BAD = "yellow"
_KIB = 1024


def header(seen: Seen, width: int) -> Text:
    """Return who is looked at, how it is, and the time."""
    now = Text(clock(seen.now_unix), style="dim")
    report = seen.report
    if report is None:
        return beside(Text.assemble(("plancton", "bold"), f" on {clean(seen.hostname)}"), now, width)
    up = duration(whole(report.now_unix - report.started_unix))
    left = Text.assemble(
        ("plancton", "bold"),
        f" {clean(report.version)} on {clean(seen.hostname)}  ",
        (str(report.mode), "green" if report.mode is Mode.ACTIVE else "bold yellow"),
        ("" if report.ready else ", not ready", _BAD),
        f"  up {up}  pid {report.pid}",
    )
    return beside(left, now, width)


def reasons(seen: Seen, width: int, most: int) -> list[Text]:
    """Return how many pilots are wanted, and why no more, in plain words and ``most`` lines at most."""
    told = list(_reasons(seen))
    lines: list[Text] = []
    for number, each in enumerate(told, 1):
        # Each of those that follow has a line at least.
        lines += wrapped(each, width, min(2, most - len(lines) - (len(told) - number)), len("Pilots "))
    return lines[:most]


def _reasons(seen: Seen) -> Iterator[Text]:
    report = seen.report
    if report is None:
        yield Text(clean(seen.absence) or "waiting: planctond hasn't answered yet", style=_BAD)
        return
    yield Text.assemble(("Pilots ", "bold"), next(pilots_told(report), ""))
    target = report.target
    hold = target.hold if target is not None else None
    if hold is not None:
        since = duration(report.now_unix - hold.since_unix)
        until = f", until {moment(hold.until_unix, report.now_unix)}" if hold.until_unix is not None else ""
        why = f"{words(hold.reason).why} ({hold.reason}), for {since}{until}{safeguards.figures(hold.detail)}"
        yield Text.assemble(("Held   ", "bold"), (f"no more, because {why}", _BAD))
    elif report.pool is None and report.pool_unknown is not None:
        yield Text.assemble(("Engine ", "bold"), (f"can't be asked: {clean(report.pool_unknown.why)}", _BAD))
    for order in safeguards.orders(report):
        yield Text.assemble(("Orders ", "bold"), order)
    for error in report.config.errors:
        yield Text.assemble(("Config ", "bold"), (f"bad, the last good one stays: {clean(error)}", "red"))


def graphs(seen: Seen, width: int, height: int, *, ascii_only: bool) -> list[Text]:
    """Return both courses, each a title and ``height`` lines; with 0, each is one line with its title before it."""
    host = seen.report.host if seen.report is not None else None
    top = float(seen.ncpus or 1)
    of = f" of {seen.ncpus}" if seen.ncpus is not None else ""
    room = seen.report.target.room_cpus if seen.report is not None and seen.report.target is not None else None
    left = f", {cpus(room)} left" if room is not None else ""
    owner, pilots = (host.owner_cpus, host.pilots_cpus) if host is not None else (None, None)
    if not height:
        titles = [f"owner  {cpus(owner)}{of} ", f"pilots {cpus(pilots)}{of} "]
        room_for = max(0, width - max(map(len, titles)))
        course = courses(seen, room_for)
        short = []
        for title, values, style in zip(titles, (course.owner, course.pilots), ("cyan", "green"), strict=True):
            drawn = graph(values, width=room_for, height=1, top=top, ascii_only=ascii_only)[0]
            short.append(Text.assemble(title.ljust(width - room_for), (drawn, style)))
        return short
    course = courses(seen, width)
    span = f"{course.seconds / 60:.2g} min"
    parts = (
        (f"owner's CPUs {cpus(owner)}{of}", span, course.owner, "cyan"),
        (f"pilots' CPUs {cpus(pilots)}{left}", span, course.pilots, "green"),
    )
    lines: list[Text] = []
    for title, ago, values, style in parts:
        lines.append(beside(Text(title, style="bold"), Text(ago, style="dim"), width))
        columns = graph(values, width=width, height=height, top=top, ascii_only=ascii_only)
        lines += [Text(line, style=style) for line in columns]
    return lines


def memory(seen: Seen, width: int) -> Text:
    """Return what of the machine's memory is used, as a bar and in numbers."""
    host = seen.report.host if seen.report is not None else None
    if host is None or not host.ram_bytes:
        return fit(Text("memory not known"), width)
    used = min(host.ram_bytes, max(0, host.ram_bytes - host.available_bytes))
    numbers = f" {size(used)} of {size(host.ram_bytes)} used"
    room = width - len("memory []") - len(numbers)
    if room < 4:  # noqa: PLR2004 - a shorter bar tells nothing
        return fit(Text(f"memory{numbers}"), width)
    filled = round(room * used / host.ram_bytes)
    return Text.assemble("memory [", ("#" * filled, "cyan"), "-" * (room - filled), f"]{numbers}")


def stalls(seen: Seen) -> Text:
    """Return how much the owner's processes waited."""
    host = seen.report.host if seen.report is not None else None
    return Text("stalled not known" if host is None else f"stalled {safeguards.stalls(host)}")


def processes(seen: Seen) -> list[Text]:
    """Return a table of planctond's processes."""
    report = seen.report
    if report is None:
        return []
    rows: list[list[Cell]] = [
        ["supervisor", ("running", "green"), str(report.pid), "-", *_usage(seen.usage.get(report.pid)), "-"]
    ]
    rows += [
        [
            clean(process.name),
            (str(process.state), _PROCESS_STYLES.get(process.state, "")),
            str(process.pid or "-"),
            (f"{process.restarts}x", _BAD) if process.restarts else "0x",
            *_usage(seen.usage.get(process.pid or 0)),
            f"{process.late_seconds:.2f}",
        ]
        for process in report.processes
    ]
    return table(PROCESS_COLUMNS, rows)


def processes_in_short(report: StatusReport | None) -> Text:
    """Return how planctond's processes are, in one line."""
    if report is None:
        return Text("")
    troubled = [each for each in report.processes if each.state is not ProcessState.RUNNING]
    running = len(report.processes) - len(troubled)
    line = Text(f"processes: {running} of {len(report.processes)} workers run")
    for process in troubled:
        again = f" ({process.restarts}x again)" if process.restarts else ""
        line.append(f", {clean(process.name)} is {process.state}{again}", style=_PROCESS_STYLES.get(process.state, ""))
    return line


def pilots(seen: Seen, sort: Sort, height: int) -> list[Text]:
    """Return a table of the pilots in ``height`` lines at most, of which the last may tell how many don't fit."""
    report = seen.report
    if report is None or height < 1:
        return []
    if report.pool is None:
        why = f": {clean(report.pool_unknown.why)}" if report.pool_unknown is not None else " yet"
        return [Text(f"the pilots aren't known{why}", style=_BAD)]
    found = ordered(report.pool.pilots, sort)
    if not found:
        return [Text("no pilots", style="dim")]
    room = height - 1
    fits = len(found) <= room
    shown = found if fits else found[: max(0, room - 1)]
    lines = table(_PILOT_COLUMNS, [_pilot(each, report.now_unix) for each in shown])
    if not fits and room:
        lines.append(Text(f"and {count(len(found) - len(shown), 'more pilot')}, by {sort}", style="dim"))
    return lines


def ordered(found: Sequence[Pilot], sort: Sort) -> list[Pilot]:
    """Return the pilots by slot, or those first that use the most; of which that isn't known come last."""
    by_slot = sorted(found, key=lambda pilot: (pilot.slot, pilot.incarnation))
    if sort is Sort.CPU:
        return sorted(by_slot, key=lambda pilot: -1.0 if pilot.cpu_cores is None else pilot.cpu_cores, reverse=True)
    if sort is Sort.MEMORY:
        return sorted(by_slot, key=lambda pilot: -1 if pilot.memory_bytes is None else pilot.memory_bytes, reverse=True)
    return by_slot


def events(seen: Seen, height: int) -> list[Text]:
    """Return the last happenings in ``height`` lines at most, the newest last."""
    lines = []
    for happening in seen.happenings[-height:] if height > 0 else ():
        when = date_and_clock(happening.at_unix, seen.now_unix)
        lines.append(Text.assemble((when, "dim"), (f" {clean(happening.what)}: ", "bold"), clean(happening.text)))
    return lines


def _pilot(pilot: Pilot, now_unix: float) -> list[Cell]:
    return [
        str(pilot.slot),
        (state(pilot), _PILOT_STYLES.get(pilot.state, "")),
        duration(whole(pilot_age(pilot, now_unix))),
        cpus(pilot.cpu_cores),
        size(pilot.memory_bytes),
        work(pilot, now_unix) or "-",
        clean(pilot.name),
    ]


def _usage(usage: Usage | None) -> tuple[str, str]:
    if usage is None:
        return "?", "?"
    percent = "?" if usage.cpu_percent is None else f"{usage.cpu_percent:.1f}"
    return percent, _short_size(usage.memory_bytes)


def _short_size(number: int | None) -> str:
    """Return a number of bytes in four characters, mostly."""
    if number is None:
        return "?"
    if number < _KIB**2:
        return f"{number / _KIB:.0f}K"
    return f"{number / _KIB**2:.0f}M" if number < _KIB**3 else f"{number / _KIB**3:.1f}G"
