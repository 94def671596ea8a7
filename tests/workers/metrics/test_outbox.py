"""The queue of a sink: bounded, in order, nothing lost uncounted, and patient."""

from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from plancton.workers.metrics.outbox import (
    LONGEST_PAUSE_SECONDS,
    PAUSE_SECONDS,
    Accepted,
    Away,
    Outbox,
    Rejected,
)

MOST, BATCH = 20, 6


def test_points_go_out_oldest_first_one_batch_at_a_time() -> None:
    outbox = Outbox("s", MOST, BATCH)
    outbox.put(map(str, range(8)))
    assert outbox.take(0.0) == tuple("012345")
    assert outbox.take(0.0) == ()
    outbox.answered(Accepted(), 0.0, 0.0, 0.0)
    assert outbox.take(0.0) == (), "a short rest, for more to travel together"
    assert outbox.take(PAUSE_SECONDS) == tuple("67")


def test_a_long_queue_does_not_rest_between_its_batches() -> None:
    outbox = Outbox("s", MOST, BATCH)
    outbox.put(map(str, range(2 * BATCH)))
    assert len(outbox.take(0.0)) == BATCH
    outbox.answered(Accepted(), 0.0, 0.0, 0.0)
    assert len(outbox.take(0.0)) == BATCH


def test_a_batch_that_failed_goes_out_again_before_all_others() -> None:
    outbox = Outbox("s", MOST, BATCH)
    outbox.put(["a", "b"])
    assert outbox.take(0.0) == ("a", "b")
    outbox.put(["c"])
    outbox.answered(Away(why="refused"), 0.0, 99.0, 0.0)
    assert outbox.state.error == "refused"
    assert outbox.state.error_unix == 99.0
    assert outbox.take(60.0) == ("a", "b", "c")


def test_pauses_grow_up_to_a_bound_with_jitter_and_end_with_a_success() -> None:
    outbox = Outbox("s", MOST, BATCH)
    outbox.put(map(str, range(4)))
    now, pauses = 0.0, []
    for _ in range(9):
        assert outbox.take(now)
        outbox.answered(Away(why="no"), now, 0.0, 1.0)
        moment = outbox.next_moment()
        assert moment is not None
        pauses.append(moment - now)
        now = moment
    assert pauses == [1, 2, 4, 8, 16, 32, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS]
    outbox.take(now)
    outbox.answered(Away(why="no"), now, 0.0, 0.0)
    assert outbox.next_moment() == now + LONGEST_PAUSE_SECONDS / 2
    outbox.hurry()
    assert outbox.take(now)
    outbox.answered(Accepted(), now, 0.0, 1.0)
    outbox.put(["x"])
    assert outbox.next_moment() == now + PAUSE_SECONDS
    assert outbox.state.error == ""
    assert outbox.state.error_unix is None


def test_what_is_rejected_is_dropped_counted_and_not_tried_again() -> None:
    outbox = Outbox("s", MOST, BATCH)
    outbox.put(["a", "b", "c"])
    outbox.take(0.0)
    outbox.answered(Rejected(points=1, why="bad"), 0.0, 5.0, 0.0)
    state = outbox.state
    assert (state.written_points, state.dropped_points, state.waiting_points) == (2, 1, 0)
    assert (state.error, state.error_unix) == ("bad", 5.0)
    assert outbox.next_moment() is None


class AnyHistory(RuleBasedStateMachine):
    """A server with any mood: each point is written, dropped or waits; those sent are in order; the bound holds."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.outbox = Outbox("s", MOST, BATCH)
        self.numbers = count()
        self.put = 0
        self.batch: tuple[str, ...] = ()
        self.accepted: list[int] = []
        self.now = 0.0

    @rule(number=st.integers(0, 3 * MOST))
    def add(self, number: int) -> None:
        """Queue points."""
        self.outbox.put([str(next(self.numbers)) for _ in range(number)])
        self.put += number

    @rule(seconds=st.floats(0.0, 100.0))
    def wait(self, seconds: float) -> None:
        """Let time pass and take what is due."""
        self.now += seconds
        due = self.outbox.next_moment()
        batch = self.outbox.take(self.now)
        assert bool(batch) == (due is not None and due <= self.now)
        if batch:
            self.batch = batch

    @rule(answer=st.sampled_from([Accepted(), Away(why="away"), Rejected(points=1, why="bad")]), chance=st.floats(0, 1))
    def answer(self, answer: Accepted | Away | Rejected, chance: float) -> None:
        """Tell what became of the batch."""
        if not self.batch:
            return
        self.outbox.answered(answer, self.now, self.now, chance)
        if isinstance(answer, Accepted):
            self.accepted += map(int, self.batch)
        self.batch = ()

    @invariant()
    def nothing_is_lost_uncounted(self) -> None:
        """Every point is somewhere."""
        state = self.outbox.state
        assert state.written_points + state.dropped_points + state.waiting_points == self.put
        assert state.waiting_points <= MOST

    @invariant()
    def order_is_kept(self) -> None:
        """No point is accepted twice or before an older one."""
        assert self.accepted == sorted(set(self.accepted))


AnyHistory.TestCase.settings = settings(max_examples=100, stateful_step_count=30)
TestAnyHistory = AnyHistory.TestCase
