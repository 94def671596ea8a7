"""What the operator wants, kept: marker files and requests in, the Intent out, said whenever it changes."""

import logging
import time
from collections.abc import Callable

import msgspec

from plancton.common.marker_files import MarkerFiles
from plancton.common.markers import Markers
from plancton.common.messages import Intent, Mode
from plancton.common.paths import Paths
from plancton.supervisor.intent import intent_of, markers_after, news, snooze_over
from plancton.supervisor.journal import Journal

log = logging.getLogger(__name__)


class Clock:
    """The two clocks: ``monotonic`` for how long, ``unix`` for moments that people name."""

    def monotonic(self) -> float:
        """Return CLOCK_MONOTONIC's seconds."""
        return time.monotonic()

    def unix(self) -> float:
        """Return the wall clock's seconds; it may jump."""
        return time.time()


class Wishes:
    """The operator's wishes of one planctond, and the Intent that they amount to."""

    def __init__(
        self, paths: Paths, journal: Journal, say: Callable[[Intent], None], clock: Clock | None = None
    ) -> None:
        """Look in the run directory of ``paths``; each new Intent is told to ``say``."""
        self._files = MarkerFiles(paths)
        self._journal = journal
        self._say = say
        self._clock = clock or Clock()
        self.intent = Intent(mode=Mode.ACTIVE, since_unix=self._clock.unix())
        self._said = False
        self._problems: tuple[str, ...] = ()
        self._drill_until: float | None = None
        """Monotonic: a jump of the wall clock makes no drill longer."""

    @property
    def markers(self) -> Markers:
        """What the marker files say now."""
        return self._files.look()[0]

    def begin(self) -> None:
        """Forget a forced stop that was never finished: it was meant for the planctond of then."""
        self._files.write(msgspec.structs.replace(self.markers, force_stop=False))

    def mark(self, markers: Markers) -> None:
        """Set the marker files, to be seen at the next look.

        Raises:
            OSError: if they can't be written.

        """
        self._files.write(markers)

    def look(self) -> None:
        """Look at markers and clocks, and say the Intent if it's another or was never said."""
        markers, problems = self._files.look()
        self._complain(problems)
        now = self._clock.unix()
        if snooze_over(markers, now):
            markers = msgspec.structs.replace(markers, snooze_until_unix=None)
            try:
                self._files.write(markers)
            except OSError as error:
                # It counts no more, in any case.
                log.debug("the marker of a snooze that is over can't be removed: %s", error)
        intent = intent_of(markers, self.intent, now)
        if self._drill_until is not None and self._clock.monotonic() >= self._drill_until:
            self._drill_until = None
            intent = msgspec.structs.replace(intent, drill_until_unix=None)
        self._intend(intent)

    def clear_fizzles(self) -> None:
        """Say that what fizzled until now holds no launches any more."""
        self._intend(msgspec.structs.replace(self.intent, fizzles_cleared_unix=self._clock.unix()))

    def drill(self, seconds: float) -> None:
        """Have all pilots suspended for so long from now on; 0 ends it."""
        self._drill_until = self._clock.monotonic() + seconds if seconds > 0 else None
        until = self._clock.unix() + seconds if seconds > 0 else None
        self._intend(msgspec.structs.replace(self.intent, drill_until_unix=until))

    def lost(self, worker: str) -> None:
        """Say that ``worker`` was given up."""
        self._intend(msgspec.structs.replace(self.intent, lost_workers=(*self.intent.lost_workers, worker)))

    def forget_stop(self) -> None:
        """Remove the markers of a stop that was carried out, so that the next planctond doesn't stop too."""
        try:
            self._files.write(markers_after(self.intent.mode, self.markers))
        except OSError as error:
            log.error("the next planctond stops too, for its marker can't be removed: %s", error)  # noqa: TRY400

    def _complain(self, problems: tuple[str, ...]) -> None:
        """Tell what wasn't told at the look before."""
        for problem in problems:
            if problem not in self._problems:
                self._journal.add("planctond", problem)
        self._problems = problems

    def _intend(self, intent: Intent) -> None:
        if self._said and intent == self.intent:
            return
        for text in news(self.intent, intent):
            self._journal.add("planctond", text)
        self._said = True
        self.intent = intent
        self._say(intent)
