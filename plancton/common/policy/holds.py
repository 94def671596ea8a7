"""Why nothing, or nothing more, is launched: pure. Each reason comes with the figures that it stands on."""

from plancton.common.messages import LauncherState, Mode
from plancton.common.policy.memory import Facts, Memory
from plancton.common.policy.room import Room
from plancton.common.reasons import Reason
from plancton.common.settings import Settings

Why = tuple[Reason, str]


def blind(facts: Facts) -> Why | None:
    """Return why not even the pilots are known, None where they are."""
    if facts.settings is None or facts.intent is None:
        return Reason.NO_SETTINGS, "no settings yet"
    if facts.pool is None:
        why = facts.pool_unknown.why if facts.pool_unknown else "no fresh look at the engine"
        return Reason.ENGINE_UNKNOWN, why
    return None


def standing(  # noqa: PLR0911 - one for each reason
    facts: Facts, memory: Memory, settings: Settings, now: float
) -> Why | None:
    """Return why nothing is launched whatever the room, None where nothing stands against it."""
    intent, launcher = facts.intent, facts.launcher
    assert intent is not None  # noqa: S101 - ``blind``'s own condition
    if intent.mode is Mode.DRAINING:
        return Reason.DRAINING, "drained by the operator; resume ends it"
    if intent.mode is Mode.DRAIN_STOPPING:
        return Reason.STOPPING, "stopping once the last pilot has ended"
    for worker, reason in (("launcher", Reason.NO_LAUNCHER), ("reaper", Reason.NO_REAPER)):
        if worker in intent.lost_workers:
            return reason, f"the {worker} was given up after repeated failures; see the log, then restart planctond"
    if launcher is None or launcher.image_id is None or launcher.image != settings.docker_image:
        return Reason.NO_IMAGE, _image_detail(launcher, settings)
    if memory.evicted_at is not None and now - memory.evicted_at < settings.grace_spawn:
        return Reason.AFTER_EVICTION, f"grace_spawn: {settings.grace_spawn:g} s after pilots were ended for the owner"
    if now < memory.retry_at:
        return Reason.LAUNCHES_FAIL, f"{memory.launch_failures} launches failed in a row; trying again"
    return None


def _image_detail(launcher: LauncherState | None, settings: Settings) -> str:
    if launcher is None or launcher.image != settings.docker_image:
        return f"{settings.docker_image} is being looked for"
    if launcher.pulling and not launcher.detail:
        return f"pulling {launcher.image}"
    return f"{launcher.image} is neither here nor to be had: {launcher.detail}"


def limit(space: Room, settings: Settings, want: int, there: int) -> Why | None:
    """Say which limit keeps the number of pilots where it is."""
    if want < space.pilots:
        return Reason.GROWTH_LIMIT, f"at most {settings.docks_per_loop} more in each {settings.main_sleep:g} s"
    if space.reason is Reason.MAX_DOCKS:
        return Reason.MAX_DOCKS, f"max_docks ({settings.max_docks}) is {space.by_max_docks} here"
    if space.reason is Reason.OWNER_MEMORY:
        return (
            Reason.OWNER_MEMORY,
            f"memory for {space.by_memory} pilots of {settings.max_dock_mem} bytes; {there} there",
        )
    detail = (
        f"the owner uses {space.owner_cpus:.2f} CPUs; {space.cpus:.2f} are left to pilots of {settings.cpus_per_dock:g}"
    )
    return Reason.OWNER_CPU, detail
