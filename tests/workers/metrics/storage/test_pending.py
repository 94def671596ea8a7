"""What waits for the disk besides points: in order, bounded, kept until it's written."""

from plancton.workers.metrics.storage.pending import MOST_OUTPUTS, MOST_REFUSED, Pending
from plancton.workers.metrics.storage.rounds import Output, Refused


def refused(number: int) -> Refused:
    return Refused(sink="s", id=number, line="m v=1", why="bad")


def output(number: int, text: str = "bye") -> Output:
    return Output(container_id=str(number), pilot="p", ended_ns=number, text=text)


def test_it_is_kept_until_it_is_written() -> None:
    pending = Pending()
    assert not pending
    pending.refuse(refused(1))
    pending.keep(output(1))
    assert pending
    taken = pending.take(10**6)
    assert taken == ((refused(1),), (output(1),))
    assert not pending, "there is nothing more to write than what's being written"
    pending.refuse(refused(2))
    pending.answered(written=False)
    assert pending.take(10**6) == ((refused(1), refused(2)), (output(1),))
    pending.answered(written=True)
    assert not pending
    assert pending.take(10**6) == ((), ())


def test_little_is_written_at_a_time_but_always_something() -> None:
    pending = Pending()
    for number in range(3):
        pending.keep(output(number, "x" * 100))
        pending.refuse(refused(number))
    assert [len(each) for each in pending.take(150)] == [3, 1]
    pending.answered(written=True)
    assert [len(each) for each in pending.take(1)] == [0, 1]


def test_the_oldest_go() -> None:
    pending = Pending()
    for number in range(MOST_REFUSED + 1):
        pending.refuse(refused(number))
        pending.keep(output(number))
    first, outputs = pending.take(10**9)
    assert (len(first), len(outputs)) == (MOST_REFUSED, MOST_OUTPUTS)
    assert first[0].id == 1
    pending.refuse(refused(5000))
    pending.answered(written=False)
    again, _ = pending.take(10**9)
    assert (again[0].id, again[-1].id) == (2, 5000)
