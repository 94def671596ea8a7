"""What processes use, as the kernel tells it."""

import psutil
import pytest

from plancton.common.process_use import cpu_seconds, pss_bytes


def test_a_process_uses_cpu_time_and_memory() -> None:
    itself = psutil.Process()
    before = cpu_seconds(itself)
    while cpu_seconds(itself) <= before:
        pass
    assert 2**20 < (pss_bytes(itself) or 0) <= itself.memory_info().rss


def test_memory_that_this_user_may_not_know_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(_: psutil.Process) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "memory_full_info", deny)
    assert pss_bytes(psutil.Process()) is None
