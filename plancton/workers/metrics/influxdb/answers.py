"""What a server's reply to a write means: pure, and the same for all versions of InfluxDB.

Only InfluxDB's own words make points count as refused for ever. A 400 in another's words, such as a proxy's, or that of
a server that awaits TLS, says nothing about the points: they wait.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from plancton.workers.metrics.delivery.outbox import Accepted, Answer, Away, Rejected, TooLarge

_LONGEST = 200
_LONGEST_PAUSE_SECONDS = 86_400.0
_REFUSED = frozenset({400, 422})
_TOO_LARGE = 413
_DROPPED = re.compile(r"\bdropped=([1-9][0-9]*)")
_PARTIAL = "partial write"
_NOT_PARSED = "unable to parse"
_ABOUT_THE_REQUEST = re.compile(r"\borgID\b|\bdatabase is required\b")
"""A refusal in InfluxDB's words that blames the setting, not a point."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came back for one request."""

    status: int = 0
    """HTTP's; 0 where there was no reply."""
    reason: str = ""
    """HTTP's words for the status; for 0, why there was none, without secrets."""
    body: str = ""
    retry_after: str = ""
    """The header of that name."""


def judge(reply: Reply, points: int, now_unix: float, hide: Callable[[str], str]) -> Answer:
    """Return what became of so many points that were written together; ``hide`` takes secrets out of a text."""
    message = own_words(reply.body)
    why = told(reply, hide)
    if reply.status // 100 == 2:  # noqa: PLR2004 - the class of success
        if message is not None and _PARTIAL in message:
            return _rejected(message, why, points)
        return Away(why=f"{reply.status}: a page instead of an answer") if _is_page(reply.body) else Accepted()
    if reply.status == _TOO_LARGE:
        return TooLarge(why=why)
    if reply.status in _REFUSED and message is not None and not _ABOUT_THE_REQUEST.search(message):
        return _rejected(message, why, points)
    return Away(why=why, retry_after=_pause(reply.retry_after, now_unix))


def told(reply: Reply, hide: Callable[[str], str]) -> str:
    """Return in one short line what the server said, without secrets; its own words where it has some."""
    if not reply.status:
        return short(reply.reason)
    words = own_words(reply.body)
    if words is None:
        words = reply.body if reply.body.strip() and not _is_page(reply.body) else reply.reason
    # Before it is cut, for half a secret is one still.
    return short(f"{reply.status}: {hide(words)}")


def own_words(body: str) -> str | None:
    """Return InfluxDB's own words: ``error`` of 1.x and 3.x, ``message`` of 2.x; None where it has none."""
    match _decoded(body):
        case {"error": str(words), "data": list(details)}:
            return f"{words} dropped={len(details)}" if details else words
        case {"error": str(words)} | {"code": str(), "message": str(words)}:
            return words
        case {"results": [{"error": str(words)}, *_]}:
            return words
    return None


def short(text: str) -> str:
    """Return a text as one printable line of bounded length."""
    line = "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))
    if len(line) <= _LONGEST:
        return line
    # The number of points refused stands at the end.
    half = _LONGEST // 2
    return f"{line[:half]}…{line[-half:]}"


def _rejected(message: str, why: str, points: int) -> Rejected:
    dropped = _DROPPED.search(message)
    if dropped:
        return Rejected(points=min(int(dropped[1]), points), why=why, partial=True)
    if _PARTIAL in message:
        # Of lines that can't be read, InfluxDB 1.x tells each.
        return Rejected(points=min(max(message.count(_NOT_PARSED), 1), points), why=why, partial=True)
    return Rejected(points=points, why=why, partial=False)


def _decoded(body: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _is_page(body: str) -> bool:
    return body.lstrip().startswith("<")


def _pause(header: str, now_unix: float) -> float | None:
    """Return the seconds that a ``Retry-After`` asks for: their number, or a date."""
    text = header.strip()
    if re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", text):
        seconds = float(text)
    else:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            return None
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now_unix
    return min(max(seconds, 0.0), _LONGEST_PAUSE_SECONDS) if math.isfinite(seconds) else None
