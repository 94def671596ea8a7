"""The configuration file: read again when it changed, kept as it was when what it says now is bad."""

import logging
import os
import stat
import time
from pathlib import Path

from plancton.common.config import MAX_BYTES, Loaded, Rejected, parse
from plancton.common.messages import ActiveSettings
from plancton.common.settings import Settings
from plancton.common.status import ConfigStatus

log = logging.getLogger(__name__)

_SETTLING_SECONDS = 1.0


def _text_of(path: Path) -> str:
    """Read no more than a configuration may have, and never wait, whatever the file is.

    Raises:
        OSError: if it can't be read at once.
        UnicodeDecodeError: if it isn't UTF-8.

    """
    data = b""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    # Not a file object: given a directory's descriptor it isn't made, and so doesn't close it.
    try:
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            msg = "it is a pipe, where a file is expected"
            raise OSError(msg)
        while len(data) <= MAX_BYTES and (piece := os.read(descriptor, MAX_BYTES + 1 - len(data))):
            data += piece
    finally:
        os.close(descriptor)
    return data.decode("utf-8", "replace" if len(data) > MAX_BYTES else "strict")


class SettingsFile:
    """One configuration file and the last good settings read from it."""

    def __init__(self, path: Path) -> None:
        """Remember where it is; nothing is read yet."""
        self._path = path
        self._text: str | None = None
        self._exists = False
        self._errors: tuple[str, ...] = ()
        self._loaded_unix = time.time()
        self._generation = 0
        self.loaded: Loaded | None = None
        """The last good one; None until a first was read."""

    @property
    def settings(self) -> Settings:
        """The settings in force; the defaults before a first file was read."""
        return self.loaded.settings if self.loaded else Settings()

    @property
    def errors(self) -> tuple[str, ...]:
        """What is wrong with the file as it is now; empty where nothing is."""
        return self._errors

    def active(self) -> ActiveSettings:
        """Return the message that tells the workers."""
        return ActiveSettings(settings=self.settings, generation=self._generation)

    def status(self) -> ConfigStatus:
        """Return what status tells."""
        return ConfigStatus(
            file=str(self._path),
            exists=self._exists,
            loaded_unix=self._loaded_unix,
            generation=self._generation,
            warnings=tuple(map(str, self.loaded.warnings)) if self.loaded else (),
            errors=self._errors,
        )

    def just_written(self) -> bool:
        """Tell whether the file was written to within the last second, so that its writer may not be done."""
        try:
            age = time.time() - self._path.stat().st_mtime
        except OSError:
            return False
        return 0.0 <= age < _SETTLING_SECONDS

    def read(self) -> bool:
        """Read the file; True if the settings in force changed. A missing file means the defaults."""
        try:
            text = _text_of(self._path)
            self._exists = True
        except FileNotFoundError:
            text = ""
            self._exists = False
        except (OSError, UnicodeDecodeError) as error:
            self._reject((f"{self._path}: can't be read: {error}",))
            self._text = None
            return False
        if text == self._text:
            return False
        self._text = text
        result = parse(text, str(self._path))
        if isinstance(result, Rejected):
            self._reject(tuple(map(str, result.problems)))
            return False
        self._errors = ()
        first = self.loaded is None
        changed = self.loaded is None or result.settings != self.loaded.settings
        self.loaded = result
        self._loaded_unix = time.time()
        if changed:
            self._generation += 1
        if not first:
            self.log_warnings()
        return changed

    def log_warnings(self) -> None:
        """Log what is odd in the settings in force; for those read at the start, once there is a log."""
        for warning in self.loaded.warnings if self.loaded else ():
            log.warning("%s", warning)

    def _reject(self, errors: tuple[str, ...]) -> None:
        if errors == self._errors:
            return
        self._errors = errors
        if self.loaded is None:
            # There is no log yet, nor anything to go on with: whoever starts planctond is told.
            return
        for error in errors:
            log.error("%s", error)
        log.error("%s is bad; the settings read before stay in force", self._path)
