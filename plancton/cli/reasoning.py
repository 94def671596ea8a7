"""The present decision in plain words, with all that it was made of: pure."""

from collections.abc import Iterator

from plancton.cli import safeguards
from plancton.cli.reason_words import words
from plancton.cli.wording import clean, count, cpus, duration, moment, percent, size
from plancton.common.decision import Figures, Hold
from plancton.common.messages import Mode
from plancton.common.settings import Settings
from plancton.common.status import StatusReport

_LABEL_WIDTH = 12
_MOST_ENDINGS = 10


def reasoning(report: StatusReport, settings: Settings) -> Iterator[str]:
    """Yield the lines of ``planctonctl why``."""
    yield _headline(report)
    target = report.target
    if target is None:
        yield "Nothing is decided yet."
    elif target.hold is not None:
        yield from _held(target.hold, report)
    elif target.launch:
        yield f"{len(target.launch)} more are to be started now."
    else:
        yield "Nothing holds further launches."
    yield ""
    for label, lines in (
        ("CPU", _cpu(report, settings)),
        ("Memory", _memory(report, settings)),
        ("max_docks", _max_docks(report, settings)),
        ("Growth", _growth(settings)),
        ("Windows", _windows(report, settings)),
        ("Orders", _orders(report)),
        ("Evictions", _evictions(settings)),
        ("Fizzles", _fizzles(report, settings)),
        ("Stalls", _stalls(report, settings)),
        ("Weight", safeguards.weight(report.launcher)),
        ("To suspend", _suspensions(report, settings)),
        ("To end", _endings(report)),
    ):
        for number, line in enumerate(lines):
            yield f"{label if number == 0 else '':<{_LABEL_WIDTH}}{line}"


def _headline(report: StatusReport) -> str:
    numbers = safeguards.counted(report)
    wanted = "" if report.target is None else f", {report.target.want} wanted"
    if numbers is None:
        return f"How many pilots run isn't known{wanted}."
    running, suspended = numbers
    waiting = f", {suspended} suspended" if suspended else ""
    return f"{count(running, 'pilot')} running{waiting}{wanted}."


def _held(hold: Hold, report: StatusReport) -> Iterator[str]:
    told = words(hold.reason)
    yield f"No further pilot is started, because {told.why} ({hold.reason})."
    detail = hold.detail or (report.pool_unknown.why if report.pool_unknown is not None else "")
    if detail:
        yield f"The figures: {clean(detail)}."
    until = f", and until {moment(hold.until_unix, report.now_unix)}" if hold.until_unix is not None else ""
    yield f"So it has been for {duration(report.now_unix - hold.since_unix)}{until}."
    if told.ends:
        yield f"What ends it: {told.ends}."


def _figures(report: StatusReport) -> Figures | None:
    return report.target.figures if report.target is not None else None


def _cpu(report: StatusReport, settings: Settings) -> Iterator[str]:
    figures, host = _figures(report), report.host
    if figures is None:
        # What was seen, where nothing was decided on it.
        yield "not known" if host is None else f"the owner uses {cpus(host.owner_cpus)} of {host.ncpus} CPUs"
        return
    yield (
        f"the owner uses {cpus(figures.owner_cpus)} of {figures.ncpus} CPUs, "
        f"at most {cpus(figures.owner_peak_cpus)} in the last {settings.grace_grow:g} s (grace_grow)"
    )
    yield (
        f"watched for less than {settings.grace_kill:g} s (grace_kill): nothing is ended for CPUs yet"
        if figures.owner_sustained_cpus is None
        else f"never less than {cpus(figures.owner_sustained_cpus)} in the last {settings.grace_kill:g} s (grace_kill)"
    )
    others = f"pilots use {cpus(figures.pilots_cpus)}; {settings.reserve_cpus:g} are kept free (reserve_cpus)"
    stolen = f"; a hypervisor keeps {cpus(figures.stolen_cpus)}" if figures.stolen_cpus else ""
    yield others + stolen
    yield (
        f"room to grow to {count(figures.may_grow_to, 'pilot')}, and to keep {figures.may_keep}; "
        f"CPUs of each (cpus_per_dock): {settings.cpus_per_dock:g}"
    )


