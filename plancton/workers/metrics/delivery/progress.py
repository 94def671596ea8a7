"""How far each sink is that there ever was, as far as is known: in memory, and as it is to be on disk. Pure."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from plancton.common.accounting import SinkState
from plancton.workers.metrics.delivery.outbox import Outbox
from plancton.workers.metrics.storage.rounds import Found, Row, SinkRow
from plancton.workers.metrics.storage.tail import Tail


class Progress:
    """The outboxes of all sinks, those that the settings name and those that they did once."""

    def __init__(self, tail: Tail) -> None:
        """Begin with none. ``tail`` has the points that aren't on disk."""
        self._tail = tail
        self._outboxes: dict[str, Outbox] = {}
        self._former: dict[str, SinkState] = {}
        self._on_disk: dict[str, SinkRow] = {}
        self._known = False
        """Whether it's known what there is on disk."""
        self._overflown = 0
        """Points that memory had no room for until then."""
        self._trimmed_through = 0

    def __iter__(self) -> Iterator[tuple[str, Outbox]]:
        yield from self._outboxes.items()

    def outbox(self, name: str) -> Outbox:
        """Return that of a sink: a new one begins with the next point, a former one goes on where it was."""
        if name not in self._outboxes:
            self._outboxes[name] = Outbox(SinkRow(name=name, cursor=self._tail.last_id))
            self._continue(name, stored=not self._known)
        return self._outboxes[name]

    def resume(self, former: Iterable[SinkState]) -> None:
        """Go on from what a former life of the worker said, as far as there isn't more on disk."""
        self._former = {each.name: each for each in former}
        for name in self._outboxes:
            self._continue(name, stored=name in self._on_disk or not self._known)

    def put(self, number: int, dropped: tuple[Row, ...]) -> None:
        """Take in that so many points came, and which ones memory has no room for."""
        self._overflown += len(dropped)
        for outbox in self._outboxes.values():
            outbox.put(number)
            outbox.lose(sum(row.id > outbox.position for row in dropped))

    def changed(self) -> tuple[SinkRow, ...]:
        """Return what is to be written down."""
        rows = (outbox.row(self._trimmed_through) for outbox in self._outboxes.values())
        return tuple(row for row in rows if self._on_disk.get(row.name) != row)

    def written(self, rows: Iterable[SinkRow]) -> None:
        """Take in what was written down."""
        self._on_disk |= {row.name: row for row in rows}

    def trimmed(self, lost: Mapping[str, int], through: int) -> None:
        """Take in how many points the bounds took from each sink, and which one was the last."""
        for name, number in lost.items():
            self._outboxes[name].lose(number)
        self._trimmed_through = max(self._trimmed_through, through)

    def gone(self) -> None:
        """Take in that nothing is on disk any more, but what is in memory is there."""
        for outbox in self._outboxes.values():
            outbox.correct(len(outbox.here) + self._tail.count_after(outbox.position))
        self._on_disk = {}
        self._trimmed_through = 0

    def found(self, found: Found, base: int) -> None:
        """Take in what there is on disk; the numbers of the points in memory begin behind ``base`` now."""
        self._known = True
        self._on_disk = {row.name: row for row in found.sinks}
        for outbox in self._outboxes.values():
            outbox.shift(base)
        for row in found.sinks:
            before = self._outboxes.get(row.name)
            waiting = found.waiting[row.name]
            if before is not None and not waiting and before.begun == base:
                before.at_least(row.written, row.dropped, row.refused)
            else:
                self._outboxes[row.name] = self._begin_with(row, waiting, base, before)
        for name in self._outboxes:
            self._continue(name, stored=name in found.waiting)

    def _begin_with(self, row: SinkRow, waiting: int, base: int, before: Outbox | None) -> Outbox:
        """Return the outbox of a sink for which points wait on disk; it may have got some from memory meanwhile.

        These it gets again, in order.
        """
        lost = self._overflown
        if before is not None:
            # What is only on its way, for memory had no room for it, isn't got again.
            lost = before.lost + sum(row not in self._tail for row in before.here)
        begun = row if waiting else msgspec.structs.replace(row, cursor=base)
        outbox = Outbox(begun, waiting + len(self._tail) + lost)
        outbox.lose(lost)
        return outbox

    def _continue(self, name: str, *, stored: bool) -> None:
        former = self._former.get(name)
        if former is not None:
            # What waited in a store that is no more is lost.
            waited = 0 if stored else former.waiting_points
            self._outboxes[name].at_least(former.written_points, former.dropped_points + waited, former.refused_points)
