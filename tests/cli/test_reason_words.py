"""Every reason has plain words."""

import re
from typing import get_args

from plancton.cli.reason_words import WORDS, words
from plancton.common.declarations import DECLARATIONS
from plancton.common.reasons import Reason
from plancton.common.requests import AnyRequest

NEVER_A_HOLD = {
    Reason.SUSPENDED_TOO_LONG,
    Reason.ROOM,
    Reason.REPLACEMENT,
    Reason.TRIAL,
    Reason.ROOM_AGAIN,
    Reason.EXPIRED,
    Reason.ENDED,
    Reason.NEVER_STARTED,
    Reason.FORCE_STOP,
    Reason.SURPLUS,
}


def test_every_reason_has_a_sentence_and_every_hold_an_end() -> None:
    assert set(WORDS) == set(Reason)
    assert {reason for reason, told in WORDS.items() if not told.ends} == NEVER_A_HOLD


def test_each_is_a_clause_of_its_own() -> None:
    clauses = [told.why for told in WORDS.values()]
    assert len(set(clauses)) == len(clauses)
    for clause in clauses:
        assert re.fullmatch(r"[a-z].{10,90}[a-z_]", clause), clause


def test_settings_and_commands_that_are_named_exist() -> None:
    text = " ".join(f"{told.why} {told.ends}" for told in WORDS.values())
    verbs = {str(kind.__struct_config__.tag) for kind in get_args(AnyRequest)}
    assert set(re.findall(r"planctonctl ([a-z-]+)", text)) <= verbs
    assert set(re.findall(r"[a-z]+_[a-z_]+", text)) <= set(DECLARATIONS)


def test_a_reason_of_a_newer_version_is_told_by_its_name() -> None:
    assert words("full-moon").why == "full-moon"
    assert words("owner-cpu") is WORDS[Reason.OWNER_CPU]
