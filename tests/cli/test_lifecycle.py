"""The verbs that start planctond, but for what comes of it (test_launch)."""

import os
import sys

import pytest

from plancton.cli import launch
from plancton.common.paths import Paths
from plancton.common.requests import Resume, Status
from tests.fakes.control import FakePlanctond
from tests.support.planctonctl import Planctonctl


def test_start_is_content_with_one_that_runs(planctonctl: Planctonctl, planctond: FakePlanctond) -> None:
    result = planctonctl("start")
    assert (result.exit_code, result.stdout) == (0, f"planctond runs already, pid {os.getpid()}, up 3 h 0 min\n")
    assert planctond.asked == [Status()]


def test_force_start_resumes_one_that_runs(planctonctl: Planctonctl, planctond: FakePlanctond) -> None:
    result = planctonctl("force-start")
    assert (result.exit_code, planctond.asked) == (0, [Resume(), Status()])


def test_force_start_removes_the_markers_before_it_starts(
    planctonctl: Planctonctl, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.prepare()
    paths.drain_marker.touch()
    paths.stop_marker.touch()
    monkeypatch.setattr(launch, "command", lambda _: ["/no/such/python"])
    assert planctonctl("force-start").exit_code == 1
    assert not paths.drain_marker.exists()
    assert not paths.stop_marker.exists()


def test_nodaemon_becomes_planctond(planctonctl: Planctonctl, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(os, "execve", lambda *arguments: calls.append(arguments))
    assert planctonctl("nodaemon").exit_code == 0
    assert calls == [(sys.executable, launch.command(paths), launch.environment())]
    assert "--detached" not in launch.command(paths)
