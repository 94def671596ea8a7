"""Which wishes are started now."""

import pytest

from plancton.common.messages import Target
from plancton.workers.launcher.plan import MOST_ABREAST, MOST_IN_FLIGHT, SLOW_SECONDS, Key, key, to_start, wished
from tests.support.facts import target, wish

NOW = 50.0


def starts(
    what: Target | None, in_flight: dict[Key, float] | None = None, settled: set[Key] | None = None, now: float = NOW
) -> list[Key]:
    return [key(each) for each in to_start(what, in_flight or {}, settled or set(), now)]


def test_without_a_valid_target_nothing_is_started() -> None:
    assert starts(None) == []
    assert starts(target(wish(0, 1), until=NOW)) == []
    assert starts(target(wish(0, 1), until=NOW + 0.1)) == [(0, 1)]


def test_neither_what_is_under_way_nor_what_is_settled_is_started_again() -> None:
    both = target(wish(0, 1), wish(1, 2), wish(2, 3))
    assert starts(both, {(0, 1): NOW - SLOW_SECONDS}, {(2, 3)}) == [(1, 2)]


def test_another_incarnation_in_the_same_slot_is_another_wish() -> None:
    assert starts(target(wish(0, 2)), {(0, 1): NOW - SLOW_SECONDS}) == [(0, 2)]


def test_replacements_come_first_and_one_at_a_time() -> None:
    mixed = target(wish(0, 1), wish(1, 2, replaces=True), wish(2, 3, replaces=True))
    assert starts(mixed) == [(1, 2)]
    assert starts(mixed, {(1, 2): NOW}) == []


@pytest.mark.parametrize(("waiting", "abreast"), [(1, 1), (4, 1), (5, 2), (8, 2), (9, 3), (13, 4), (40, MOST_ABREAST)])
def test_the_more_wait_the_more_are_started_at_once(waiting: int, abreast: int) -> None:
    many = target(*(wish(slot, slot + 1) for slot in range(waiting)))
    assert len(starts(many)) == abreast
    assert len(starts(many, {(50, 51): NOW})) == abreast - 1


def test_slow_starts_delay_no_other_until_there_are_too_many() -> None:
    many = target(*(wish(slot, slot + 1) for slot in range(40)))
    slow = {(slot, slot + 1): NOW - SLOW_SECONDS for slot in range(MOST_IN_FLIGHT)}
    assert len(starts(many, dict(list(slow.items())[:8]))) == MOST_ABREAST
    assert starts(many, slow) == []


def test_wished_is_what_a_valid_target_names() -> None:
    assert wished(target(wish(0, 1)), (0, 1), NOW)
    assert not wished(target(wish(0, 1)), (0, 2), NOW)
    assert not wished(target(wish(0, 1), until=NOW), (0, 1), NOW)
    assert not wished(target(withdrawn=(wish(0, 1),)), (0, 1), NOW)
    assert not wished(None, (0, 1), NOW)
