"""drain, drain-stop, resume and reload: over the control socket, or by the marker files while nothing runs."""

import msgspec
import pytest

from plancton.cli import contact
from plancton.common.messages import PoolUnknown
from plancton.common.paths import Paths
from plancton.common.requests import Answer, Drain, Reload, Request, Resume, Status
from tests.fakes.control import NOW, FakePlanctond, Reply, report
from tests.support.planctonctl import Planctonctl


@pytest.mark.parametrize(
    ("verb", "request_sent", "words"),
    [
        ("drain", Drain(), "drained: no more pilots are launched; 2 pilots run on"),
        ("drain-stop", Drain(stop=True), "drained: planctond stops once the last pilot has ended; 2 pilots run on"),
        ("resume", Resume(), "resumed: pilots are launched wherever there is room"),
    ],
)
def test_planctond_is_told(
    planctonctl: Planctonctl,
    planctond: FakePlanctond,
    verb: str,
    request_sent: Request,
    words: str,
) -> None:
    result = planctonctl(verb)
    assert (result.exit_code, result.stdout) == (0, f"{words}\n")
    assert planctond.asked[0] == request_sent


def test_one_pilot_runs_on(planctonctl: Planctonctl, planctond: FakePlanctond) -> None:
    planctond.report = report(pilots=1)
    assert "; 1 pilot runs on" in planctonctl("drain").stdout


def test_a_drain_counts_even_where_the_pilots_are_unknown(planctonctl: Planctonctl, planctond: FakePlanctond) -> None:
    unknown = PoolUnknown(why="refused", since_unix=NOW)
    planctond.report = msgspec.structs.replace(report(), pool=None, pool_unknown=unknown)
    assert planctonctl("drain").stdout.endswith("how many run on isn't known\n")


def test_a_drain_counts_even_where_status_is_silent(
    planctonctl: Planctonctl,
    paths: Paths,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contact, "ANSWER_SECONDS", 0.2)
    with FakePlanctond(paths, lambda what: None if isinstance(what, Status) else Answer(ok=True)):
        result = planctonctl("drain")
    assert (result.exit_code, result.stdout.endswith("how many run on isn't known\n")) == (0, True)


def test_without_planctond_drain_makes_the_marker_and_resume_removes_all(
    planctonctl: Planctonctl, paths: Paths
) -> None:
    drained = planctonctl("drain")
    assert (drained.exit_code, "its next start will launch no pilots" in drained.stdout) == (0, True)
    assert paths.drain_marker.stat().st_mode & 0o777 == 0o600
    paths.stop_marker.touch()
    paths.force_stop_marker.touch()
    resumed = planctonctl("resume")
    assert (resumed.exit_code, "its next start will launch pilots" in resumed.stdout) == (0, True)
    assert not [marker for marker in paths.rundir.iterdir() if marker != paths.lock_file]


def test_without_planctond_drain_stop_has_nothing_to_do(planctonctl: Planctonctl, paths: Paths) -> None:
    result = planctonctl("drain-stop")
    assert (result.exit_code, result.stdout) == (0, "planctond is not running: nothing to stop\n")
    assert not paths.rundir.exists()


@pytest.mark.parametrize("verb", ["drain", "resume"])
def test_a_marker_that_can_not_be_changed_is_told(planctonctl: Planctonctl, paths: Paths, verb: str) -> None:
    paths.prepare()
    paths.drain_marker.symlink_to(paths.rundir / "missing" / "file") if verb == "drain" else paths.drain_marker.mkdir()
    result = planctonctl(verb)
    assert (result.exit_code, "can't change the marker" in result.stderr) == (1, True)


def test_a_run_directory_that_can_not_be_made_comes_with_the_remedy(planctonctl: Planctonctl, paths: Paths) -> None:
    paths.rundir.symlink_to("/tmp")
    result = planctonctl("drain")
    assert (result.exit_code, "symbolic link" in result.stderr, "--rundir" in result.stderr) == (1, True, True)


@pytest.mark.parametrize("verb", ["drain", "drain-stop", "resume", "reload"])
@pytest.mark.parametrize("reply", [None, b"nonsense", Answer(ok=False, error="disk full")])
def test_no_word_or_a_refusal_exits_with_1(
    planctonctl: Planctonctl,
    paths: Paths,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
    reply: Reply,
) -> None:
    monkeypatch.setattr(contact, "ANSWER_SECONDS", 0.2)
    with FakePlanctond(paths, lambda _: reply):
        result = planctonctl(verb)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("planctonctl: planctond")


def outcome(*, ok: bool, warnings: tuple[str, ...] = (), errors: tuple[str, ...] = ()) -> Answer:
    return Answer(ok=True, data={"ok": ok, "warnings": list(warnings), "errors": list(errors)})


def test_a_reload_tells_what_came_of_it(planctonctl: Planctonctl, paths: Paths) -> None:
    with FakePlanctond(paths, lambda _: outcome(ok=True, warnings=("max_dock: did you mean max_docks?",))) as planctond:
        result = planctonctl("reload")
    assert planctond.asked == [Reload()]
    assert (result.exit_code, result.stdout) == (0, f"{paths.config_file} is in force\n")
    assert result.stderr == "warning: max_dock: did you mean max_docks?\n"


def test_a_bad_file_exits_with_78_and_changes_nothing(planctonctl: Planctonctl, paths: Paths) -> None:
    with FakePlanctond(paths, lambda _: outcome(ok=False, errors=("line 2: max_ttl: -1 \x1b[0m",))):
        result = planctonctl("reload")
    assert (result.exit_code, result.stdout) == (78, "")
    assert result.stderr == "error: line 2: max_ttl: -1 \\x1b[0m\nthe settings read before stay in force\n"


def test_a_reload_without_planctond_fails(planctonctl: Planctonctl) -> None:
    result = planctonctl("reload")
    assert (result.exit_code, "is not running" in result.stderr) == (1, True)


def test_a_reload_answered_in_another_version_fails(planctonctl: Planctonctl, planctond: FakePlanctond) -> None:
    result = planctonctl("reload")
    assert planctond.asked == [Reload()]
    assert (result.exit_code, "another version" in result.stderr) == (1, True)
