"""One YAML node -> one setting's value: lenient in how it is written, strict in what it may be.

Whatever earlier versions took is taken: numbers as text or with a decimal point, one text in place of a list, ``yes``
for true. Sizes and durations may carry a suffix such as ``2GB`` or ``12h``.
"""

import shlex
from collections.abc import Callable
from typing import Any

import msgspec
import yaml

from plancton.common import influxdb_coercion
from plancton.common.declarations import Declaration, item_type
from plancton.common.document import Wrong, has_foreign_tag, is_null, key_text, kind_of, line_of
from plancton.common.influxdb_setting import InfluxDB
from plancton.common.numerals import number
from plancton.common.settings import Device

_TRUE = frozenset({"yes", "on", "true"})
_FALSE = frozenset({"no", "off", "false"})
_DEVICE_KEYS = {
    "PathOnHost": "path_on_host",
    "PathInContainer": "path_in_container",
    "CgroupPermissions": "cgroup_permissions",
}
_SHOWN_LENGTH = 80


class Coerced(msgspec.Struct, frozen=True, kw_only=True):
    """A setting's value, usable only if nothing is ``wrong``."""

    value: Any = None
    wrong: tuple[Wrong, ...] = ()
    ignored: tuple[Wrong, ...] = ()
    """Parts that were left out, as earlier versions did."""


def coerce(declaration: Declaration, node: yaml.Node) -> Coerced:
    """Return the value that ``node`` gives to a setting."""
    if has_foreign_tag(node):
        return _wrong(declaration, node)
    if item_type(declaration) is not None:
        return _list(declaration, node)
    if not isinstance(node, yaml.ScalarNode):
        return _wrong(declaration, node)
    return _checked(_scalar(declaration, node), declaration.bounded, declaration, node)


def _show(declaration: Declaration, node: yaml.Node) -> str:
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    text = declaration.hidden(str(node.value))
    if len(text) > _SHOWN_LENGTH:
        text = text[: _SHOWN_LENGTH - 1] + "…"
    return f'"{text}"' if kind_of(node) == "str" else text


def _wrong(declaration: Declaration, node: yaml.Node) -> Coerced:
    message = f"should be {declaration.expected}"
    return Coerced(wrong=(Wrong(line=line_of(node), shown=_show(declaration, node), message=message),))


def _checked(value: object, bounded: object, declaration: Declaration, node: yaml.Node) -> Coerced:
    try:
        return Coerced(value=msgspec.convert(value, bounded))
    except msgspec.ValidationError:
        return _wrong(declaration, node)


def _scalar(declaration: Declaration, node: yaml.ScalarNode) -> object:
    """Return the plain value; None where it can't be what the declaration asks for."""
    text = str(node.value).strip()
    if declaration.unit:
        found = number(node, declaration.unit)
        if found is None or (declaration.kind is int and found != int(found)):
            return None
        return int(found) if declaration.kind is int else float(found)
    if declaration.kind is bool:
        return {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}.get(text.lower())
    # As it was written: YAML 1.1 takes an unquoted 10:10 for 610.
    return text


def _list(declaration: Declaration, node: yaml.Node) -> Coerced:
    nodes = node.value if isinstance(node, yaml.SequenceNode) else _words(declaration, node)
    if nodes is None:
        message = "has a quote without its other half; close it, or write the command as a list of words"
        return Coerced(wrong=(Wrong(line=line_of(node), shown=_show(declaration, node), message=message),))
    alone = not isinstance(node, yaml.SequenceNode)
    found = [
        _item(declaration, item) if alone or not _names_no_database(declaration, item) else _ignored(declaration, item)
        for item in nodes
    ]
    values = [part.value for part in found if not part.wrong and not part.ignored]
    return Coerced(
        value=tuple(values if declaration.name == "docker_cmd" else dict.fromkeys(values)),
        wrong=tuple(wrong for part in found for wrong in part.wrong),
        ignored=tuple(wrong for part in found for wrong in part.ignored),
    )


def _words(declaration: Declaration, node: yaml.Node) -> list[yaml.Node] | None:
    """Return the items of what stands where a list might; None for a command line that can't be split."""
    if not isinstance(node, yaml.ScalarNode) or declaration.name != "docker_cmd":
        return [] if isinstance(node, yaml.ScalarNode) and not node.value.strip() else [node]
    try:
        words = shlex.split(node.value)
    except ValueError:
        return None
    return [yaml.ScalarNode("tag:yaml.org,2002:str", word, node.start_mark, node.end_mark) for word in words]


def _item(declaration: Declaration, node: yaml.Node) -> Coerced:
    if has_foreign_tag(node) or is_null(node):
        return _wrong(declaration, node)
    if item_type(declaration) is Device:
        return _checked(_device(node), Device, declaration, node)
    if isinstance(node, yaml.MappingNode) and declaration.name == "influxdb_url":
        return _sink(node)
    if not isinstance(node, yaml.ScalarNode):
        return _wrong(declaration, node)
    text = _NORMAL_FORMS.get(declaration.name, str.strip)(str(node.value))
    return _checked(text, item_type(declaration), declaration, node)


def _sink(node: yaml.MappingNode) -> Coerced:
    found = influxdb_coercion.sink(node)
    return Coerced(value=found) if isinstance(found, InfluxDB) else Coerced(wrong=found)


def _names_no_database(declaration: Declaration, node: yaml.Node) -> bool:
    return declaration.name == "influxdb_url" and isinstance(node, yaml.ScalarNode) and "#" not in node.value


def _ignored(declaration: Declaration, node: yaml.Node) -> Coerced:
    message = "ignored: it names no database; write http://host:port#database"
    return Coerced(ignored=(Wrong(line=line_of(node), shown=_show(declaration, node), message=message),))


def _device(node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode):
        parts = dict(zip(_DEVICE_KEYS.values(), str(node.value).strip().split(":", 2), strict=False))
    elif isinstance(node, yaml.MappingNode):
        keys = [_DEVICE_KEYS.get(key_text(key), "") for key, _ in node.value]
        texts = [value for _, value in node.value if isinstance(value, yaml.ScalarNode) and not has_foreign_tag(value)]
        if "" in keys or len(texts) < len(keys) or len(set(keys)) < len(keys):
            return None
        parts = {key: str(text.value).strip() for key, text in zip(keys, texts, strict=True)}
    else:
        return None
    return {"path_in_container": parts.get("path_on_host"), **parts}


def _bind(text: str) -> str:
    """Spell out that a bind is read-only unless it says otherwise."""
    host, _, rest = text.strip().partition(":")
    container, _, options = rest.partition(":")
    words = options.split(",") if options else []
    if "rw" not in words and "ro" not in words:
        words.insert(0, "ro")
    return f"{host}:{container}:{','.join(words)}"


def _security_option(text: str) -> str:
    """Return today's ``name=value`` for the ``name:value`` of older engines."""
    name, colon, value = text.strip().partition(":")
    return f"{name}={value}" if colon and "=" not in name else text.strip()


def _capability(text: str) -> str:
    return text.strip().upper()


def _as_written(text: str) -> str:
    return text


_NORMAL_FORMS: dict[str, Callable[[str], str]] = {
    "binds": _bind,
    "security_opts": _security_option,
    "capabilities": _capability,
    "docker_cmd": _as_written,
}
"""Of the settings whose items may be written in several ways. Each leaves what it doesn't understand wrong."""
