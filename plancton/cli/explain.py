"""A status report in plain words: pure."""

from collections.abc import Iterator

from plancton.cli import safeguards
from plancton.cli.wording import clean, count, cpus, duration, moment, size
from plancton.common.messages import Counters, Mode, Target
from plancton.common.processes import ProcessStatus
from plancton.common.reasons import Reason
from plancton.common.status import StatusReport

_LABEL_WIDTH = 11
_MOST_ENDINGS = 5
_LATE_SECONDS = 1.0
"""How late a process's loop must have been to be worth a word: looks and decisions come every two seconds."""

_MODES = {
    Mode.ACTIVE: "pilots are launched wherever there is room",
    Mode.DRAINING: "it launches no pilots: drained; planctonctl resume ends that",
    Mode.DRAIN_STOPPING: "it launches no pilots and stops once the last has ended; planctonctl resume ends that",
    Mode.FORCE_STOPPING: "it ends its pilots, then itself",
}


def notes(report: StatusReport) -> Iterator[str]:
    """Yield what whoever started planctond should know: why nothing is launched, what is wrong with the file."""
    if report.mode is not Mode.ACTIVE:
        yield _MODES[report.mode] + (f" ({clean(report.drain_reason)})" if report.drain_reason else "")
    elif report.target is not None and report.target.hold is not None:
        want = report.target.want
        what = f"it wants {count(want, 'pilot')} and no more" if want else "it launches no pilots now"
        yield f"{what}: {held(report.target, report)}"
    for error in report.config.errors:
        yield f"the configuration is bad, and the last good one in force: {clean(error)}"
    for warning in report.config.warnings:
        yield f"warning: {clean(warning)}"


def explain(report: StatusReport) -> Iterator[str]:
    """Yield the lines of ``planctonctl status``."""
    up = duration(report.now_unix - report.started_unix)
    ready = "ready" if report.ready else "not ready"
    who = f"planctond {clean(report.version)}, instance {clean(report.instance)}"
    yield f"{who}, runs: pid {report.pid}, up {up}, {ready}"
    for label, lines in (
        ("Mode", _mode(report)),
        ("Pilots", pilots(report)),
        ("Fizzles", safeguards.breaker(report)),
        ("Owner", owner(report)),
        ("Weight", safeguards.weight(report.launcher)),
        ("Engine", engine(report)),
        ("Image", image(report)),
        ("Config", _config(report)),
        ("Counters", _counters(report.counters)),
        ("InfluxDB", _sinks(report)),
    ):
        for number, line in enumerate(lines):
            yield f"{label if number == 0 else '':<{_LABEL_WIDTH}}{line}"
    yield ""
    yield from _processes(report)


def _mode(report: StatusReport) -> Iterator[str]:
    yield f"{report.mode}: {_MODES[report.mode]} (since {_ago(report, report.mode_since_unix)})"
    yield from safeguards.orders(report)


def pilots(report: StatusReport) -> Iterator[str]:
    """Yield how many run, are suspended and wanted, why there are no more, and until when they may run."""
    numbers = safeguards.counted(report)
    seen = "how many run isn't known" if numbers is None else f"{numbers[0]} running"
    if numbers is not None and numbers[1]:
        seen += f", {numbers[1]} suspended"
    target = report.target
    if target is None:
        yield f"{seen}; nothing is decided yet"
        return
    launches = f", {len(target.launch)} to launch" if target.launch else ""
    endings = f", {len(target.end)} to end" if target.end else ""
    yield f"{seen}, {target.want} wanted{launches}{endings}"
    if target.hold is not None:
        yield f"held: {held(target, report)}"
    for line in safeguards.suspensions(target.suspend):
        yield f"to suspend: {line}"
    for ending in target.end[:_MOST_ENDINGS]:
        yield f"to end: {clean(ending.name)}: {ending.reason}{safeguards.figures(ending.detail)}"
    if len(target.end) > _MOST_ENDINGS:
        yield f"to end: {len(target.end) - _MOST_ENDINGS} more"
    deadline = safeguards.deadline(report)
    if deadline:
        yield deadline


def held(target: Target, report: StatusReport) -> str:
    """Return why no further pilot is launched and since when; empty where nothing is held."""
    if target.hold is None:
        return ""
    hold = target.hold
    detail = safeguards.figures(hold.detail)
    if hold.reason is Reason.ENGINE_UNKNOWN and report.pool_unknown is not None:
        engine_says = clean(report.pool_unknown.why)
        detail += "" if engine_says in detail else f": {engine_says}"
    until = f", until {moment(hold.until_unix, report.now_unix)}" if hold.until_unix is not None else ""
    return f"{hold.reason}{detail} (since {_ago(report, hold.since_unix)}{until})"


