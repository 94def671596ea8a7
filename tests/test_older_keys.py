"""Whoever comes with a file of an older version is told where each key went."""

import re

import pytest

from plancton.common.declarations import DECLARATIONS
from plancton.common.older_keys import OLDER_KEYS


@pytest.mark.parametrize("key", OLDER_KEYS)
def test_each_older_key_leads_to_one_of_today(key: str) -> None:
    assert key not in DECLARATIONS
    assert set(re.findall(r"[a-z]+(?:_[a-z]+)*", OLDER_KEYS[key])) & set(DECLARATIONS)
