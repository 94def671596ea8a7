"""Journal entries to lines of JSON and back: pure."""

import msgspec

from plancton.common.journal_entries import Entry

LONGEST_LINE = 16_384
"""In bytes, its end included. A segment of the smallest journal holds one."""
_LONGEST: dict[str, int] = {
    "kind": 40,
    "pilot": 200,
    "container_id": 80,
    "reason": 40,
    "figures": 350,
    "detail": 350,
    "outcome": 40,
    "output": 1400,
}
"""Characters of each text. In JSON one takes 6 bytes at most, so that these and the numbers fit a line."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Entry)


def line(entry: Entry) -> bytes:
    """Return the entry as a line, its end included. Texts that are too long are cut: an output keeps its end."""
    texts = {name: _cut(getattr(entry, name), most, keep_end=name == "output") for name, most in _LONGEST.items()}
    return _encoder.encode(msgspec.structs.replace(entry, **texts)) + b"\n"


def entry_of(data: bytes) -> Entry | None:
    """Return the entry of a line; None where it's torn, garbage, or not for this version."""
    if len(data) > LONGEST_LINE:
        return None
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _cut(text: str, most: int, *, keep_end: bool) -> str:
    # Half a character, such as a file's name may hold, is no text that JSON could tell.
    text = text.encode(errors="backslashreplace").decode()
    if len(text) <= most:
        return text
    return f"…{text[1 - most :]}" if keep_end else f"{text[: most - 1]}…"
