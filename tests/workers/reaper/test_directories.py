"""The pilots' directories: deadlines go in, those without a container go, and SIGTERM waits for no disk that hangs."""

import logging
import threading
from pathlib import Path

import pytest

from plancton.common.naming import container_name, instance_id
from plancton.common.pilot_directory import PilotDirectories
from plancton.common.reasons import Reason
from plancton.common.settings import Settings
from plancton.workers.reaper.cleanup import Act, Facts, Memory, Order
from plancton.workers.reaper.deadlines import Scene
from plancton.workers.reaper.directories import Directories
from tests.support import stepped_calls
from tests.support.facts import pilot, pool, target, wish
from tests.support.place import KeptPlace

NOW, NOW_UNIX = 5000.0, 2_000_000.0
INSTANCE = instance_id("/run/plancton")
SIGTERM = Order(act=Act.TERMINATE, pilot=pilot(0), reason=Reason.OWNER_CPU)


def name(slot: int) -> str:
    """Return the name of that slot's pilot, as ``pilot`` makes it."""
    return container_name(INSTANCE, slot, slot + 1)


def scene(*slots: int, now: float = NOW, max_ttl: float = 300.0) -> Scene:
    """Return a scene with pilots that started at NOW."""
    there = [pilot(slot) for slot in slots]
    return Scene(
        facts=Facts(settings=Settings(max_ttl=max_ttl, stop_grace=10.0), pool=pool(*there)),
        last=target(),
        memories={each.container_id: Memory(started_at=NOW) for each in there},
        busy=frozenset(),
        instance=INSTANCE,
        now=now,
        now_unix=NOW_UNIX + now - NOW,
    )


