"""Workers whose engine is a fake."""

from unittest import mock

import pytest

from tests.fakes.engine import FakeEngine
from tests.fakes.weights import Weights


def use(monkeypatch: pytest.MonkeyPatch, worker: str, engine: FakeEngine) -> None:
    """Let ``plancton.workers.<worker>.worker`` find this engine at any address; of the kernel it touches nothing."""
    monkeypatch.setattr(f"plancton.workers.{worker}.worker.Engine", mock.Mock(return_value=engine))
    if worker == "launcher":
        monkeypatch.setattr("plancton.workers.launcher.worker.Weights", Weights)
