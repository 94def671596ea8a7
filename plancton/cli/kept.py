"""Which pilot is meant whose output is asked for, and why there may be none: pure."""

from collections.abc import Iterable, Mapping

import msgspec

from plancton.cli.history_pilots import Ended
from plancton.cli.life import matching
from plancton.cli.wording import clean, count, date_and_clock, duration, size
from plancton.common.history_rows import Output
from plancton.common.naming import parse_name


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """One pilot that there is, or was."""

    name: str
    container_id: str
    is_there: bool = False
    """Its container is still there."""
    kept: Output | None = None
    life: Ended | None = None


def known(present: Mapping[str, str], kept: Iterable[Output], lives: Iterable[Ended]) -> dict[str, Known]:
    """Return all pilots that anything is known of, by their names, the last ones last.

    ``present`` gives the container of each that is there.
    """
    found: dict[str, Known] = {}
    for life in lives:
        if not life.pilot:
            continue
        found.pop(life.pilot, None)
        found[life.pilot] = Known(name=life.pilot, container_id=life.container, life=life)
    for output in kept:
        before = found.get(output.pilot) or Known(name=output.pilot, container_id=output.container_id)
        found[output.pilot] = msgspec.structs.replace(before, container_id=output.container_id, kept=output)
    for name, container_id in present.items():
        before = found.get(name) or Known(name=name, container_id=container_id)
        # Put at the end anew, so that the last ones are those that are there.
        found.pop(name, None)
        found[name] = msgspec.structs.replace(before, container_id=container_id, is_there=True)
    return found


def meant(wanted: str, pilots: Mapping[str, Known]) -> tuple[str, ...]:
    """Return which pilots ``wanted`` means, by their names.

    As ``matching`` says, or it is the slot of one that is there, or a part of a name.
    """
    found = matching(wanted, {name: pilot.container_id for name, pilot in pilots.items()})
    if found or not wanted:
        return found
    in_slot = tuple(name for name in pilots if str(getattr(parse_name(name), "slot", "")) == wanted)
    there = tuple(name for name in in_slot if pilots[name].is_there)
    return there or in_slot or tuple(name for name in pilots if wanted in name)


def ended_words(pilot: Known, now_unix: float) -> str:
    """Return how a pilot ended, in one line."""
    life = pilot.life
    ended_unix = life.ended_unix if life is not None else pilot.kept.ended_unix if pilot.kept is not None else None
    if ended_unix is None:
        return "has ended"
    when = f"ended {date_and_clock(ended_unix, now_unix)}"
    if life is None:
        return when
    after = "" if life.uptime_seconds is None else f" after {duration(int(life.uptime_seconds))}"
    code = "" if life.exit_code is None else f" with exit code {life.exit_code}"
    memory = ", out of memory" if life.oom_killed else ""
    words = ", ".join(clean(word) for word in dict.fromkeys((life.exit, life.reason)) if word)
    return f"{when}{after}{code}{memory}" + (f" ({words})" if words else "")


def none_kept(pilot: Known, kept: Iterable[Output], output_size: int | None) -> str:
    """Return why nothing is kept of a pilot; ``output_size`` is the setting, None where it isn't known."""
    if output_size == 0:
        return "output_size is 0, so that only what fizzling pilots said is kept"
    oldest = min((output.ended_unix for output in kept), default=None)
    if pilot.life is not None and oldest is not None and pilot.life.ended_unix < oldest:
        return "it is older than what history_size and history_age leave room for"
    return "it wrote nothing, or the engine couldn't give it"


def listing(kept: Iterable[Output], now_unix: float) -> list[tuple[str, str, str]]:
    """Return a heading, and a row for each output that is kept."""
    rows = [(clean(each.pilot), date_and_clock(each.ended_unix, now_unix), _bytes(each.size_bytes)) for each in kept]
    return [("PILOT", "ENDED", "OUTPUT"), *rows]


def _bytes(number: int) -> str:
    return count(number, "byte") if number < 1 << 20 else size(number)
