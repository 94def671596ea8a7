"""How planctonctl writes numbers, moments and other people's words."""

import re
from datetime import UTC, datetime

_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):[^/\s]*@")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_PRECISE_BELOW = 10
_LONGEST_SECONDS = 1e11
"""More than three thousand years; longer ones are no lengths that anybody meant."""


def clean(text: str) -> str:
    r"""Return ``text`` fit for one line of a terminal: control characters as ``\x1b``, no password in a URL."""
    text = _PASSWORD.sub(r"\1:***@", " ".join(text.splitlines()))
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units; a negative one counts as none."""
    number = whole(seconds)
    if number < _MINUTE:
        return f"{seconds:.1f} s" if 0 < seconds < _PRECISE_BELOW and seconds != number else f"{number} s"
    if number < _HOUR:
        return f"{number // _MINUTE} min {number % _MINUTE} s"
    if number < _DAY:
        return f"{number // _HOUR} h {number % _HOUR // _MINUTE} min"
    return f"{number // _DAY} d {number % _DAY // _HOUR} h"


def whole(seconds: float) -> int:
    """Return the whole seconds of a length of time, of any number that others may tell."""
    # In this order, what is no number counts as none.
    return int(min(_LONGEST_SECONDS, max(0.0, seconds)))


def clock(moment_unix: float) -> str:
    """Return a moment's local time of day; dashes for one beyond the years that a calendar has."""
    try:
        return datetime.fromtimestamp(moment_unix, UTC).astimezone().strftime("%H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "--:--:--"


def moment(moment_unix: float, now_unix: float) -> str:
    """Return a moment's local time of day, after its date unless that is today's, and how far away it is."""
    left = moment_unix - now_unix
    away = f"in {duration(left)}" if left >= 0 else f"{duration(-left)} ago"
    return f"{date_and_clock(moment_unix, now_unix)} ({away})"


def date_and_clock(moment_unix: float, now_unix: float) -> str:
    """Return a moment's local time of day, after its date unless that is the same as now."""
    try:
        then, now = (datetime.fromtimestamp(each, UTC).astimezone() for each in (moment_unix, now_unix))
    except (ValueError, OverflowError, OSError):
        # Beyond the years that a calendar has.
        return "never"
    return then.strftime("%H:%M:%S" if then.date() == now.date() else "%Y-%m-%d %H:%M:%S")


def size(number: int | None) -> str:
    """Return a number of bytes in MiB or GiB; "?" for an unknown one."""
    if number is None:
        return "?"
    if number < 1 << 30:
        return f"{number / (1 << 20):.1f} MiB"
    return f"{number / (1 << 30):.1f} GiB"


def cpus(number: float | None) -> str:
    """Return a number of CPUs to two places; "?" for an unknown one."""
    return "?" if number is None else f"{number:.2f}"


def percent(share: float) -> str:
    """Return a share from 0 to 1 in whole percent."""
    return f"{share * 100:.0f} %"


def count(number: int, noun: str) -> str:
    """Return "1 pilot", "2 pilots"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
