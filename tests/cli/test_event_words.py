"""Each entry of the journal in one line of plain words, whatever it holds."""

import pytest
from hypothesis import given

from plancton.cli.event_words import chosen, line, told
from plancton.common.journal_entries import Entry, Kind
from plancton.common.reasons import Reason
from tests.support.any_struct import any_struct

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (
            Entry(at_unix=NOW, kind=Kind.HELD, reason=Reason.OWNER_CPU, figures="the owner uses 7.9 of 8 CPUs"),
            "no further pilot is started, because the owner needs the CPUs (owner-cpu): the owner uses 7.9 of 8 CPUs",
        ),
        (
            Entry(at_unix=NOW, kind=Kind.RELEASED, reason=Reason.NO_IMAGE, seconds=12.0),
            "pilots may be started again; they weren't for 12 s, because the pilots' image isn't here (no-image)",
        ),
        (Entry(at_unix=NOW, kind=Kind.WEIGHT, detail="cpu.idle=1"), "the pilots' weight: cpu.idle=1"),
        (Entry(at_unix=NOW, kind=Kind.LOST, detail="3"), "the journal lacks something here: 3"),
        (
            Entry(at_unix=NOW, kind=Kind.LAUNCHED, pilot="p-1-2", reason=Reason.ROOM, outcome="done", seconds=0.25),
            "p-1-2: started in 0.25 s, because there was room for one more (room)",
        ),
        (
            Entry(at_unix=NOW, kind=Kind.REMOVED, pilot="p", outcome="done", reason=Reason.ENDED, exit_code=3),
            "p: ended by itself with exit code 3, and is removed",
        ),
        (
            Entry(at_unix=NOW, kind="waltzed", pilot="p\x1b[2J\n", detail="a newer\x9b version's"),
            "p\\x1b[2J: waltzed: a newer\\x9b version's",
        ),
    ],
)
def test_it_says_who_what_and_why(entry: Entry, text: str) -> None:
    assert told(entry, NOW) == text


def test_a_line_begins_with_the_time() -> None:
    entry = Entry(at_unix=NOW, kind=Kind.WEIGHT, detail="x")
    assert line(entry, NOW).split("  ", 1)[0].count(":") == 2
    assert line(entry, NOW + 3 * 86400).startswith("2023-11-1")


@given(entry=any_struct(Entry))
def test_any_entry_is_one_printable_line(entry: Entry) -> None:
    assert line(entry, NOW).isprintable()


LAUNCH = Entry(at_unix=100.0, kind=Kind.LAUNCHED, pilot="plancton-worker-0123abcd-3-12", container_id="fedcba98")


@pytest.mark.parametrize(
    ("changes", "is_chosen"),
    [
        ({}, True),
        ({"since_unix": 100.0}, True),
        ({"since_unix": 100.1}, False),
        ({"kinds": ("killed",)}, False),
        ({"kinds": ("killed", "launched")}, True),
        ({"pilot": "3-12"}, True),
        ({"pilot": "2"}, False),
        ({"pilot": "fedc"}, True),
        ({"pilot": "plancton-worker-0123abcd-3-12"}, True),
        ({"pilot": "aaaa"}, False),
        ({"pilot": "aaaa", "pilots": {LAUNCH.pilot}}, True),
        ({"pilot": "3-12", "kinds": ("killed",)}, False),
    ],
)
def test_which_are_asked_for(*, changes: dict[str, object], is_chosen: bool) -> None:
    asked: dict[str, object] = {"since_unix": 0.0, "kinds": (), "pilot": "", "pilots": ()}
    assert chosen(LAUNCH, **(asked | changes)) is is_chosen  # type: ignore[arg-type]


def test_what_is_of_no_pilot_is_none_of_one() -> None:
    held = Entry(at_unix=1.0, kind=Kind.HELD)
    assert not chosen(held, since_unix=0.0, kinds=(), pilot="3", pilots=())
    assert chosen(held, since_unix=0.0, kinds=(), pilot="", pilots=())
