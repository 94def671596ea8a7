"""What the operator wants, kept: marker files in, the Intent out, said whenever it changes."""

import logging
import time
from collections.abc import Callable

import msgspec

from plancton.common.messages import Intent, Mode
from plancton.common.paths import Paths
from plancton.supervisor.intent import Markers, markers_after, mode_of
from plancton.supervisor.journal import Journal
from plancton.supervisor.markers import MarkerFiles

log = logging.getLogger(__name__)


class Wishes:
    """The operator's wishes of one planctond, and the Intent that they amount to."""

    def __init__(self, paths: Paths, journal: Journal, say: Callable[[Intent], None]) -> None:
        """Look in the run directory of ``paths``; each new Intent is told to ``say``."""
        self._files = MarkerFiles(paths)
        self._journal = journal
        self._say = say
        self.intent = Intent(mode=Mode.ACTIVE, since_unix=time.time())
        self._said = False

    @property
    def markers(self) -> Markers:
        """Which marker files exist now."""
        return self._files.look()

    def begin(self) -> None:
        """Forget a forced stop that was never finished: it was meant for the planctond of then."""
        self._files.write(msgspec.structs.replace(self._files.look(), force_stop=False))

    def mark(self, markers: Markers) -> None:
        """Set the marker files, to be seen at the next look.

        Raises:
            OSError: if they can't be written.

        """
        self._files.write(markers)

    def look(self) -> None:
        """Look at the markers, and say the Intent if it's another or was never said."""
        mode = mode_of(self._files.look())
        intent = self.intent
        if mode is not intent.mode:
            self._journal.add("planctond", f"mode is now {mode}")
            lost = intent.lost_workers
            if mode is Mode.FORCE_STOPPING:
                # Nobody else ends pilots: it gets one more life.
                lost = tuple(name for name in lost if name != "reaper")
            intent = Intent(mode=mode, since_unix=time.time(), lost_workers=lost)
        self._intend(intent)

    def lost(self, worker: str) -> None:
        """Say that ``worker`` was given up."""
        self._intend(msgspec.structs.replace(self.intent, lost_workers=(*self.intent.lost_workers, worker)))

    def forget_stop(self) -> None:
        """Remove the markers of a stop that was carried out, so that the next planctond doesn't stop too."""
        try:
            self._files.write(markers_after(self.intent.mode, self._files.look()))
        except OSError as error:
            log.error("the next planctond stops too, for its marker can't be removed: %s", error)  # noqa: TRY400

    def _intend(self, intent: Intent) -> None:
        if self._said and intent == self.intent:
            return
        self._said = True
        self.intent = intent
        self._say(intent)
