"""What the keys of the live view do: a key and the view's state to a new state, and perhaps an order. Pure."""

from enum import StrEnum

import msgspec

from plancton.common.numerals import quantity

LONGEST_SNOOZE_SECONDS = 3650 * 86_400.0
_LONGEST_TYPED = 12
_FAR = 10**6
"""Lines: more than any page has."""


class Page(StrEnum):
    """What fills the screen."""

    MAIN = "main"
    WHY = "why"
    HELP = "help"


class Sort(StrEnum):
    """What the pilots are sorted by."""

    SLOT = "slot"
    CPU = "CPU"
    MEMORY = "memory"


class Order(StrEnum):
    """What planctond is told to do."""

    DRAIN = "drain"
    RESUME = "resume"
    SNOOZE = "snooze"
    SNOOZE_OFF = "snooze-off"


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the keys made of the view so far."""

    page: Page = Page.MAIN
    scroll: int = 0
    """Lines of a page that are above the screen."""
    sort: Sort = Sort.SLOT
    question: Order | None = None
    """What is to be confirmed."""
    typed: str = "1h"
    """For how long to snooze."""
    fresh: bool = True
    """Whether what is typed next replaces it."""
    told: str = ""
    """What became of the last key."""
    quits: bool = False


class Press(msgspec.Struct, frozen=True, kw_only=True):
    """What a key comes to."""

    state: State
    order: Order | None = None
    seconds: float = 0.0
    """For how long, of a snooze."""


def press(state: State, key: str, *, drained: bool = False) -> Press:
    """Return what ``key`` makes of ``state``. ``drained`` tells that the node launches no pilots already."""
    if key == "interrupt":
        return Press(state=msgspec.structs.replace(state, quits=True))
    if state.question is Order.SNOOZE:
        return _ask_length(state, key)
    if state.question is not None:
        return _confirm(state, key)
    if state.page is not Page.MAIN:
        return Press(state=_turn(state, key))
    return _command(msgspec.structs.replace(state, told=""), key, drained=drained)


def _command(state: State, key: str, *, drained: bool) -> Press:  # noqa: PLR0911 - one for each key
    match key:
        case "q" | "Q" | "escape":
            return Press(state=msgspec.structs.replace(state, quits=True))
        case "d" if drained:
            told = "it launches no pilots already; r (resume) ends that"
            return Press(state=msgspec.structs.replace(state, told=told))
        case "d":
            return Press(state=msgspec.structs.replace(state, question=Order.DRAIN))
        case "s":
            return Press(state=msgspec.structs.replace(state, question=Order.SNOOZE, typed="1h", fresh=True))
        case "r":
            return Press(state=msgspec.structs.replace(state, told="asking planctond to resume"), order=Order.RESUME)
        case "S" | "o":
            told = "asking planctond to end the snooze"
            return Press(state=msgspec.structs.replace(state, told=told), order=Order.SNOOZE_OFF)
        case "p" | "c" | "m":
            sort = {"p": Sort.SLOT, "c": Sort.CPU, "m": Sort.MEMORY}[key]
            return Press(state=msgspec.structs.replace(state, sort=sort, told=f"pilots are sorted by {sort}"))
        case "w" | "?" | "h":
            page = Page.WHY if key == "w" else Page.HELP
            return Press(state=msgspec.structs.replace(state, page=page, scroll=0))
    known = "no such key" if len(key) == 1 else ""
    return Press(state=msgspec.structs.replace(state, told=f"{known} {key!r}; ? lists them" if known else ""))


def _confirm(state: State, key: str) -> Press:
    asked = msgspec.structs.replace(state, question=None)
    if key in {"y", "Y"}:
        told = f"asking planctond to {state.question}"
        return Press(state=msgspec.structs.replace(asked, told=told), order=state.question)
    return Press(state=msgspec.structs.replace(asked, told="nothing was done"))


def _ask_length(state: State, key: str) -> Press:
    match key:
        case "escape":
            return Press(state=msgspec.structs.replace(state, question=None, told="nothing was done"))
        case "enter":
            return _snooze(state)
        case "backspace":
            typed = state.typed[:-1]
        case _ if len(key) == 1 and len(state.typed) < _LONGEST_TYPED:
            typed = key if state.fresh else state.typed + key
        case _:
            return Press(state=state)
    return Press(state=msgspec.structs.replace(state, typed=typed, fresh=False, told=""))


def _snooze(state: State) -> Press:
    seconds = snooze_seconds(state.typed)
    if seconds is None:
        told = f"{state.typed!r} is no length of time such as 45m, 1h or 2d"
        return Press(state=msgspec.structs.replace(state, told=told, fresh=True))
    asked = msgspec.structs.replace(state, question=None, told="asking planctond to snooze")
    return Press(state=asked, order=Order.SNOOZE, seconds=seconds)


def snooze_seconds(typed: str) -> float | None:
    """Return the seconds of a length of time such as ``45m``; None where it's none, or more than ten years."""
    number = quantity(typed, "seconds")
    if number is None or not typed.strip()[-1:].isalpha() or not 0 < number <= LONGEST_SNOOZE_SECONDS:
        return None
    return float(number)


def _turn(state: State, key: str) -> State:
    """Return the page turned, or left."""
    ends = {"home": 0, "end": _FAR}
    moves = {"up": -1, "k": -1, "down": 1, "j": 1, "page-up": -10, "page-down": 10, " ": 10}
    if key in ends or key in moves:
        return msgspec.structs.replace(state, scroll=ends.get(key, max(0, state.scroll + moves.get(key, 0))))
    leaves = key in {"q", "Q", "escape", "enter", "w", "?", "h"}
    return msgspec.structs.replace(state, page=Page.MAIN, scroll=0) if leaves else state
