"""Time cut into buckets that people can read, by their own calendar: pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0
SIZES = (
    *(1.0, 2.0, 5.0, 10.0, 15.0, 30.0),
    *(minutes * _MINUTE for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY for days in (1, 2, 7, 14, 28, 91, 364)),
)
"""Seconds of a bucket, of which the smallest that gives few enough is taken."""


def size_for(since_unix: float, until_unix: float, most: int) -> float:
    """Return the size of the smallest buckets of which ``most``, 2 or more, are enough for the time between."""
    # The first and the last may be cut short, so that there is one more than fits.
    fits = (size for size in SIZES if (until_unix - since_unix) / size <= most - 1)
    return next(fits, SIZES[-1])


def edges(since_unix: float, until_unix: float, size: float) -> tuple[float, ...]:
    """Return where the buckets of ``size`` seconds begin and end, from ``since_unix`` to ``until_unix``.

    Buckets are counted from each local midnight; those of whole days begin at one, whatever daylight saving does to
    their length. The first and the last are cut by the time that is asked for, and those before a midnight by that.
    """
    inner: list[float] = []
    for edge in (
        _whole_days(since_unix, until_unix, int(size // _DAY)) if size >= _DAY else _parts(since_unix, until_unix, size)
    ):
        if since_unix < edge < until_unix and (not inner or edge > inner[-1]):
            inner.append(edge)
    return (since_unix, *inner, until_unix)


def _whole_days(since_unix: float, until_unix: float, days: int) -> Iterator[float]:
    day = _day_of(since_unix)
    # Weeks begin on Monday, as the first day of the calendar did.
    day -= timedelta(days=(day.toordinal() - 1) % days)
    while (midnight := _midnight(day)) < until_unix:
        yield midnight
        day += timedelta(days=days)


def _parts(since_unix: float, until_unix: float, size: float) -> Iterator[float]:
    day = _day_of(since_unix)
    midnight = _midnight(day)
    while midnight < until_unix:
        day += timedelta(days=1)
        next_midnight = _midnight(day)
        number = max(0, int((since_unix - midnight) // size))
        while (edge := midnight + number * size) < min(next_midnight, until_unix):
            yield edge
            number += 1
        midnight = next_midnight


def _day_of(moment_unix: float) -> date:
    return datetime.fromtimestamp(moment_unix, UTC).astimezone().date()


def _midnight(day: date) -> float:
    # Not by way of astimezone: where midnight is skipped, that goes back a day.
    return datetime(day.year, day.month, day.day).timestamp()  # noqa: DTZ001 - local time is meant
