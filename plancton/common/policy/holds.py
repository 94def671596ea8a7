"""Why nothing, or nothing more, is launched: pure. Each reason comes with the figures that it stands on."""

import msgspec

from plancton.common.messages import Intent, LauncherState, Mode
from plancton.common.policy import fizzles
from plancton.common.policy.facts import Facts, Moment
from plancton.common.policy.memory import Memory
from plancton.common.policy.room import Room
from plancton.common.policy.slots import Census
from plancton.common.policy.windows import opening
from plancton.common.reasons import Reason
from plancton.common.settings import Settings


class Why(msgspec.Struct, frozen=True):
    """A reason, the figures that it stands on, and when it ends by itself, where that is known."""

    reason: Reason
    detail: str
    until_unix: float | None = None


def blind(facts: Facts) -> Why | None:
    """Return why not even the pilots are known, None where they are."""
    if facts.settings is None or facts.intent is None:
        return Why(Reason.NO_SETTINGS, "no settings yet")
    if facts.pool is None:
        why = facts.pool_unknown.why if facts.pool_unknown else "no fresh look at the engine"
        return Why(Reason.ENGINE_UNKNOWN, why)
    return None


def nobody(intent: Intent, settings: Settings, moment: Moment) -> Why | None:
    """Return why no pilot may run at all, so that those that do are to end; None where some may."""
    snooze = intent.snooze_until_unix
    if snooze is not None and moment.unix < snooze:
        return Why(Reason.SNOOZED, "the owner wants no pilots; planctonctl snooze off ends that", snooze)
    drained = intent.mode in {Mode.DRAINING, Mode.DRAIN_STOPPING}
    if drained and intent.drain_deadline_unix is not None and moment.unix >= intent.drain_deadline_unix:
        return Why(Reason.DRAIN_DEADLINE, f"the drain's deadline has passed{_because(intent)}")
    window = opening(settings.windows, moment.weekday, moment.second_of_day)
    if not window.is_open:
        opens = moment.unix + window.changes_in if window.changes_in is not None else None
        return Why(Reason.OUTSIDE_WINDOWS, f"pilots may run {', '.join(settings.windows)}", opens)
    return None


def deadline_unix(facts: Facts, moment: Moment) -> float | None:
    """Return when all pilots must have ended, as far as is known."""
    intent, settings = facts.intent, facts.settings
    if intent is None or settings is None:
        return None
    closes = opening(settings.windows, moment.weekday, moment.second_of_day).changes_in if settings.windows else None
    drained = intent.mode in {Mode.DRAINING, Mode.DRAIN_STOPPING}
    known = (moment.unix + closes if closes is not None else None, intent.drain_deadline_unix if drained else None)
    return min((each for each in known if each is not None), default=None)


def standing(  # noqa: PLR0911 - one for each reason
    facts: Facts, memory: Memory, settings: Settings, look: Census, moment: Moment
) -> Why | None:
    """Return why nothing is launched whatever the room, None where nothing stands against it."""
    intent, launcher = facts.intent, facts.launcher
    assert intent is not None  # noqa: S101 - ``blind``'s own condition
    if intent.mode is Mode.DRAIN_STOPPING:
        return Why(Reason.STOPPING, f"stopping once the last pilot has ended{_because(intent)}")
    if intent.mode is Mode.DRAINING:
        return Why(Reason.DRAINING, f"drained by the operator{_because(intent)}; resume ends it")
    if intent.drill_until_unix is not None and moment.unix < intent.drill_until_unix:
        return Why(Reason.DRILL, "a drill measures the machine without pilots", intent.drill_until_unix)
    for worker, reason in (("launcher", Reason.NO_LAUNCHER), ("reaper", Reason.NO_REAPER)):
        if worker in intent.lost_workers:
            detail = f"the {worker} was given up after repeated failures; see the log, then restart planctond"
            return Why(reason, detail)
    if launcher is None or launcher.image_id is None or launcher.image != settings.docker_image:
        return Why(Reason.NO_IMAGE, _image_detail(launcher, settings))
    if memory.evicted_at is not None and moment.monotonic - memory.evicted_at < settings.grace_spawn:
        ends = moment.unix + memory.evicted_at + settings.grace_spawn - moment.monotonic
        detail = f"grace_spawn: {settings.grace_spawn:g} s after pilots were ended for the owner"
        return Why(Reason.AFTER_EVICTION, detail, ends)
    if memory.suspensions:
        return Why(Reason.SUSPENDED_FIRST, f"{len(memory.suspensions)} suspended pilots go on before any is launched")
    return _breaker(memory, look, moment)


def _breaker(memory: Memory, look: Census, moment: Moment) -> Why | None:
    held = fizzles.holds(memory, moment)
    if held is not None:
        return Why(*held)
    if fizzles.on_trial(memory) and fizzles.trial_runs(memory, look):
        assert memory.breaker is not None  # noqa: S101 - it is on trial
        detail = f"{memory.breaker.fizzles} in a row; a trial pilot runs, the last before it: {memory.breaker.last}"
        return Why(memory.breaker.reason, detail)
    return None


def _because(intent: Intent) -> str:
    return f" ({intent.drain_reason})" if intent.drain_reason else ""


def _image_detail(launcher: LauncherState | None, settings: Settings) -> str:
    if launcher is None or launcher.image != settings.docker_image:
        return f"{settings.docker_image} is being looked for"
    if launcher.pulling and not launcher.detail:
        return f"pulling {launcher.image}"
    return f"{launcher.image} is neither here nor to be had: {launcher.detail}"


def limit(space: Room, settings: Settings, want: int, there: int) -> Why | None:
    """Say which limit keeps the number of pilots where it is."""
    if want < space.grow:
        return Why(Reason.GROWTH_LIMIT, f"at most {settings.docks_per_loop} more in each {settings.main_sleep:g} s")
    if space.reason is Reason.MAX_DOCKS:
        return Why(Reason.MAX_DOCKS, f"max_docks ({settings.max_docks}) is {space.by_max_docks} here")
    if space.reason is Reason.OWNER_MEMORY:
        detail = f"memory for {space.by_memory} pilots of {settings.max_dock_mem} bytes; {there} there"
        return Why(Reason.OWNER_MEMORY, detail)
    detail = (
        f"the owner uses {space.figures.owner_peak_cpus:.2f} CPUs; {space.cpus:.2f} are left to pilots of "
        f"{settings.cpus_per_dock:g}"
    )
    return Why(Reason.OWNER_CPU, detail)
