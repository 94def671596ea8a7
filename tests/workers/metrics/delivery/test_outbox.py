"""The progress of a sink: in order, nothing lost uncounted, patient, and past what it never takes."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from plancton.workers.metrics.delivery.outbox import (
    LONGEST_PAUSE_SECONDS,
    LONGEST_RETRY_AFTER_SECONDS,
    PAUSE_SECONDS,
    Accepted,
    Answer,
    Away,
    Outbox,
    Rejected,
    TooLarge,
)
from plancton.workers.metrics.storage.rounds import Row, SinkRow

BATCH = 6


def rows(*numbers: int) -> tuple[Row, ...]:
    return tuple(Row(number, number, "m", "{}", "{}") for number in numbers)


def outbox(number: int) -> Outbox:
    """Return one that so many points wait for, the first of which are fetched."""
    made = Outbox(SinkRow(name="s", cursor=0), batch=BATCH)
    made.put(number)
    fetch(made, 0.0, range(1, number + 1))
    return made


def fetch(box: Outbox, now: float, store: range | list[int]) -> None:
    """Give it what it wants, as the store does."""
    if box.wants(now):
        box.fill(rows(*[number for number in store if number > box.cursor][: box.limit]))


def numbers(taken: tuple[Row, ...]) -> list[int]:
    return [row.id for row in taken]


def test_points_go_out_oldest_first_one_batch_at_a_time() -> None:
    box = outbox(8)
    assert numbers(box.take(0.0)) == [1, 2, 3, 4, 5, 6]
    assert box.take(0.0) == ()
    box.answered(Accepted(), 0.0, 0.0, 0.0)
    assert box.cursor == 6
    assert not box.wants(0.0), "a short rest, for more to travel together"
    fetch(box, PAUSE_SECONDS, range(1, 9))
    assert numbers(box.take(PAUSE_SECONDS)) == [7, 8]


def test_a_long_queue_does_not_rest_between_its_batches() -> None:
    box = outbox(2 * BATCH)
    assert len(box.take(0.0)) == BATCH
    box.answered(Accepted(), 0.0, 0.0, 0.0)
    assert box.wants(0.0)


def test_a_batch_that_failed_goes_out_again_before_all_others() -> None:
    box = outbox(2)
    assert numbers(box.take(0.0)) == [1, 2]
    box.put(1)
    box.answered(Away(why="refused"), 0.0, 99.0, 0.0)
    assert box.state.error == "refused"
    assert box.state.error_unix == 99.0
    assert box.cursor == 0
    assert not box.wants(60.0), "they are here still"
    assert numbers(box.take(60.0)) == [1, 2]
    box.answered(Accepted(), 60.0, 0.0, 0.0)
    fetch(box, 90.0, range(1, 4))
    assert numbers(box.take(90.0)) == [3]


def test_pauses_grow_up_to_a_bound_with_jitter_and_end_with_a_success() -> None:
    box = outbox(4)
    now, pauses = 0.0, []
    for _ in range(9):
        assert box.take(now)
        box.answered(Away(why="no"), now, 0.0, 1.0)
        moment = box.next_moment()
        assert moment is not None
        pauses.append(moment - now)
        now = moment
    assert pauses == [1, 2, 4, 8, 16, 32, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS]
    box.take(now)
    box.answered(Away(why="no"), now, 0.0, 0.0)
    assert box.next_moment() == now + LONGEST_PAUSE_SECONDS / 2
    box.hurry()
    assert box.take(now)
    box.answered(Accepted(), now, 0.0, 1.0)
    box.put(1)
    assert box.next_moment() == now + PAUSE_SECONDS
    assert box.state.error == ""
    assert box.state.error_unix is None


@pytest.mark.parametrize(("asked_for", "pause"), [(7.5, 7.5), (0.1, PAUSE_SECONDS), (1e9, LONGEST_RETRY_AFTER_SECONDS)])
def test_a_server_that_asks_for_time_gets_it_within_reason(asked_for: float, pause: float) -> None:
    box = outbox(1)
    box.take(0.0)
    box.answered(Away(why="429", retry_after=asked_for), 0.0, 0.0, 1.0)
    assert box.next_moment() == pause


def test_what_is_rejected_is_counted_set_aside_and_not_tried_again() -> None:
    box = outbox(1)
    box.take(0.0)
    assert box.answered(Rejected(points=1, why="bad", partial=False), 0.0, 5.0, 0.0) == rows(1)[0]
    state = box.state
    assert (state.written_points, state.refused_points, state.dropped_points, state.waiting_points) == (0, 1, 0, 0)
    assert (state.error, state.error_unix) == ("bad", 5.0)
    assert box.next_moment() is None


def send(box: Outbox, store: range, bad: set[int]) -> list[list[int]]:
    """Have everything sent to a server that refuses a batch for one bad point; return the batches."""
    batches = []
    while box.waiting:
        fetch(box, 0.0, store)
        batch = numbers(box.take(0.0))
        assert batch, "there is no pause"
        batches.append(batch)
        assert len(batches) < 1000
        answer: Answer = Accepted()
        if bad & set(batch):
            answer = Rejected(points=len(batch), why="bad", partial=False)
        refused = box.answered(answer, 0.0, 0.0, 0.0)
        assert (refused is not None) == (set(batch) <= bad)
        box.hurry()
    return batches


def test_one_bad_point_costs_only_itself_and_few_tries() -> None:
    box = Outbox(SinkRow(name="s", cursor=0))
    box.put(1000)
    batches = send(box, range(1, 1001), {700})
    state = box.state
    assert (state.written_points, state.refused_points, state.waiting_points) == (999, 1, 0)
    assert len(batches) < 40
    assert batches[0] == list(range(1, 1001))


def test_a_batch_that_is_too_large_is_halved_for_good_and_a_point_that_is_is_refused() -> None:
    box = Outbox(SinkRow(name="s", cursor=0))
    box.put(2000)
    box.fill(rows(*range(1, 1001)))
    sizes = []
    for _ in range(9):
        fetch(box, 0.0, range(1, 2001))
        batch = box.take(0.0)
        sizes.append(len(batch))
        box.answered(TooLarge(why="413") if len(batch) > 300 else Accepted(), 0.0, 0.0, 0.0)
    assert sizes == [1000, 500, 250, 250, 250, 250, 250, 250, 250]
    alone = outbox(1)
    alone.take(0.0)
    assert alone.answered(TooLarge(why="413"), 0.0, 0.0, 0.0) == rows(1)[0]
    assert alone.state.refused_points == 1


def test_the_bounds_take_what_was_not_fetched_and_a_crash_what_was() -> None:
    box = Outbox(SinkRow(name="s", cursor=0, dropped=2), 10, BATCH)
    box.fill(rows(*range(1, 7)))
    assert box.position == 6
    box.lose(2)
    assert (box.state.dropped_points, box.state.waiting_points) == (4, 8)
    assert box.row() == SinkRow(name="s", cursor=0, dropped=4)
    assert box.row(trimmed_through=8) == SinkRow(name="s", cursor=8, dropped=10)
    assert box.row(trimmed_through=3) == SinkRow(name="s", cursor=3, dropped=7)
    box.take(0.0)
    box.answered(Accepted(), 0.0, 0.0, 0.0)
    assert box.row(trimmed_through=8) == SinkRow(name="s", cursor=6, dropped=4, written=6)


def test_totals_of_a_former_life_are_taken_over_but_not_added() -> None:
    box = Outbox(SinkRow(name="s", cursor=5, written=7, dropped=1))
    box.at_least(6, 3, 0)
    assert box.row() == SinkRow(name="s", cursor=5, written=7, dropped=3)


class AnyHistory(RuleBasedStateMachine):
    """A server with any mood: each point is written, refused, lost or waits; those sent are in order."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.box = Outbox(SinkRow(name="s", cursor=0), batch=BATCH)
        self.put = 0
        self.batch: tuple[Row, ...] = ()
        self.accepted: list[int] = []
        self.refused: list[int] = []
        self.lost: set[int] = set()
        self.now = 0.0

    @rule(number=st.integers(0, 20))
    def add(self, number: int) -> None:
        """Have points come."""
        self.box.put(number)
        self.put += number

    @rule(seconds=st.floats(0.0, 100.0))
    def wait(self, seconds: float) -> None:
        """Let time pass and take what is due."""
        self.now += seconds
        due = self.box.next_moment()
        fetch(self.box, self.now, [number for number in range(1, self.put + 1) if number not in self.lost])
        batch = self.box.take(self.now)
        assert bool(batch) == (due is not None and due <= self.now)
        assert len(batch) <= BATCH
        if batch:
            self.batch = batch

    @rule(number=st.integers(1, 5))
    def lose(self, number: int) -> None:
        """Let the bounds take some that weren't fetched."""
        left = [each for each in range(self.box.position + 1, self.put + 1) if each not in self.lost][:number]
        self.box.lose(len(left))
        self.lost |= set(left)

    @precondition(lambda self: self.batch)
    @rule(
        answer=st.sampled_from([Accepted(), Away(why="away"), Rejected(points=1, why="bad"), TooLarge(why="large")]),
        chance=st.floats(0, 1),
    )
    def answer(self, answer: Answer, chance: float) -> None:
        """Tell what became of the batch."""
        refused = self.box.answered(answer, self.now, self.now, chance)
        if isinstance(answer, Accepted):
            self.accepted += numbers(self.batch)
        assert (refused is not None) == (isinstance(answer, Rejected | TooLarge) and len(self.batch) == 1)
        if refused is not None:
            self.refused.append(refused.id)
        self.batch = ()

    @invariant()
    def nothing_is_lost_uncounted(self) -> None:
        """Every point is somewhere."""
        state = self.box.state
        assert state.written_points == len(self.accepted)
        assert state.refused_points == len(self.refused)
        assert state.dropped_points == len(self.lost)
        handled = state.written_points + state.refused_points + state.dropped_points
        assert handled + state.waiting_points == self.put

    @invariant()
    def order_is_kept(self) -> None:
        """No point is accepted twice or before an older one."""
        assert self.accepted == sorted(set(self.accepted))
        assert not set(self.accepted) & set(self.refused)


AnyHistory.TestCase.settings = settings(max_examples=100, stateful_step_count=30)
TestAnyHistory = AnyHistory.TestCase
