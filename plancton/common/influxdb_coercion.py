"""A mapping of ``influxdb_url`` -> a sink, or all that is wrong with it, each key by its line. No secret is told."""

import difflib
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from plancton.common.document import Entry, Wrong, entries_of, has_foreign_tag, is_null
from plancton.common.influxdb_setting import KEYS, SECRETS, InfluxDB, contradictions
from plancton.common.masking import mask_url
from plancton.common.numerals import number

_NUMBER = "timeout"
_FILES = frozenset(f"{key}_file" for key in SECRETS)
_WORD = re.compile(r"[A-Za-z_][A-Za-z_-]{0,29}")
_SHOWN_LENGTH = 80


def sink(node: yaml.MappingNode) -> InfluxDB | tuple[Wrong, ...]:
    """Return the sink that a mapping describes, or everything that is wrong with it."""
    first: dict[str, Entry] = {}
    flaws: list[Wrong] = []
    for entry in sorted(entries_of(node), key=lambda entry: entry.merged):
        if entry.key not in KEYS:
            flaws.append(_unknown(entry))
        elif entry.key not in first:
            first[entry.key] = entry
        elif not entry.merged:
            message = f"stands here again, after line {first[entry.key].line}; keep one of the two"
            flaws.append(Wrong(line=entry.line, shown=entry.key, message=message))
    values = {key: _value(key, entry.node) for key, entry in first.items()}
    flaws += (_wrong(key, entry) for key, entry in first.items() if values[key] is None)
    flaws += _about_the_whole(node, first, str(values.get("url") or ""))
    return tuple(sorted(flaws, key=lambda flaw: flaw.line)) if flaws else InfluxDB(**values)


def _about_the_whole(node: yaml.MappingNode, first: dict[str, Entry], url: str) -> Iterator[Wrong]:
    line = node.start_mark.line + 1
    if "url" not in first:
        yield Wrong(line=line, shown="a mapping", message="lacks url; add url: http://host:port")
    checked = not url or url.startswith("https://")
    for key, message in contradictions(frozenset(first), verified=checked).items():
        yield Wrong(line=first[key].line if key in first else line, shown=key, message=message)


def _value(key: str, node: yaml.Node) -> Any:  # noqa: ANN401 - of any key
    """Return the value of a key; None where it is none that the key may have."""
    if not isinstance(node, yaml.ScalarNode) or has_foreign_tag(node) or is_null(node):
        return None
    found: object
    if key == _NUMBER:
        seconds = number(node, "seconds")
        found = None if seconds is None else float(seconds)
    else:
        # As it was written; the blanks of a secret in quotes are meant.
        found = str(node.value) if key in SECRETS else str(node.value).strip()
    try:
        value = msgspec.convert(found, KEYS[key].bounded)
    except msgspec.ValidationError:
        return None
    return value


def _wrong(key: str, entry: Entry) -> Wrong:
    form = KEYS[key].form
    node = entry.node
    if is_null(node):
        return Wrong(line=entry.line, shown=key, message=f"has no value; give one, or leave the key out: {form}")
    message = f"should be {form}"
    if key == "url" and isinstance(node, yaml.ScalarNode):
        text = str(node.value)
        if "@" in text:
            message += "; the login goes into user and password"
        elif "#" in text:
            message += "; what follows # goes into database"
    return Wrong(line=entry.line, shown=f"{key} {_shown(key, node)}".rstrip(), message=message)


def _shown(key: str, node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
    if key in SECRETS or key in _FILES:
        # In place of a file's path the secret itself may stand.
        return ""
    text = mask_url(str(node.value)) if key == "url" else str(node.value)
    return f'"{text}"' if len(text) <= _SHOWN_LENGTH else f'"{text[: _SHOWN_LENGTH - 1]}…"'


def _unknown(entry: Entry) -> Wrong:
    key = entry.key
    is_word = _WORD.fullmatch(key) is not None
    near = difflib.get_close_matches(key.lower(), KEYS, n=1) if is_word else []
    if near:
        return Wrong(line=entry.line, shown=key, message=f"isn't a key of this mapping; did you mean {near[0]}?")
    if is_word and not is_null(entry.node):
        return Wrong(line=entry.line, shown=key, message=f"isn't a key of this mapping; the keys are {', '.join(KEYS)}")
    # A value whose key is missing, or has no blank behind its colon: perhaps a secret.
    shown = next((f'"{each}:…"' for each in KEYS if key.startswith(f"{each}:")), "a text without a key")
    return Wrong(line=entry.line, shown=shown, message="can't be read; write key: value, with a blank after the colon")
