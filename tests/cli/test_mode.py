"""drain, drain-stop, resume, reload, clear-fizzles: over the control socket, or by marker files while nothing runs."""

import time

import msgspec
import pytest

from plancton.cli import contact
from plancton.common.decision import Breaker
from plancton.common.marker_files import MarkerFiles
from plancton.common.markers import Markers, Terms
from plancton.common.messages import Mode, PoolUnknown
from plancton.common.paths import Paths
from plancton.common.reasons import Reason
from plancton.common.requests import Answer, ClearFizzles, Drain, Reload, Request, Resume, Status
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
    paths.snooze_marker.write_text("1900000000")
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
    (paths.drain_marker / "full").mkdir(parents=True)
    result = planctonctl(verb, *(["--reason", "disk swap"] if verb == "drain" else []))
    assert (result.exit_code, "can't change the marker" in result.stderr) == (1, True)


def test_a_run_directory_that_can_not_be_made_comes_with_the_remedy(planctonctl: Planctonctl, paths: Paths) -> None:
    paths.rundir.symlink_to("/tmp")
    result = planctonctl("drain")
    assert (result.exit_code, "symbolic link" in result.stderr, "--rundir" in result.stderr) == (1, True, True)


@pytest.mark.parametrize("verb", ["drain", "drain-stop", "resume", "reload", "clear-fizzles"])
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


@pytest.mark.parametrize("verb", ["drain", "drain-stop"])
def test_a_drain_says_why_and_until_when(planctonctl: Planctonctl, planctond: FakePlanctond, verb: str) -> None:
    before = time.time()
    result = planctonctl(verb, "--reason", "new kernel", "--deadline", "2h")
    asked = planctond.asked[0]
    assert isinstance(asked, Drain)
    assert (asked.stop, asked.reason) == (verb == "drain-stop", "new kernel")
    assert asked.deadline_unix is not None
    assert before + 7200 <= asked.deadline_unix <= time.time() + 7200
    assert result.exit_code == 0
    assert "2 pilots run on; those that still do are ended at " in result.stdout


def test_without_planctond_a_drain_keeps_reason_and_deadline_and_a_snooze_stays(
    planctonctl: Planctonctl, paths: Paths
) -> None:
    paths.prepare()
    paths.snooze_marker.write_text("1900000000\n")
    before = time.time()
    assert planctonctl("drain", "--reason", "new kernel", "--deadline", "2h").exit_code == 0
    markers, problems = MarkerFiles(paths).look()
    assert markers.drain is not None
    assert markers.drain.deadline_unix is not None
    assert before + 7200 <= markers.drain.deadline_unix <= time.time() + 7200
    assert (markers.drain.reason, markers.snooze_until_unix, problems) == ("new kernel", 1_900_000_000.0, ())
    assert planctonctl("drain").exit_code == 0
    assert MarkerFiles(paths).look()[0] == Markers(drain=Terms(), snooze_until_unix=1_900_000_000.0)


def test_without_planctond_nobody_tells_when_a_drain_is_done(planctonctl: Planctonctl, paths: Paths) -> None:
    result = planctonctl("drain", "--wait")
    assert (result.exit_code, paths.drain_marker.exists()) == (1, True)
    assert "nobody tells whether pilots are left" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--deadline", "90"], "90 what?"),
        (["--deadline", "soon"], "no length of time"),
        (["--timeout", "5s"], "--timeout is for --wait"),
        (["--wait", "--timeout", "0s"], "more than nothing"),
        (["--reason", "two\nlines"], "one line"),
        (["--reason", "x" * 201], "200 printable characters"),
        (["--reason", "\x1b[2J"], "printable"),
    ],
)
@pytest.mark.parametrize("verb", ["drain", "drain-stop"])
def test_a_drain_said_wrongly_is_wrong_usage_and_not_passed_on(
    planctonctl: Planctonctl, planctond: FakePlanctond, verb: str, arguments: list[str], why: str
) -> None:
    result = planctonctl(verb, *arguments)
    assert (result.exit_code, why in result.stderr, planctond.asked) == (2, True, [])


def fizzling(planctond: FakePlanctond, *, mode: Mode = Mode.ACTIVE, reason: Reason = Reason.FIZZLES) -> None:
    """Have planctond hold launches for another two minutes."""
    breaker = Breaker(
        fizzles=4, reason=reason, last_unix=NOW, last="p-3 ended\x07 after 0.2 s", open_until_monotonic=520.0
    )
    plain = report()
    assert plain.target is not None
    target = msgspec.structs.replace(plain.target, breaker=breaker)
    planctond.report = msgspec.structs.replace(plain, target=target, mode=mode, now_monotonic=400.0)


def test_cleared_fizzles_are_told_with_what_they_held(planctonctl: Planctonctl, planctond: FakePlanctond) -> None:
    fizzling(planctond)
    result = planctonctl("clear-fizzles")
    assert planctond.asked == [Status(), ClearFizzles()]
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            "forgotten: 4 pilots fizzled in a row; the last: p-3 ended\\x07 after 0.2 s",
            "launches go on; they were held for another 2 min 0 s",
        ],
    )


def test_cleared_fizzles_launch_nothing_on_a_drained_node(planctonctl: Planctonctl, planctond: FakePlanctond) -> None:
    fizzling(planctond, mode=Mode.DRAINING, reason=Reason.LAUNCHES_FAIL)
    result = planctonctl("clear-fizzles")
    assert result.stdout.startswith("forgotten: 4 launches failed in a row")
    assert result.stdout.endswith("planctond is draining all the same\n")


def test_where_nothing_fizzled_that_is_told_and_asked_all_the_same(
    planctonctl: Planctonctl, planctond: FakePlanctond
) -> None:
    result = planctonctl("clear-fizzles")
    assert ClearFizzles() in planctond.asked
    assert (result.exit_code, result.stdout) == (0, "no pilot fizzled lately: nothing was held for that\n")


def test_fizzles_without_planctond_can_not_be_cleared(planctonctl: Planctonctl) -> None:
    result = planctonctl("clear-fizzles")
    assert (result.exit_code, "is not running" in result.stderr) == (1, True)


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
