"""Whether the files that sinks name are there, and whether others can read what should be secret."""

import stat
from collections.abc import Iterator
from pathlib import Path

from plancton.common.config import Loaded, Problem
from plancton.common.declarations import DECLARATIONS
from plancton.common.influxdb_setting import SECRETS, InfluxDB

_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_KEYS = (*(f"{key}_file" for key in sorted(SECRETS)), "ca_file")


def about_files(file: Path, loaded: Loaded) -> Iterator[Problem]:
    """Yield what is odd about the files that a configuration names, and about ``file``, which holds it.

    None of it makes the configuration invalid: planctond waits for a file that is missing.
    """
    if _holds_secrets(loaded) and _mode_of(file) & _FOR_OTHERS:
        message = f"it holds a password or token that others can read; chmod 600 {file}, or name a file that holds it"
        yield Problem(source=str(file), message=message)
    for sink in loaded.settings.influxdb_url:
        for key in _KEYS if isinstance(sink, InfluxDB) else ():
            named = getattr(sink, key)
            flaw = "" if named is None else _flaw(Path(named), secret=key != "ca_file")
            if flaw:
                yield Problem(source=str(file), key="influxdb_url", message=f"{key} {named} {flaw}")


def _holds_secrets(loaded: Loaded) -> bool:
    settings = loaded.settings
    values = {declaration: getattr(settings, name) for name, declaration in DECLARATIONS.items()}
    return any(declaration.without_secrets(value) != value for declaration, value in values.items())


def _flaw(named: Path, *, secret: bool) -> str:
    try:
        mode = named.stat().st_mode
    except PermissionError:
        # Whoever checks may see less than planctond does.
        return ""
    except OSError as error:
        return f"can't be used: {error.strerror}"
    if not stat.S_ISREG(mode):
        return "can't be used: it is no regular file"
    return f"can be read by others; chmod 600 {named}" if secret and mode & _FOR_OTHERS else ""


def _mode_of(file: Path) -> int:
    try:
        return file.stat().st_mode
    except OSError:
        return 0
