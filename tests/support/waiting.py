"""Waiting for a fact. No test sleeps anywhere else."""

import time
from collections.abc import Callable
from typing import TypeVar

Fact = TypeVar("Fact")

POLL_SECONDS = 0.02


def wait_for(fact: Callable[[], Fact], deadline: float, why: str) -> Fact:
    """Ask for ``fact`` until its answer is true, and return that answer.

    Args:
        fact: What to ask; an AssertionError from it counts as "not yet".
        deadline: Seconds to wait at most. It is asked once more when they are over.
        why: What was waited for, for whoever reads the failure.

    Raises:
        AssertionError: after the deadline, with ``why`` and the last answer.

    """
    end = time.monotonic() + deadline
    while True:
        last_try = time.monotonic() >= end
        try:
            answer = fact()
        except AssertionError as error:
            last: object = error
        else:
            if answer:
                return answer
            last = answer
        if last_try:
            message = f"not within {deadline:g} s: {why}; last seen: {last!r}"
            raise AssertionError(message)
        time.sleep(POLL_SECONDS)
