"""How planctonctl writes numbers, moments and other people's words."""

import re
from datetime import UTC, datetime

_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):[^/\s]*@")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_PRECISE_BELOW = 10


def clean(text: str) -> str:
    r"""Return ``text`` fit for one line of a terminal: control characters as ``\x1b``, no password in a URL."""
    text = _PASSWORD.sub(r"\1:***@", " ".join(text.splitlines()))
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units; a negative one counts as none."""
    seconds = max(0.0, seconds)
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{seconds:.1f} s" if seconds < _PRECISE_BELOW and seconds != whole else f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def clock(moment_unix: float) -> str:
    """Return a moment's local time of day."""
    return datetime.fromtimestamp(moment_unix, UTC).astimezone().strftime("%H:%M:%S")


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
