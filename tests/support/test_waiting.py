"""Waiting: the answer comes back as soon as it is true; a failure says what was waited for and last seen."""

import pytest

from tests.support.waiting import wait_for


def test_the_answer_is_returned_once_it_is_true() -> None:
    answers = iter([0, None, "", 7, 8])
    assert wait_for(lambda: next(answers), 5.0, "a number") == 7


def test_a_failed_assertion_counts_as_not_yet() -> None:
    seen: list[int] = []

    def three_times() -> bool:
        seen.append(1)
        assert len(seen) == 3
        return True

    assert wait_for(three_times, 5.0, "the third time")


def test_after_the_deadline_the_failure_says_what_was_waited_for_and_last_seen() -> None:
    with pytest.raises(AssertionError, match=r"not within 0\.05 s: pilots run; last seen: \[\]"):
        wait_for(list, 0.05, "pilots run")


def test_it_is_asked_at_least_once() -> None:
    assert wait_for(lambda: True, 0.0, "at once")


def test_other_errors_are_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        wait_for(lambda: 1 / 0, 5.0, "never")
