"""What the pilots say of themselves, read in a thread of its own: their files are on a disk, and a disk may hang."""

from collections.abc import Callable, Iterable
from pathlib import Path

from plancton.common.pilot_directory import PilotDirectories, Word
from plancton.workers.lanes import Lanes


class Words:
    """The last word of each pilot that was asked for."""

    def __init__(self, state: Path, wake: Callable[[], None]) -> None:
        """Read below ``state``; ``wake`` is called when there is something to collect."""
        self._directories = PilotDirectories(state)
        self._lanes = Lanes("words", 1, wake)
        self._reading = False
        self._words: dict[str, Word] = {}

    def read(self, names: Iterable[str]) -> None:
        """Read the words of the pilots of these names, each the one that its container was made with.

        Nothing is read while an earlier reading is under way.
        """
        if self._reading:
            return
        self._reading = True
        asked = tuple(names)
        self._lanes.submit(lambda: self._read(asked), self._take)

    def collect(self) -> bool:
        """Take what was read, and tell whether anybody says something else than before."""
        before = self._words
        self._lanes.collect()
        return self._words != before

    def of(self, name: str) -> Word:
        """Return the pilot's last word; who said nothing that can be believed is neither busy nor safe."""
        return self._words.get(name, Word())

    def _read(self, names: tuple[str, ...]) -> dict[str, Word]:
        found = {name: self._directories.read_word(name) for name in names}
        return {name: word for name, word in found.items() if word is not None}

    def _take(self, words: dict[str, Word]) -> None:
        self._reading = False
        self._words = words
