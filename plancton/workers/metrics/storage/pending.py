"""What else is to be kept besides points, until it's on disk: refused points and pilots' last lines. Pure."""

from collections import deque
from typing import TypeVar

from plancton.workers.metrics.storage.rounds import Output, Refused

T = TypeVar("T")

MOST_OUTPUTS = 64
MOST_REFUSED = 1000


class Pending:
    """Bounded: the oldest go."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._refused: deque[Refused] = deque(maxlen=MOST_REFUSED)
        self._outputs: deque[Output] = deque(maxlen=MOST_OUTPUTS)
        self._under_way: tuple[tuple[Refused, ...], tuple[Output, ...]] = ((), ())

    def __bool__(self) -> bool:
        return bool(self._refused or self._outputs)

    def refuse(self, refused: Refused) -> None:
        """Add a point that a sink won't take."""
        self._refused.append(refused)

    def keep(self, output: Output) -> None:
        """Add a pilot's last lines."""
        self._outputs.append(output)

    def take(self, most_bytes: int) -> tuple[tuple[Refused, ...], tuple[Output, ...]]:
        """Return the oldest, to be written now: of each kind one if there is any, otherwise within ``most_bytes``."""
        refused = _first(self._refused, [len(each.line) + len(each.why) for each in self._refused], most_bytes)
        outputs = _first(self._outputs, [len(each.text) for each in self._outputs], most_bytes)
        self._under_way = refused, outputs
        return self._under_way

    def answered(self, *, written: bool) -> None:
        """Forget what was being written, or keep it to be written later, as far as there is room."""
        (refused, outputs), self._under_way = self._under_way, ((), ())
        if not written:
            self._refused = deque([*refused, *self._refused], maxlen=MOST_REFUSED)
            self._outputs = deque([*outputs, *self._outputs], maxlen=MOST_OUTPUTS)


def _first(waiting: deque[T], sizes: list[int], most: int) -> tuple[T, ...]:
    taken: list[T] = []
    total = 0
    for size in sizes:
        total += size
        if taken and total > most:
            break
        taken.append(waiting.popleft())
    return tuple(taken)
