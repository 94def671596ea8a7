"""What waits is the newest that there is room for, in order, and waits once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.supervisor import backlog
from plancton.supervisor.backlog import MOST_BYTES, MOST_MESSAGES, Backlog


def test_what_waits_is_taken_once_in_order() -> None:
    waits = Backlog()
    for word in (b"a", b"b", b"c"):
        waits.put([b"topic", word])
    assert waits.take() == ([b"topic", b"a"], [b"topic", b"b"], [b"topic", b"c"])
    assert waits.take() == ()


def test_of_too_many_the_oldest_are_dropped() -> None:
    waits = Backlog()
    for number in range(MOST_MESSAGES + 2):
        waits.put([b"topic", b"%d" % number])
    taken = waits.take()
    assert (len(taken), taken[0][1]) == (MOST_MESSAGES, b"2")


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=30), st.integers(0, 10))
def test_large_ones_leave_room_for_fewer(sizes: list[tuple[int, int]], taken_after: int) -> None:
    messages = [[b"t" * topic, b"b" * body] for topic, body in sizes]
    waits = Backlog()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backlog, "MOST_BYTES", 100)
        for message in messages[:taken_after]:
            waits.put(message)
        waits.take()
        rest = messages[taken_after:]
        for message in rest:
            waits.put(message)
    taken = list(waits.take())
    newest = next(
        rest[n:] for n in range(len(rest) + 1) if sum(len(frame) for each in rest[n:] for frame in each) <= 100
    )
    assert taken == newest


def test_the_largest_message_finds_room() -> None:
    waits = Backlog()
    waits.put([b"topic", b"x" * (MOST_BYTES // 2)])
    assert len(waits.take()) == 1
