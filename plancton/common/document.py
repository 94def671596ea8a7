"""YAML text -> the nodes of its top-level keys with their lines: safe, and bounded in size, depth and work.

And plain values -> YAML text.
"""

import re
from collections.abc import Iterator, Mapping

import msgspec
import yaml

MAX_BYTES = 65_536
_MAX_DEPTH = 16
_TAG = "tag:yaml.org,2002:"
_MERGE = _TAG + "merge"
_TAGS = frozenset(
    _TAG + name for name in ("str", "int", "float", "bool", "null", "seq", "map", "timestamp", "merge", "value")
)

_NAMED = re.compile(
    r"(?P<what>found (?:undefined|duplicate) (?P<kind>alias|anchor|tag handle)) (?P<quote>['\"]).*?(?P=quote)"
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One key of the top-level mapping."""

    key: str
    line: int
    node: yaml.Node
    merged: bool = False
    """True where it comes from elsewhere by ``<<``, and gives way to a key of the mapping's own."""


class Flaw(msgspec.Struct, frozen=True, kw_only=True):
    """Why a text can't be read."""

    line: int | None
    message: str


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a value."""

    line: int
    shown: str
    """The value for people: shortened, without passwords."""
    message: str


class _TooDeepError(yaml.MarkedYAMLError):
    pass


class _Loader(yaml.SafeLoader):
    """Composes without recursing further than a configuration needs."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose one node; part of PyYAML's interface."""
        if self.depth >= _MAX_DEPTH:
            raise _TooDeepError(problem="nested too deeply", problem_mark=self.get_mark())
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def line_of(node: yaml.Node) -> int:
    """Return the line, from 1, on which a node begins."""
    return int(node.start_mark.line) + 1


def is_null(node: yaml.Node) -> bool:
    """Tell whether a node is the empty value."""
    return isinstance(node, yaml.ScalarNode) and node.tag == _TAG + "null"


def kind_of(node: yaml.Node) -> str:
    """Return the short name of a node's YAML type: str, int, float, bool, null, seq, map, timestamp or another."""
    return node.tag.removeprefix(_TAG)


def compose(text: str) -> tuple[Entry, ...] | Flaw:
    """Return the top-level entries in their order, repeated ones included; none for an empty text.

    A node may appear in several places, by aliases, and even within itself: walk only as deep as needed.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        return Flaw(line=None, message=f"is larger than {MAX_BYTES} bytes, so it can't be a configuration")
    root = _root(text)
    if isinstance(root, Flaw):
        return root
    if root is None or is_null(root):
        return ()
    if not isinstance(root, yaml.MappingNode):
        return Flaw(line=line_of(root), message="should be lines of the form key: value")
    return tuple(entries_of(root))


def write(values: Mapping[str, object]) -> str:
    """Return the YAML text of a mapping of plain values, in its order."""
    # In ASCII: told to write more, PyYAML forgets to escape U+0085 and reads it back as a space.
    return yaml.safe_dump(dict(values), sort_keys=False)


def _root(text: str) -> yaml.Node | Flaw | None:
    try:
        return _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        return _flaw(error)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = f"U+{ord(text[error.position]):04X}"
        return Flaw(line=line, message=f"contains {character}, a character that YAML doesn't allow")
    except yaml.YAMLError:
        return Flaw(line=None, message="isn't valid YAML")


def has_foreign_tag(node: yaml.Node) -> bool:
    """Tell whether a node asks to be made into something that isn't plain data."""
    return node.tag not in _TAGS


def key_text(node: yaml.Node) -> str:
    """Return a key as text; of one that isn't text, what it is."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) else "a key that isn't text"


def entries_of(root: yaml.MappingNode) -> Iterator[Entry]:
    """Yield the mapping's own entries, then those that ``<<`` brings in, the nearest first."""
    waiting = [root]
    seen: set[int] = set()
    while waiting:
        mapping = waiting.pop()
        # Each counts once: a second time would add nothing, and many times many could be without end.
        if id(mapping) in seen:
            continue
        seen.add(id(mapping))
        sources: list[yaml.Node] = []
        for key, value in mapping.value:
            if key.tag == _MERGE:
                sources += value.value if isinstance(value, yaml.SequenceNode) else [value]
            else:
                yield Entry(key=key_text(key), line=line_of(key), node=value, merged=mapping is not root)
        waiting += [source for source in reversed(sources) if isinstance(source, yaml.MappingNode)]


def _flaw(error: yaml.MarkedYAMLError) -> Flaw:
    mark = error.problem_mark or error.context_mark
    problem = ", ".join(part for part in (error.context, error.problem) if part)
    # A password without quotes may be taken for one of these.
    problem = _NAMED.sub(_sign, problem)
    return Flaw(line=mark.line + 1 if mark else None, message=f"can't be read as YAML: {problem}")


def _sign(found: re.Match[str]) -> str:
    sign = {"alias": "*", "anchor": "&"}.get(found["kind"], "!")
    return f"{found['what']} (put quotes around a text that begins with {sign})"
