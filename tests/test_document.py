"""YAML is read safely, with its lines, and within bounds."""

import time

import pytest
from hypothesis import given

from plancton.common.document import MAX_BYTES, Entry, Flaw, compose, has_foreign_tag, is_null, kind_of
from tests.support.any_settings import ANY_TEXT


def _entries(text: str) -> tuple[Entry, ...]:
    entries = compose(text)
    assert not isinstance(entries, Flaw)
    return entries


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# nothing\n", "---\n", "--- # nothing\n...\n", "~", "null", "{}", "\ufeff"]
)
def test_nothing_is_a_document_without_keys(text: str) -> None:
    assert compose(text) == ()


def test_keys_come_with_their_lines_repeated_ones_too() -> None:
    entries = _entries("# title\n---\na: 1\n\nb:\n  - 2\na: 3\n")
    assert [(entry.key, entry.line) for entry in entries] == [("a", 3), ("b", 5), ("a", 7)]


def test_kinds_are_told_apart() -> None:
    kinds = [kind_of(entry.node) for entry in _entries("a: 1\nb: 1.5\nc: x\nd: yes\ne:\nf: []\ng: {}\n")]
    assert kinds == ["int", "float", "str", "bool", "null", "seq", "map"]


def test_merged_keys_give_way_to_the_mapping_s_own_and_to_nearer_ones() -> None:
    entries = _entries("base: &base {a: 1, b: 1}\nmore: &more {<<: *base, b: 2}\n<<: *more\na: 3\n")
    found = {(entry.key, getattr(entry.node, "value", None)): entry.merged for entry in entries if entry.key in "ab"}
    assert found == {("a", "3"): False, ("b", "2"): True, ("a", "1"): True, ("b", "1"): True}
    assert [entry.node.value for entry in entries if entry.key == "b"] == ["2", "1"]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("a: 1\n\tb: 2", 2, "'\\t'"),
        ("a: 1\nb: [1\nc: 2\n", 3, "flow sequence"),
        ("a: 1\n  b: 2\n", 2, "mapping values"),
        ("a: 1\n---\nb: 2\n", 2, "single document"),
        ("a: *nowhere\n", 1, "undefined alias"),
        ("- a\n", 1, "key: value"),
        ("\n\njust text\n", 3, "key: value"),
        ("a: 1\nb: \x07\n", 2, "U+0007"),
        ("a: \ud800\n", 1, "U+D800"),
        ("%YAML 9\n---\na: 1", 1, "YAML"),
    ],
)
def test_what_is_no_mapping_is_refused_with_its_line(text: str, line: int, why: str) -> None:
    flaw = compose(text)
    assert isinstance(flaw, Flaw)
    assert flaw.line == line
    assert why in flaw.message


def test_tags_that_ask_for_more_than_plain_data_are_seen_and_not_obeyed() -> None:
    entries = _entries("a: !!python/object/apply:os.system [id]\nb: !mine x\nc: !!str 1\nd: !!binary aGk=\n")
    assert [has_foreign_tag(entry.node) for entry in entries] == [True, True, False, True]


def test_keys_that_are_no_text_are_kept_apart() -> None:
    entries = _entries("? [a, b]\n: 1\n? {c: d}\n: 2\n3: 4\n~: 5\n")
    assert [entry.key for entry in entries] == ["a key that isn't text", "a key that isn't text", "3", "~"]
    assert not any(is_null(entry.node) for entry in entries)


_MERGES = "".join(f"x{i}: &x{i} {{<<: [*x{i - 1}, *x{i - 1}, *x{i - 1}]}}\n" for i in range(1, 1000))
_ALIASES = "".join(f"x{i}: &x{i} [*x{i - 1}, *x{i - 1}, *x{i - 1}]\n" for i in range(1, 1000))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("deep list", "[" * MAX_BYTES),
        ("deep block", "- " * (MAX_BYTES // 2)),
        ("deep keys", "? " * (MAX_BYTES // 2)),
        ("deep mapping", "a: {" * (MAX_BYTES // 4)),
        ("aliases of aliases", "x0: &x0 [1]\n" + _ALIASES),
        ("merges of merges", "x0: &x0 {k: 1}\n" + _MERGES + "<<: *x999\n"),
        ("itself", "a: &a [*a, *a]\nb: &b {<<: *b}\n<<: *b\n"),
        ("many keys", "a: b\n" * (MAX_BYTES // 5)),
        ("much text", '"' + "\\n" * (MAX_BYTES // 2 - 1)),
        ("many lines", "\n" * MAX_BYTES),
    ],
)
def test_bombs_are_done_with_at_once(name: str, text: str) -> None:
    began = time.process_time()
    compose(text)
    assert time.process_time() - began < 5.0, name


def test_what_is_too_large_is_not_looked_at() -> None:
    assert compose("#" * MAX_BYTES) == ()
    flaw = compose("#é" * (MAX_BYTES // 2))
    assert isinstance(flaw, Flaw)
    assert "larger than 65536 bytes" in flaw.message


@given(ANY_TEXT)
def test_any_text_is_composed_or_refused(text: str) -> None:
    compose(text)
