"""Bytes of each kind of message and request as some version wrote them: they must be read for ever.

``bus/KIND-N.msgpack`` and ``control/VERB-N.msgpack`` hold the bytes, the ``.json`` beside each what they say. Files are
added, by ``python -m tests.golden``, and never changed or removed.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

FOLDER = Path(__file__).parent


class Golden(msgspec.Struct, frozen=True, kw_only=True):
    """One file of golden bytes, and what they say."""

    folder: str
    kind: str
    number: int

    @property
    def bytes_file(self) -> Path:
        """Where the bytes are."""
        return FOLDER / self.folder / f"{self.kind}-{self.number}.msgpack"

    @property
    def json_file(self) -> Path:
        """Where the plain values are that the bytes stand for."""
        return self.bytes_file.with_suffix(".json")

    @property
    def data(self) -> bytes:
        """The bytes."""
        return self.bytes_file.read_bytes()

    @property
    def says(self) -> Any:  # noqa: ANN401 - plain values
        """What the bytes stand for."""
        return json.loads(self.json_file.read_text(encoding="utf-8"))

    def write(self, data: bytes, says: object) -> None:
        """Keep these bytes and what they say.

        Raises:
            FileExistsError: if golden bytes of this number are kept already.

        """
        self.bytes_file.parent.mkdir(exist_ok=True)
        with self.bytes_file.open("xb") as file:
            file.write(data)
        with self.json_file.open("x", encoding="utf-8") as text:
            text.write(json.dumps(says, indent=1, ensure_ascii=False) + "\n")

    def __str__(self) -> str:
        """Return the file's name."""
        return self.bytes_file.stem


def kept(folder: str) -> list[Golden]:
    """Return all golden bytes of ``bus`` or ``control``, the oldest of each kind first."""
    return sorted(_kept(folder), key=lambda golden: (golden.kind, golden.number))


def _kept(folder: str) -> Iterator[Golden]:
    for path in (FOLDER / folder).glob("*.msgpack"):
        kind, _, number = path.stem.rpartition("-")
        yield Golden(folder=folder, kind=kind, number=int(number))


def newest(folder: str) -> dict[str, Golden]:
    """Return the newest golden bytes of each kind."""
    return {golden.kind: golden for golden in kept(folder)}


def add(folder: str, kind: str, data: bytes, says: object) -> Golden | None:
    """Keep ``data`` as golden bytes where they differ from the newest of their kind; never touch another file."""
    before = newest(folder).get(kind)
    if before is not None and before.data == data:
        return None
    golden = Golden(folder=folder, kind=kind, number=before.number + 1 if before else 1)
    golden.write(data, says)
    return golden


def plain(value: object) -> Any:  # noqa: ANN401 - plain values
    """Return a typed value as JSON holds it."""
    return json.loads(msgspec.json.encode(value))


def covers(value: object, expected: object) -> bool:
    """Tell whether the plain ``value`` says all that ``expected`` says; it may say more."""
    if isinstance(expected, dict):
        return isinstance(value, dict) and all(key in value and covers(value[key], expected[key]) for key in expected)
    if isinstance(expected, list):
        return isinstance(value, list) and len(value) == len(expected) and all(map(covers, value, expected))
    return value == expected and type(value) is type(expected)
