"""The marker files of the run directory, by which the operator's wishes outlive planctond: what they say, pure.

``drain`` (launch no more), ``stop`` (exit once the last pilot has ended) and ``force-stop`` (kill the pilots, then
exit) are the original's; they may be made by planctonctl, by touch or by mkdir, and count by being there. ``drain``
and ``stop`` may hold JSON: {"reason": TEXT, "deadline_unix": SECONDS}. ``snooze`` holds the moment at which it ends, in
Unix seconds.
"""

import math
import re

import msgspec

MOST_BYTES = 4096
"""A longer marker isn't understood."""
REASON_LENGTH = 200
LATEST_UNIX = 253_402_300_799.0
"""The end of the year 9999: the last moment that can be written as a date."""
_MOMENT = re.compile(rb"[0-9]{1,12}(?:\.[0-9]{0,9})?")
_SHOWN = 40


class Terms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why the node is drained, and when pilots that still run then are ended; None: they live out their lives."""

    reason: str = ""
    deadline_unix: float | None = None


class Markers(msgspec.Struct, frozen=True, kw_only=True):
    """What the marker files say; None or False where there is none."""

    drain: Terms | None = None
    stop: Terms | None = None
    force_stop: bool = False
    snooze_until_unix: float | None = None


def is_moment(moment_unix: float) -> bool:
    """Tell whether a number is a moment that can be written as a date; NaN is none."""
    return 0.0 <= moment_unix <= LATEST_UNIX


def is_reason(text: str) -> bool:
    """Tell whether a text can be a reason: one printable line that isn't too long."""
    return len(text) <= REASON_LENGTH and text.isprintable()


def terms_from(data: bytes | None) -> tuple[Terms, str]:
    """Return what a ``drain`` or ``stop`` marker says, and what of it isn't understood: it drains all the same.

    ``data`` is None for one that isn't a file that could be read.
    """
    if data is None or not data.strip():
        return Terms(), ""
    if len(data) > MOST_BYTES:
        return Terms(), f"holds more than {MOST_BYTES} bytes"
    try:
        terms = msgspec.json.decode(data, type=Terms)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Terms(), f"holds {_shown(data)}, which isn't understood"
    if not is_reason(terms.reason):
        return Terms(), f"has a reason that isn't one printable line of {REASON_LENGTH} characters at most"
    if terms.deadline_unix is not None and not is_moment(terms.deadline_unix):
        return Terms(), f"has a deadline that is no moment: {terms.deadline_unix:g}"
    return terms, ""


def terms_to(terms: Terms) -> bytes:
    """Return what a ``drain`` or ``stop`` marker holds: nothing where there is nothing to say."""
    return b"" if terms == Terms() else msgspec.json.encode(terms) + b"\n"


def snooze_from(data: bytes | None) -> tuple[float | None, str]:
    """Return until when a ``snooze`` marker says, and why it isn't understood: then it is no snooze."""
    if data is None:
        return None, "isn't a file that can be read"
    text = data.strip()
    until = float(text) if _MOMENT.fullmatch(text) else math.inf
    if not is_moment(until):
        return None, f"holds {_shown(data)}, where the end's Unix seconds should be" if text else "is empty"
    return until, ""


def snooze_to(until_unix: float) -> bytes:
    """Return what a ``snooze`` marker holds."""
    return f"{until_unix:.3f}\n".encode()


def _shown(data: bytes) -> str:
    return repr(data.strip()[:_SHOWN].decode(errors="replace"))
