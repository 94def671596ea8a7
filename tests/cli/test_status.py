"""``planctonctl status``: in words, as JSON, and its exit codes."""

import msgspec
import pytest

from plancton.cli import contact
from plancton.common.paths import Paths
from plancton.common.requests import Answer
from plancton.common.status import StatusReport
from tests.fakes.control import FakePlanctond, Reply
from tests.support.planctonctl import Planctonctl


def test_it_explains(planctonctl: Planctonctl, planctond: FakePlanctond) -> None:
    result = planctonctl("status")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"planctond 1.0.0, instance 0123abcd, runs: pid {planctond.report.pid}")


def test_json_is_the_report(planctonctl: Planctonctl, planctond: FakePlanctond) -> None:
    result = planctonctl("status", "--json")
    assert msgspec.json.decode(result.stdout, type=StatusReport) == planctond.report
    assert msgspec.json.decode(result.stdout) == msgspec.json.decode(msgspec.json.encode(planctond.report))


def test_not_running_exits_with_3_as_lsb_wants(planctonctl: Planctonctl, paths: Paths) -> None:
    words = f"planctond is not running (run directory {paths.rundir})\n"
    plain, as_json = planctonctl("status"), planctonctl("status", "--json")
    assert (plain.exit_code, plain.stdout, plain.stderr) == (3, words, "")
    assert (as_json.exit_code, as_json.stdout, as_json.stderr) == (3, "", words)


@pytest.mark.parametrize("reply", [None, b"nonsense", Answer(ok=True, data=3), Answer(ok=False, error="no")])
def test_what_can_not_be_told_exits_with_4(
    planctonctl: Planctonctl,
    paths: Paths,
    monkeypatch: pytest.MonkeyPatch,
    reply: Reply,
) -> None:
    monkeypatch.setattr(contact, "ANSWER_SECONDS", 0.2)
    with FakePlanctond(paths, lambda _: reply):
        result = planctonctl("status")
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr.startswith("planctonctl: planctond")


def test_another_users_run_directory_exits_with_4(planctonctl: Planctonctl, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(contact, "holder", denied)
    result = planctonctl("status")
    assert (result.exit_code, "permission denied" in result.stderr) == (4, True)