def _memory(report: StatusReport, settings: Settings) -> Iterator[str]:
    figures, host = _figures(report), report.host
    if figures is None:
        yield "not known" if host is None else f"{size(host.available_bytes)} available"
        return
    yield (
        f"{size(figures.available_bytes)} available, of which {size(figures.reserve_bytes)} stay the owner's "
        f"(reserve_mem {settings.reserve_mem:g} %)"
    )
    yield f"room for {count(figures.by_memory, 'pilot')} of {size(settings.max_dock_mem)} (max_dock_mem)"


def _max_docks(report: StatusReport, settings: Settings) -> Iterator[str]:
    figures = _figures(report)
    comes_to = "not known" if figures is None else f"{count(figures.by_max_docks, 'pilot')} here"
    yield f"{settings.max_docks}: {comes_to}"


def _growth(settings: Settings) -> Iterator[str]:
    number = count(settings.docks_per_loop, "pilot")
    yield f"by at most {number} in each {settings.main_sleep:g} s (docks_per_loop, main_sleep)"
    yield "taking the place of one that ended is no growth"


def _windows(report: StatusReport, settings: Settings) -> Iterator[str]:
    yield f"pilots may run {', '.join(map(clean, settings.windows))}" if settings.windows else "pilots may run always"
    deadline = safeguards.deadline(report)
    if deadline:
        yield deadline


def _orders(report: StatusReport) -> Iterator[str]:
    if report.mode is not Mode.ACTIVE:
        yield f"{report.mode}, since {duration(report.now_unix - report.mode_since_unix)}"
    yield from safeguards.orders(report)


def _evictions(settings: Settings) -> Iterator[str]:
    yield f"after pilots were ended for the owner, none is started for {settings.grace_spawn:g} s (grace_spawn)"


def _fizzles(report: StatusReport, settings: Settings) -> Iterator[str]:
    lines = list(safeguards.breaker(report))
    if report.target is None:
        yield "not known"
    elif lines:
        yield from lines
    else:
        yield "none lately"
    longest = f"hold launches, for {duration(settings.fizzle_longest_hold)} at most"
    if settings.fizzle_seconds:
        allowed = count(settings.fizzles_allowed, "pilot")
        yield f"{allowed} in a row that end within {settings.fizzle_seconds:g} s {longest}"
    else:
        yield f"no life is too short (fizzle_seconds); starts that fail {longest}"


def _stalls(report: StatusReport, settings: Settings) -> Iterator[str]:
    if report.host is None:
        yield "not known"
        return
    yield f"the owner's processes waited: {safeguards.stalls(report.host)}"
    limits = (("cpu", settings.stall_cpu), ("memory", settings.stall_memory), ("io", settings.stall_io))
    counting = [f"{name} above {percent(most / 100)}" for name, most in limits if most]
    yield f"pilots give way for {', '.join(counting)}" if counting else "pilots don't give way for that"


def _suspensions(report: StatusReport, settings: Settings) -> Iterator[str]:
    if report.target is None or not report.target.suspend:
        return
    yield from safeguards.suspensions(report.target.suspend)
    yield f"they are ended after {duration(settings.suspend_longest)} (suspend_longest)"


def _endings(report: StatusReport) -> Iterator[str]:
    endings = report.target.end if report.target is not None else ()
    for ending in endings[:_MOST_ENDINGS]:
        because = f"because {words(ending.reason).why} ({ending.reason}){safeguards.figures(ending.detail)}"
        yield f"{clean(ending.name)}, {because}"
    if len(endings) > _MOST_ENDINGS:
        yield f"and {len(endings) - _MOST_ENDINGS} more"
