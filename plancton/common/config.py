"""The configuration's text -> settings, or everything that is wrong with it; and settings -> text again."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from plancton.common.coercion import coerce
from plancton.common.declarations import DECLARATIONS, Declaration
from plancton.common.document import MAX_BYTES, Entry, Flaw, Wrong, compose, is_null, write
from plancton.common.expression import ExpressionError, check
from plancton.common.influxdb_setting import InfluxDB, given
from plancton.common.masking import mask, mask_url
from plancton.common.older_keys import OLDER_KEYS
from plancton.common.settings import Device, Settings

__all__ = ["MAX_BYTES", "Loaded", "Problem", "Rejected", "dump", "parse", "plain_value"]

DEFAULT = "default"
"""The origin of a setting that the text doesn't give."""

_SHOWN_KEY_LENGTH = 60
_MOST_TOLD = 50
"""A file that isn't a configuration at all would otherwise fill the log."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong, or odd, in a configuration. No field holds a password."""

    source: str
    line: int | None = None
    key: str | None = None
    value: str | None = None
    message: str

    def __str__(self) -> str:
        """Return one line: where, which key, its value, and what would be right."""
        where = self.source if self.line is None else f"{self.source}:{self.line}"
        key = "" if self.key is None else f"{self.key}: "
        value = "" if self.value is None else f"{self.value} "
        return _printable(f"{where}: {key}{value}{self.message}")


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration that holds. Its warnings change nothing."""

    settings: Settings
    origins: dict[str, str]
    """By setting: ``default``, or ``FILE:LINE``."""
    warnings: tuple[Problem, ...] = ()


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration of which nothing may be used, with all that is wrong with it."""

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


def parse(text: str, source: str) -> Loaded | Rejected:
    """Read a configuration; ``source`` is what problems call it. Never raises. Empty text gives the defaults."""
    entries = compose(text)
    if isinstance(entries, Flaw):
        return Rejected(problems=(Problem(source=source, line=entries.line, message=mask(entries.message)),))
    known = [entry for entry in entries if entry.key in DECLARATIONS]
    first: dict[str, Entry] = {}
    for entry in sorted(known, key=lambda entry: entry.merged):
        first.setdefault(entry.key, entry)
    warnings = list(_about_unknown(entries, source))
    problems = list(_about_repeated(known, first, source))
    values: dict[str, Any] = {}
    for name, entry in first.items():
        declaration = DECLARATIONS[name]
        if is_null(entry.node):
            warnings += _about_empty(declaration, entry, source)
            continue
        coerced = coerce(declaration, entry.node)
        problems += (_about(wrong, declaration, source) for wrong in coerced.wrong)
        warnings += (_about(wrong, declaration, source) for wrong in coerced.ignored)
        if not coerced.wrong:
            values[name] = coerced.value
    settings = Settings(**values)
    problems += _about_expression(settings, first, source)
    told = _bounded(warnings, source)
    if problems:
        return Rejected(problems=_bounded(problems, source), warnings=told)
    origins = {name: f"{source}:{first[name].line}" if name in values else DEFAULT for name in DECLARATIONS}
    return Loaded(settings=settings, origins=origins, warnings=told)


def plain_value(value: object) -> Any:  # noqa: ANN401 - whatever YAML and JSON can hold
    """Return a setting's value as a configuration file would hold it."""
    match value:
        case tuple():
            return [plain_value(item) for item in value]
        case Device():
            return {
                "PathOnHost": value.path_on_host,
                "PathInContainer": value.path_in_container,
                "CgroupPermissions": value.cgroup_permissions,
            }
        case InfluxDB():
            return {key: plain_value(part) for key, part in given(value).items()}
        case float() if value.is_integer():
            return int(value)
    return value


def dump(values: Mapping[str, object]) -> str:
    """Return the YAML text of settings by name; ``parse`` gives the same settings back."""
    return write({name: plain_value(value) for name, value in values.items()})


def _bounded(problems: list[Problem], source: str) -> tuple[Problem, ...]:
    """Return the first problems by line, and how many more there are."""
    ordered = sorted(problems, key=lambda problem: problem.line or 0)
    if len(ordered) <= _MOST_TOLD:
        return tuple(ordered)
    return (*ordered[:_MOST_TOLD], Problem(source=source, message=f"and {len(ordered) - _MOST_TOLD} more like these"))


def _about(wrong: Wrong, declaration: Declaration, source: str) -> Problem:
    return Problem(source=source, line=wrong.line, key=declaration.name, value=wrong.shown, message=wrong.message)


def _about_unknown(entries: tuple[Entry, ...], source: str) -> Iterator[Problem]:
    unknown = {entry.key: entry for entry in reversed(entries) if entry.key not in DECLARATIONS}
    for entry in reversed(unknown.values()):
        near = difflib.get_close_matches(entry.key.lower(), DECLARATIONS, n=1)
        if entry.key in OLDER_KEYS:
            message = OLDER_KEYS[entry.key]
        else:
            message = f"did you mean {near[0]}?" if near else "planctonctl config show lists the known keys"
        # What follows a colon without a blank may be a secret.
        word, colon, _ = entry.key.partition(":")
        key = mask_url(entry.key) if "@" in entry.key else f"{word}{colon and ':…'}"
        if len(key) > _SHOWN_KEY_LENGTH:
            key = key[: _SHOWN_KEY_LENGTH - 1] + "…"
        yield Problem(source=source, line=entry.line, key=key, message=f"unknown, ignored; {message}")


def _about_repeated(known: Iterable[Entry], first: Mapping[str, Entry], source: str) -> Iterator[Problem]:
    for entry in known:
        if not entry.merged and entry is not first[entry.key]:
            message = f"given again, having been given on line {first[entry.key].line}; keep one of the two"
            yield Problem(source=source, line=entry.line, key=entry.key, message=message)


def _about_empty(declaration: Declaration, entry: Entry, source: str) -> Iterator[Problem]:
    default = plain_value(declaration.default)
    if default not in (None, []):
        message = f"has no value; its default, {default}, applies"
        yield Problem(source=source, line=entry.line, key=declaration.name, message=message)


def _about_expression(settings: Settings, first: Mapping[str, Entry], source: str) -> Iterator[Problem]:
    try:
        check(settings)
    except ExpressionError as error:
        line = first["max_docks"].line if "max_docks" in first else None
        value = f'"{settings.max_docks[:_SHOWN_KEY_LENGTH]}"'
        expected = DECLARATIONS["max_docks"].expected
        message = f"{error}; it should be {expected}"
        yield Problem(source=source, line=line, key="max_docks", value=value, message=message)


def _printable(text: str) -> str:
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape", "backslashreplace").decode("ascii")
        for letter in text
    )
