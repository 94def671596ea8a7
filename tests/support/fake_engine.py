"""Workers whose engine is a fake."""

from unittest import mock

import pytest

from tests.fakes.engine import FakeEngine


def use(monkeypatch: pytest.MonkeyPatch, worker: str, engine: FakeEngine) -> None:
    """Let ``plancton.workers.<worker>.worker`` find this engine at any address."""
    monkeypatch.setattr(f"plancton.workers.{worker}.worker.Engine", mock.Mock(return_value=engine))