def owner(report: StatusReport) -> Iterator[str]:
    """Yield what the owner's own processes use and wait for, and what is left to pilots."""
    host = report.host
    if host is None:
        yield "not known yet"
        return
    age = f", seen {duration(report.host_age_seconds)} ago" if report.host_age_seconds is not None else ""
    room = report.target.room_cpus if report.target else None
    yield (
        f"uses {cpus(host.owner_cpus)} of {host.ncpus} CPUs, pilots {cpus(host.pilots_cpus)}; "
        f"{cpus(room)} left to pilots{age}"
    )
    yield f"{size(host.available_bytes)} of {size(host.ram_bytes)} memory available"
    yield f"stalled: {safeguards.stalls(host)}"


def engine(report: StatusReport) -> Iterator[str]:
    """Yield the engine's version and address, or why it is unknown."""
    url = clean(report.engine_url)
    pool, unknown = report.pool, report.pool_unknown
    if pool is not None:
        age = f", seen {duration(report.pool_age_seconds)} ago" if report.pool_age_seconds is not None else ""
        yield f"version {clean(pool.engine_version) or '?'}, API {clean(pool.api_version) or '?'}, at {url}{age}"
    elif unknown is not None:
        yield f"can't be asked at {url} (since {_ago(report, unknown.since_unix)}): {clean(unknown.why)}"
    else:
        yield f"not known yet, at {url}"


def image(report: StatusReport) -> Iterator[str]:
    """Yield the image that pilots are started from, and what is wrong with it."""
    launcher = report.launcher
    if launcher is None:
        yield "not known yet"
        return
    state = clean(launcher.image_id)[:19] if launcher.image_id else "not to be had"
    pulled = f", pulled {_ago(report, launcher.pulled_unix)} ago" if launcher.pulled_unix is not None else ""
    yield f"{clean(launcher.image)}: {'being pulled; ' if launcher.pulling else ''}{state}{pulled}"
    if launcher.detail:
        yield clean(launcher.detail)


def _config(report: StatusReport) -> Iterator[str]:
    config = report.config
    there = "" if config.exists else ", which doesn't exist: the defaults"
    yield f"{clean(config.file)}{there}; read {_ago(report, config.loaded_unix)} ago, generation {config.generation}"
    for warning in config.warnings:
        yield f"warning: {clean(warning)}"
    for error in config.errors:
        yield f"error: {clean(error)}"
    if config.errors:
        yield "the settings read before stay in force"


def _counters(counters: Counters | None) -> Iterator[str]:
    if counters is None:
        yield "not known yet"
        return
    yield (
        f"{counters.launched} launched, {counters.launch_failures} launches failed, "
        f"{counters.ended_by_themselves} ended by themselves, {counters.never_started} never started"
    )
    yield f"{counters.fizzled} fizzled, {counters.suspended} times suspended, {counters.resumed} times resumed"
    if counters.ended_by_reason:
        yield "ended: " + ", ".join(
            f"{clean(why)} {number}" for why, number in sorted(counters.ended_by_reason.items())
        )
    yield f"{duration(counters.pilot_seconds)} of pilots' time"
    if counters.journal_dropped:
        yield f"entries that couldn't be written to the journal: {counters.journal_dropped}"


def _sinks(report: StatusReport) -> Iterator[str]:
    for sink in report.counters.sinks if report.counters else ():
        error = ""
        if sink.error:
            since = f" ({_ago(report, sink.error_unix)} ago)" if sink.error_unix is not None else ""
            error = f"; error{since}: {clean(sink.error)}"
        yield (
            f"{clean(sink.name)}: points: {sink.written_points} written, {sink.waiting_points} waiting, "
            f"{sink.dropped_points} dropped{error}"
        )


def _processes(report: StatusReport) -> Iterator[str]:
    yield f"{'Process':<{_LABEL_WIDTH}}{'State':<10}{'Pid':>8}{'Restarts':>10}  {'For':<12}Last end"
    for process in report.processes:
        troubles = "; ".join(filter(None, (clean(process.last_end), _late(process))))
        line = (
            f"{clean(process.name):<{_LABEL_WIDTH}}{process.state:<10}{process.pid or '-':>8}{process.restarts:>10}  "
            f"{_ago(report, process.since_unix):<12}{troubles}"
        )
        yield line.rstrip()


def _late(process: ProcessStatus) -> str:
    if process.late_seconds < _LATE_SECONDS:
        return ""
    return f"its loop was up to {duration(process.late_seconds)} late in the last seconds"


def _ago(report: StatusReport, moment_unix: float) -> str:
    return duration(report.now_unix - moment_unix)
