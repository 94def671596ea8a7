"""Signals as something to read: told, not done, and everything is as before afterwards."""

import os
import select
import signal
from pathlib import Path

from plancton.cli.told_signals import ENDING, told_signals


def test_a_signal_is_told_and_not_done() -> None:
    with told_signals(signal.SIGUSR1, signal.SIGUSR2) as told:
        assert told.take() == frozenset()
        os.kill(os.getpid(), signal.SIGUSR1)
        assert select.select([told], [], [], 5)[0] == [told]
        assert told.take() == {signal.SIGUSR1}
        assert told.take() == frozenset()


def test_a_wait_ends_with_the_first_signal() -> None:
    with told_signals(signal.SIGUSR1) as told:
        os.kill(os.getpid(), signal.SIGUSR1)
        assert told.wait(60.0) == {signal.SIGUSR1}
        assert told.wait(0.0) == frozenset()


def test_another_handlers_signal_ends_a_wait_and_is_not_told() -> None:
    before = signal.signal(signal.SIGUSR2, lambda _number, _frame: None)
    try:
        with told_signals(signal.SIGUSR1) as told:
            os.kill(os.getpid(), signal.SIGUSR2)
            assert told.wait(60.0) == frozenset()
    finally:
        signal.signal(signal.SIGUSR2, before)


def test_handlers_and_descriptors_are_put_back() -> None:
    before = [signal.getsignal(number) for number in ENDING]
    assert signal.set_wakeup_fd(-1) == -1
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    with told_signals(*ENDING):
        assert [signal.getsignal(number) for number in ENDING] != before
    assert [signal.getsignal(number) for number in ENDING] == before
    assert signal.set_wakeup_fd(-1) == -1
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
