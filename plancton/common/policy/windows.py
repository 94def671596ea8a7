"""When pilots may run, by weekday and time of day: pure. Times are the machine's local ones."""

import functools

import msgspec

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 86_400
_WEEK = 7 * _DAY


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """Whether pilots may run now, and in how many seconds that changes; None where it never does."""

    is_open: bool
    changes_in: float | None


def opening(windows: tuple[str, ...], weekday: int, second_of_day: float) -> Opening:
    """Return whether any of ``windows`` is open at this moment; without windows, always.

    Where the clocks are put forward or back meanwhile, ``changes_in`` is an hour off until they were.
    """
    if not windows:
        return Opening(is_open=True, changes_in=None)
    spans = _spans(windows)
    if spans == ((0, _WEEK),):
        return Opening(is_open=True, changes_in=None)
    now = weekday * _DAY + second_of_day
    for begin, end in spans:
        if begin <= now < end:
            # One that ends with the week goes on in a window that begins with the next.
            further = spans[0][1] if end == _WEEK and spans[0][0] == 0 else 0
            return Opening(is_open=True, changes_in=end - now + further)
    waits = min((begin - now) % _WEEK for begin, _ in spans)
    return Opening(is_open=False, changes_in=waits)


@functools.lru_cache(maxsize=8)
def _spans(windows: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Return the windows as seconds of the week, in order, none overlapping another."""
    found: list[tuple[int, int]] = []
    for window in windows:
        for begin, end in _parsed(window):
            found += [(begin, end)] if end <= _WEEK else [(begin, _WEEK), (0, end - _WEEK)]
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(found):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return tuple(merged)


def _parsed(window: str) -> list[tuple[int, int]]:
    days, _, times = window.partition(" ")
    begin, end = map(_second, times.split("-")) if times else (0, _DAY)
    if end <= begin:
        end += _DAY
    return [(day * _DAY + begin, day * _DAY + end) for day in _days(days)]


def _second(time: str) -> int:
    hours, _, minutes = time.partition(":")
    return int(hours) * 3600 + int(minutes) * 60


def _days(text: str) -> set[int]:
    if text == "daily":
        return set(range(7))
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        days |= {day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)}
    return days