class Shelf:
    """Three pilots' directories, and the reaper's hand on them."""

    def __init__(self, state: Path) -> None:
        self.files = PilotDirectories(state)
        for slot in range(3):
            self.files.create(name(slot), "0:0", 1.0)
        self.root = state / "pilots"
        place = KeptPlace()
        place.state = state
        self.hand = Directories(place)

    def deadline(self, slot: int) -> str:
        """Return what the pilot sees."""
        return (self.root / name(slot) / "deadline").read_text()

    def sweep(self, *slots: int, at: float, wished: int = 99) -> set[str]:
        """Sweep at a full look of these pilots, and return which directories there are then."""
        self.hand.sweep(pool(*(pilot(slot) for slot in slots), at=at), target(wish(wished, wished + 1)), at)
        self.hand.collect()
        return self.files.names()


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Return a shelf whose work on files is done when it's given, and known of when it's collected."""
    monkeypatch.setattr("plancton.workers.reaper.directories.Lanes", stepped_calls.Lanes)
    return Shelf(tmp_path)


def test_each_live_pilot_is_told_its_deadline_and_told_anew_when_it_moves(shelf: Shelf) -> None:
    shelf.hand.tell(scene(0, 1), [])
    assert [shelf.deadline(slot) for slot in range(3)] == ["2000300\n", "2000300\n", "1\n"]
    shelf.hand.collect()
    shelf.hand.tell(scene(0, max_ttl=200.0), [])
    assert [shelf.deadline(slot) for slot in range(3)] == ["2000200\n", "2000300\n", "1\n"]


def test_sigterm_waits_until_the_pilot_is_told_when_sigkill_comes(shelf: Shelf) -> None:
    shelf.hand.tell(scene(0, 1), [])
    shelf.hand.collect()
    assert shelf.hand.tell(scene(0, 1), [SIGTERM]) == {"c0-1"}
    assert shelf.deadline(0) == "2000010\n"
    shelf.hand.collect()
    assert shelf.hand.tell(scene(0, 1, now=NOW + 0.5), [SIGTERM]) == frozenset()
    assert (shelf.deadline(0), shelf.deadline(1)) == ("2000010\n", "2000300\n")


def test_nothing_else_waits_for_a_deadline(shelf: Shelf) -> None:
    others = [Order(act=act, pilot=pilot(0), reason=Reason.OWNER_CPU) for act in Act if act is not Act.TERMINATE]
    assert shelf.hand.tell(scene(0), others) == frozenset()


def test_a_pilot_without_a_directory_is_told_nothing_and_ended_all_the_same(shelf: Shelf) -> None:
    shelf.files.remove(name(0))
    assert shelf.hand.tell(scene(0), [SIGTERM]) == {"c0-1"}
    shelf.hand.collect()
    assert shelf.hand.tell(scene(0), [SIGTERM]) == frozenset()
    assert shelf.files.names() == {name(1), name(2)}


def test_a_deadline_that_can_not_be_written_is_said_once_and_tried_again_later(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    directory = shelf.root / name(0)
    for slot in range(2):
        (shelf.root / name(slot)).rename(shelf.root / f"moved-{slot}")
        (shelf.root / name(slot)).write_text("")
    with caplog.at_level(logging.WARNING):
        shelf.hand.tell(scene(0, 1), [])
        shelf.hand.collect()
        shelf.hand.tell(scene(0, 1, now=NOW + 59.0), [])
    assert [record.getMessage()[:35] for record in caplog.records] == ["2 pilots can't be told their deadli"]
    directory.unlink()
    (shelf.root / "moved-0").rename(directory)
    shelf.hand.tell(scene(0, 1, now=NOW + 60.0), [])
    assert shelf.deadline(0) == "2000300\n"


def test_a_disk_that_hangs_keeps_no_pilot_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(PilotDirectories, "write_deadline", lambda *_arguments: gate.wait(10.0))
    place = KeptPlace()
    place.state = tmp_path
    hand = Directories(place)
    assert hand.tell(scene(0), [SIGTERM]) == {"c0-1"}
    hand.collect()
    assert hand.tell(scene(0, now=NOW + 0.9), [SIGTERM]) == {"c0-1"}
    assert hand.tell(scene(0, now=NOW + 1.0), [SIGTERM]) == frozenset()
    gate.set()


def test_the_directory_of_what_was_removed_goes_at_once(shelf: Shelf) -> None:
    (shelf.root / name(1) / "out" / "left").mkdir()
    shelf.hand.remove(pilot(1, name="renamed"))
    assert shelf.files.names() == {name(0), name(2)}


def test_what_has_had_no_container_for_a_minute_of_looks_is_swept(shelf: Shelf) -> None:
    everything = {name(slot) for slot in range(3)}
    assert shelf.sweep(0, at=0.0, wished=2) == everything
    assert shelf.sweep(0, at=59.0, wished=2) == everything
    assert shelf.sweep(0, at=60.0, wished=2) == {name(0), name(2)}
    assert shelf.sweep(0, at=119.0) == {name(0), name(2)}
    assert shelf.sweep(0, 2, at=150.0) == {name(0), name(2)}
    assert shelf.sweep(0, at=179.0) == {name(0), name(2)}
    assert shelf.sweep(0, at=239.0) == {name(0)}


def test_only_a_new_look_is_swept_by(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.sweep(0, at=0.0)
    monkeypatch.setattr(PilotDirectories, "names", lambda _self: pytest.fail("listed again"))
    shelf.hand.sweep(pool(at=0.0), target(), 99.0)


def test_directories_that_can_be_neither_listed_nor_removed_are_said_and_stay(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_self: PilotDirectories, *_names: str) -> set[str]:
        raise OSError(5, "Input/output error")

    with caplog.at_level(logging.WARNING):
        monkeypatch.setattr(PilotDirectories, "remove", broken)
        shelf.hand.remove(pilot(1))
        monkeypatch.setattr(PilotDirectories, "names", broken)
        shelf.hand.sweep(pool(at=1.0), target(), 1.0)
        shelf.hand.collect()
    assert [record.getMessage().rpartition(": ")[0] for record in caplog.records] == [
        f"the directory of {name(1)} can't be removed",
        "the pilots' directories can't be listed",
    ]


def test_what_is_known_of_pilots_that_are_gone_is_forgotten(shelf: Shelf) -> None:
    shelf.hand.tell(scene(0, 1), [])
    shelf.sweep(0, at=1.0)
    assert vars(shelf.hand)["_tellings"].keys() == {name(0)}
    assert shelf.hand.tell(scene(0, 1), []) == frozenset()
