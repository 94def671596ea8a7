"""How late a loop was: the most, since it was last taken, and lately."""

from hypothesis import given
from hypothesis import strategies as st

from plancton.supervisor.pulse import RECENT_SECONDS, Pulse


def test_the_most_is_taken_once_and_signs_of_life_are_counted() -> None:
    pulse = Pulse()
    for late in (0.1, 0.7, 0.2):
        pulse.beaten(late, 100.0)
    assert pulse.take() == 0.7
    assert pulse.take() == 0.0
    pulse.beaten(0.3, 101.0)
    assert pulse.take() == 0.3
    assert pulse.beats == 4


def test_however_seldom_it_is_asked_what_is_longer_ago_than_two_spans_is_forgotten() -> None:
    pulse = Pulse()
    pulse.beaten(1.0, 100.1)
    assert pulse.recent(119.0) == 1.0
    assert pulse.recent(128.9) == 0.0


@given(
    st.lists(st.tuples(st.floats(0.0, 30.0), st.floats(0.0, 9.0)), max_size=30),
    st.floats(0.0, 50.0),
    st.floats(0.0, 1e6),
)
def test_lately_is_at_least_the_last_span_and_at_most_the_last_two(
    beats: list[tuple[float, float]], later: float, begin: float
) -> None:
    pulse, now, seen = Pulse(), begin, []
    for passed, late in beats:
        now += passed
        pulse.beaten(late, now)
        seen.append((now, late))
    now += later
    least = max((late for at, late in seen if now - at < RECENT_SECONDS), default=0.0)
    most = max((late for at, late in seen if now - at <= 2 * RECENT_SECONDS), default=0.0)
    assert least <= pulse.recent(now) <= most
