"""The marker files of the run directory: looked at, made and removed."""

from pathlib import Path

from plancton.common.paths import Paths
from plancton.supervisor.intent import Markers


def _remove(path: Path) -> None:
    """Remove a marker, made with touch or with mkdir."""
    try:
        path.unlink(missing_ok=True)
    except IsADirectoryError:
        path.rmdir()


class MarkerFiles:
    """The hands on the three marker files."""

    def __init__(self, paths: Paths) -> None:
        """Look in the run directory of ``paths``."""
        self._files: dict[str, Path] = {
            "drain": paths.drain_marker,
            "stop": paths.stop_marker,
            "force_stop": paths.force_stop_marker,
        }

    def look(self) -> Markers:
        """Return which exist."""
        return Markers(**{name: path.exists() for name, path in self._files.items()})

    def write(self, markers: Markers) -> None:
        """Make and remove files until just those of ``markers`` exist.

        Raises:
            OSError: if one can't be made or removed.

        """
        for name, path in self._files.items():
            if getattr(markers, name):
                path.touch(mode=0o600)
            else:
                _remove(path)
