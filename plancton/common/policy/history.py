"""A figure over the last so many seconds: the most that it was, and the least that it never fell below. Pure.

Order statistics rather than means, for they keep two promises exactly: what lasted less long than a hold time never
counts as lasting, and what lasted that long counts whole, without the lag of a filter.
"""

import math

import msgspec

_SPANS = 64
"""A history keeps about so many spans, whatever its length: its hold time is kept to within a 64th."""
_GAP_SECONDS = 15.0
"""Between two looks that are further apart anything may have been: what came before the gap is forgotten."""


class Span(msgspec.Struct, frozen=True):
    """One look, or several that lie close together. Moments are monotonic seconds."""

    since: float
    until: float
    low: float
    high: float


class History(msgspec.Struct, frozen=True):
    """The looks of the last seconds, oldest first."""

    spans: tuple[Span, ...] = ()


def observe(history: History, at: float, value: float | None, seconds: float) -> History:
    """Return the history with one more look, as far back as ``seconds``; an unknown value makes all of it unknown."""
    if value is None:
        return History()
    spans = history.spans
    if not spans or at - spans[-1].until > _GAP_SECONDS:
        return History((Span(at, at, value, value),))
    last = spans[-1]
    if at - last.since <= seconds / _SPANS:
        return History((*spans[:-1], Span(last.since, at, min(last.low, value), max(last.high, value))))
    first = 0
    # One that lies before the beginning stays: it shows that all of the time was watched.
    while first + 1 < len(spans) and spans[first + 1].until < at - seconds:
        first += 1
    return History((*spans[first:], Span(at, at, value, value)))


def most(history: History, now: float, seconds: float) -> float | None:
    """Return the largest value of the last ``seconds``, or the last one there was; None where nothing is known."""
    spans = history.spans
    if not spans:
        return None
    return max(span.high for span in spans if span.until >= now - seconds or span is spans[-1])


def throughout(history: History, now: float, seconds: float) -> float | None:
    """Return the least value of the last ``seconds``; None unless all of that time was watched."""
    spans = history.spans
    if not spans or now - spans[0].since < seconds:
        return None
    least = math.inf
    for span in reversed(spans):
        if span.until <= now - seconds:
            break
        least = min(least, span.low)
    return spans[-1].low if least == math.inf else least
