"""Which pilot is meant, how it ended, and why nothing of it may be kept."""

from collections.abc import Iterator

import pytest

from plancton.cli.history_pilots import Ended
from plancton.cli.kept import Known, ended_words, known, listing, meant, none_kept
from plancton.common.history_rows import Output
from tests.cli.history_samples import NOW, berlin

P = "plancton-worker-0123abcd"


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from berlin(monkeypatch)


def life(name: str, container: str = "c", **changes: object) -> Ended:
    """Return a life that ended an hour ago."""
    plain: dict[str, object] = {
        "pilot": name,
        "container": container,
        "started_unix": NOW - 3900.0,
        "ended_unix": NOW - 3600.0,
        "uptime_seconds": 300.0,
        "cpu_seconds": None,
        "lost_core_seconds": None,
        "peak_memory_bytes": None,
        "exit": "failed",
        "exit_code": 7,
        "reason": "ended",
        "oom_killed": False,
        "image": "",
    }
    return Ended(**{**plain, **changes})  # type: ignore[arg-type]


def output(name: str, container: str = "c", ended_unix: float = NOW - 3600.0) -> Output:
    """Return what is kept of a pilot."""
    return Output(container_id=container, pilot=name, ended_unix=ended_unix, size_bytes=5)


def test_all_that_is_known_of_a_pilot_is_put_together() -> None:
    pilots = known(
        {f"{P}-1-9": "c9", f"{P}-2-3": "c3"},
        [output(f"{P}-1-2", "c2"), output("unheard-of", "cx")],
        [life(f"{P}-1-1", "c1"), life(f"{P}-1-2", "c2"), life(f"{P}-2-3", "c3")],
    )
    assert list(pilots) == [f"{P}-1-1", f"{P}-1-2", "unheard-of", f"{P}-1-9", f"{P}-2-3"]
    both = pilots[f"{P}-1-2"]
    assert (both.kept is not None, both.life is not None, both.is_there) == (True, True, False)
    assert (pilots["unheard-of"].life, pilots["unheard-of"].container_id) == (None, "cx")
    assert (pilots[f"{P}-2-3"].is_there, pilots[f"{P}-2-3"].life is not None) == (True, True)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (f"{P}-1-12", ("1-12",)),
        ("12", ("1-12",)),
        ("1-12", ("1-12",)),
        ("c12", ("1-12",)),
        ("c1", ("1-12", "1-13")),
        # A slot: the one that is there, else all that were.
        ("1", ("1-13",)),
        ("3", ("3-14", "3-15")),
        # A part of the name.
        ("abcd-3", ("3-14", "3-15")),
        ("3-1", ("3-14", "3-15")),
        ("nobody", ()),
        ("", ()),
    ],
)
def test_ways_to_mean_a_pilot(wanted: str, found: tuple[str, ...]) -> None:
    lives = [life(f"{P}-1-12", "c12"), life(f"{P}-3-14", "d14"), life(f"{P}-3-15", "d15")]
    pilots = known({f"{P}-1-13": "c13"}, [], lives)
    assert meant(wanted, pilots) == tuple(f"{P}-{each}" for each in found)


@pytest.mark.parametrize(
    ("pilot", "words"),
    [
        (Known(name="p", container_id="c"), "has ended"),
        (Known(name="p", container_id="c", kept=output("p")), "ended 12:00:00"),
        (
            Known(name="p", container_id="c", life=life("p")),
            "ended 12:00:00 after 5 min 0 s with exit code 7 (failed, ended)",
        ),
        (
            Known(name="p", container_id="c", life=life("p", oom_killed=True, exit="expired", reason="expired")),
            "ended 12:00:00 after 5 min 0 s with exit code 7, out of memory (expired)",
        ),
        (
            Known(
                name="p",
                container_id="c",
                life=life("p", uptime_seconds=None, exit_code=None, exit="", reason=""),
            ),
            "ended 12:00:00",
        ),
        (
            Known(name="p", container_id="c", life=life("p", uptime_seconds=None, exit_code=None, reason="\x1b")),
            "ended 12:00:00 (failed, \\x1b)",
        ),
    ],
)
def test_how_it_ended(pilot: Known, words: str) -> None:
    assert ended_words(pilot, NOW) == words


def test_why_nothing_is_kept() -> None:
    old = Known(name="p", container_id="c", life=life("p"))
    newer, older = output("q", ended_unix=NOW), output("q", ended_unix=NOW - 7200)
    assert "output_size is 0" in none_kept(old, [newer], 0)
    assert "history_size and history_age" in none_kept(old, [newer], 4096)
    for pilot, kept, size in (
        (old, [newer, older], 4096),
        (old, [], None),
        (Known(name="p", container_id="c"), [newer], 1),
    ):
        assert none_kept(pilot, kept, size).startswith("it wrote nothing")


def test_the_list() -> None:
    rows = listing([output("p\x07"), output("q", ended_unix=NOW - 86_400)], NOW)
    assert rows == [
        ("PILOT", "ENDED", "OUTPUT"),
        ("p\\x07", "12:00:00", "5 bytes"),
        ("q", "2023-11-14 13:00:00", "5 bytes"),
    ]
