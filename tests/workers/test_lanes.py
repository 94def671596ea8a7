"""Threads for blocking calls: several at once, results through the loop, bugs aren't swallowed."""

import os
import threading

import pytest

from plancton.workers.lanes import Lanes, waker
from tests.support.waiting import wait_for


class Loop:
    """Collects until told enough."""

    def __init__(self, count: int) -> None:
        self.woken = threading.Event()
        self.lanes = Lanes("test", count, self.woken.set)
        self.results: list[object] = []

    def collect(self, count: int) -> list[object]:
        """Collect so many results."""

        def collected() -> bool:
            self.lanes.collect()
            return len(self.results) >= count

        wait_for(collected, 5.0, f"{count} results")
        return self.results


def test_a_slow_call_delays_no_other() -> None:
    loop, gate = Loop(2), threading.Event()
    loop.lanes.submit(gate.wait, loop.results.append)
    for number in range(5):
        loop.lanes.submit(lambda number=number: number, loop.results.append)  # type: ignore[misc]
    assert loop.collect(5) == [0, 1, 2, 3, 4]
    gate.set()
    assert loop.collect(6)[-1] is True
    loop.lanes.close()


def test_results_come_only_when_they_are_collected_and_in_the_loops_own_thread() -> None:
    loop, taken_by = Loop(1), []

    def take(made_by: int) -> None:
        taken_by.append(threading.get_ident())
        loop.results.append(made_by)

    loop.lanes.submit(threading.get_ident, take)
    assert loop.woken.wait(5.0)
    assert loop.results == []
    (made_by,) = loop.collect(1)
    assert taken_by == [threading.get_ident()] != [made_by]
    loop.lanes.close()


def test_a_loop_that_ends_may_wait_for_the_next_result_alone_and_not_for_ever() -> None:
    loop, gate = Loop(1), threading.Event()
    loop.lanes.submit(gate.wait, loop.results.append)
    loop.lanes.submit(lambda: 2, loop.results.append)
    loop.lanes.wait(0.01)
    loop.lanes.wait(-1.0)
    assert loop.results == []
    gate.set()
    loop.lanes.wait(5.0)
    assert loop.results == [True]
    loop.lanes.wait(5.0)
    assert loop.results == [True, 2]
    loop.lanes.close()


def test_a_bug_in_a_call_is_raised_in_the_loop() -> None:
    loop = Loop(1)
    loop.lanes.submit(lambda: 1 // 0, loop.results.append)
    with pytest.raises(ZeroDivisionError):
        loop.collect(1)
    loop.lanes.submit(lambda: "goes on", loop.results.append)
    assert loop.collect(1) == ["goes on"]
    loop.lanes.close()


def test_closed_lanes_end_their_threads_after_the_calls_that_wait() -> None:
    loop = Loop(3)
    loop.lanes.submit(lambda: 1, loop.results.append)
    names = {f"test-{number}" for number in range(3)}
    before = [thread for thread in threading.enumerate() if thread.name in names and thread.is_alive()]
    loop.lanes.close()
    wait_for(lambda: not any(thread.is_alive() for thread in before[-3:]), 5.0, "the threads end")
    assert loop.collect(1) == [1]


def test_a_waker_wakes_and_never_waits() -> None:
    readable, writable = os.pipe2(os.O_NONBLOCK)
    wake = waker(writable)
    for _ in range(100_000):
        wake()
    assert os.read(readable, 1) == b"\0"
    os.close(readable)
    os.close(writable)
