"""What a terminal sends, as keys: pure."""

import codecs

_NAMED = {
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1bOA": "up",
    b"\x1bOB": "down",
    b"\x1b[5~": "page-up",
    b"\x1b[6~": "page-down",
    b"\x1b[H": "home",
    b"\x1b[F": "end",
    b"\x1bOH": "home",
    b"\x1bOF": "end",
    b"\x1b[1~": "home",
    b"\x1b[4~": "end",
}
_CONTROLS = {
    "\r": "enter",
    "\n": "enter",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x03": "interrupt",
    "\x0c": "redraw",
}
_PASTE, _PASTED = b"\x1b[200~", b"\x1b[201~"
_LONGEST_SEQUENCE = 32


class Decoder:
    """Makes keys of the bytes that a terminal sends. What is pasted is no key."""

    def __init__(self) -> None:
        """Begin with nothing pending."""
        self._rest = b""
        self._pasting = False
        self._text = codecs.getincrementaldecoder("utf-8")("ignore")

    @property
    def pending(self) -> bool:
        """Whether the last bytes may be the beginning of a key."""
        return bool(self._rest) and not self._pasting

    def feed(self, data: bytes) -> list[str]:
        """Return the keys that ``data`` completes: a character each, or a name such as ``enter`` or ``up``."""
        keys: list[str] = []
        self._rest += data
        while self._rest:
            if self._pasting:
                before, end, behind = self._rest.partition(_PASTED)
                self._rest = behind if end else before[-len(_PASTED) + 1 :]
                self._pasting = not end
                if not end:
                    break
            elif not self._rest.startswith(b"\x1b"):
                byte, self._rest = self._rest[:1], self._rest[1:]
                keys += [_CONTROLS.get(each, each) for each in self._text.decode(byte)]
            elif not self._sequence(keys):
                break
        return [key for key in keys if len(key) > 1 or key.isprintable()]

    def flush(self) -> list[str]:
        """Return the key that was pending, as nothing more comes: Escape stands for itself."""
        if self._pasting:
            return []
        rest, self._rest = self._rest, b""
        return ["escape"] if rest == b"\x1b" else []

    def _sequence(self, keys: list[str]) -> bool:
        """Take an escape sequence off the beginning; False where its end isn't there yet."""
        length = _length(self._rest)
        if length is None:
            return False
        sequence, self._rest = self._rest[:length], self._rest[length:]
        if sequence == b"\x1b":
            keys.append("escape")
        elif sequence == _PASTE:
            self._pasting = True
        elif sequence in _NAMED:
            keys.append(_NAMED[sequence])
        return True


def _length(data: bytes) -> int | None:
    """Return the length of the escape sequence that ``data`` begins with; None while that can't be told."""
    if len(data) == 1:
        return None
    if data[1:2] == b"\x1b":
        return 1
    if data[1:2] not in {b"[", b"O"}:
        # Alt and a key: it means nothing here.
        return 2
    for place in range(2, min(len(data), _LONGEST_SEQUENCE)):
        if 0x40 <= data[place] <= 0x7E:  # noqa: PLR2004 - ECMA-48's final bytes
            return place + 1
    return _LONGEST_SEQUENCE if len(data) >= _LONGEST_SEQUENCE else None
