"""Moments, as people tell them on a command line: a length of time ago, or a date, or both parts of one."""

from datetime import datetime

import click

from plancton.cli.durations import seconds


def moment(text: str, now_unix: float) -> float:
    """Return the moment that ``2h``, ``2026-11-24``, ``2026-11-24 10:30`` or ``2026-11-24T10:30:00+01:00`` means.

    A length of time means so long ago, a date its first moment; without an offset, local time is meant.

    Raises:
        click.BadParameter: if it's none, or before 1970.

    """
    text = text.strip()
    try:
        # Nothing but digits in front may be a date without dashes, which nobody means by 20260101.
        found = datetime.fromisoformat(text) if "-" in text else None
    except ValueError:
        message = f"{text!r} is neither a length of time such as 90m, 12h or 7d nor a date such as 2026-11-24 10:30."
        raise click.BadParameter(message) from None
    if found is None:
        return now_unix - seconds(text)
    try:
        unix = found.timestamp()
    except (ValueError, OverflowError, OSError):
        unix = -1.0
    if unix < 0:
        message = f"{text!r} is before 1970."
        raise click.BadParameter(message)
    return unix
