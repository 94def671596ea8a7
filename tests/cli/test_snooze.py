"""snooze: over the control socket, or by its marker while nothing runs."""

import os
import time

import msgspec
import pytest

from plancton.cli import contact
from plancton.common.marker_files import MarkerFiles
from plancton.common.markers import Markers, Terms
from plancton.common.messages import PoolUnknown
from plancton.common.paths import Paths
from plancton.common.requests import Answer, Request, ShowSettings, Snooze, Status
from plancton.common.status import StatusReport
from tests.fakes.control import NOW, FakePlanctond, Reply, report
from tests.support.planctonctl import Planctonctl


class Snoozing:
    """A planctond that does as it's told about snoozes."""

    def __init__(self, plain: StatusReport | None = None) -> None:
        """Be in good order otherwise."""
        self.report = plain or report()
        self.grace: object = 10.0

    def __call__(self, request: Request) -> Reply:
        """Answer."""
        match request:
            case Snooze(until_unix=until):
                self.report = msgspec.structs.replace(self.report, snooze_until_unix=until)
            case Status():
                return Answer(ok=True, data=msgspec.to_builtins(self.report))
            case ShowSettings():
                return Answer(ok=True, data={"settings": {"stop_grace": self.grace}})
        return Answer(ok=True)


@pytest.mark.parametrize(
    ("pilots", "words"),
    [
        (0, "no pilot runs, and none is launched until then"),
        (1, "1 pilot is told to end, with 10 s to finish; none is launched until then"),
        (2, "2 pilots are told to end, with 10 s to finish; none is launched until then"),
    ],
)
def test_a_snooze_is_asked_for_and_told_with_what_becomes_of_the_pilots(
    planctonctl: Planctonctl, paths: Paths, pilots: int, words: str
) -> None:
    before = time.time()
    with FakePlanctond(paths, Snoozing(report(pilots))) as planctond:
        result = planctonctl("snooze", "2h")
    asked = planctond.asked[0]
    assert isinstance(asked, Snooze)
    assert asked.until_unix is not None
    assert before + 7200 <= asked.until_unix <= time.time() + 7200
    assert result.exit_code == 0
    assert result.stdout.startswith("snoozed until ")
    assert result.stdout.endswith(f"(in 1 h 59 min): {words}\n")


def test_unknown_pilots_and_an_unknown_grace_are_not_zero(planctonctl: Planctonctl, paths: Paths) -> None:
    unknown = PoolUnknown(why="refused", since_unix=NOW)
    snoozing = Snoozing(msgspec.structs.replace(report(), pool=None, pool_unknown=unknown))
    snoozing.grace = None
    with FakePlanctond(paths, snoozing):
        told = planctonctl("snooze", "2h").stdout
        listed = msgspec.json.decode(planctonctl("snooze", "--json").stdout)
    assert "how many pilots run isn't known; they are told to end; none is launched until then" in told
    assert (listed["pilots"], listed["stop_grace"], listed["running"]) == (None, None, True)


def test_off_ends_it_and_alone_it_tells_whether_there_is_one(planctonctl: Planctonctl, paths: Paths) -> None:
    with FakePlanctond(paths, Snoozing()) as planctond:
        assert planctonctl("snooze").stdout == "not snoozed\n"
        assert planctonctl("snooze", "45m").exit_code == 0
        assert planctonctl("snooze").stdout.startswith("snoozed until ")
        assert planctonctl("snooze", "off").stdout == "not snoozed\n"
        assert [each for each in planctond.asked if isinstance(each, Snooze)][-1] == Snooze(until_unix=None)
        listed = msgspec.json.decode(planctonctl("snooze", "--json").stdout)
    assert listed == {"running": True, "snooze_until_unix": None, "pilots": 2, "stop_grace": 10.0}


@pytest.mark.parametrize("duration", ["90", "45", "0", "soon", "-2h", "OFF", ""])
def test_what_is_no_duration_is_wrong_usage_and_not_passed_on(
    planctonctl: Planctonctl, planctond: FakePlanctond, duration: str
) -> None:
    result = planctonctl("snooze", "--", duration)
    assert (result.exit_code, planctond.asked) == (2, [])


def test_without_planctond_the_next_start_will_obey(planctonctl: Planctonctl, paths: Paths) -> None:
    assert planctonctl("snooze").stdout == "not snoozed; planctond is not running\n"
    assert planctonctl("snooze", "off").stdout == "not snoozed; planctond is not running\n"
    assert not paths.rundir.exists()
    assert planctonctl("drain", "--reason", "disk").exit_code == 0
    before = time.time()
    result = planctonctl("snooze", "2h")
    assert (result.exit_code, "its next start ends pilots that still run" in result.stdout) == (0, True)
    markers, problems = MarkerFiles(paths).look()
    assert markers.snooze_until_unix is not None
    assert before + 7199.9 <= markers.snooze_until_unix <= time.time() + 7200
    assert (markers.drain, problems) == (Terms(reason="disk"), ())
    listed = msgspec.json.decode(planctonctl("snooze", "--json").stdout)
    assert (listed["running"], listed["snooze_until_unix"]) == (False, markers.snooze_until_unix)
    assert planctonctl("snooze", "off").stdout == "not snoozed; planctond is not running\n"
    assert MarkerFiles(paths).look()[0] == Markers(drain=Terms(reason="disk"))


def test_a_past_or_unreadable_marker_is_no_snooze(planctonctl: Planctonctl, paths: Paths) -> None:
    paths.prepare()
    for content in ("1600000000", "2h", ""):
        paths.snooze_marker.write_text(content)
        assert planctonctl("snooze").stdout.startswith("not snoozed")
    paths.snooze_marker.unlink()
    os.mkfifo(paths.snooze_marker)
    assert planctonctl("snooze").stdout.startswith("not snoozed")
    assert planctonctl("snooze", "2h").exit_code == 0
    assert paths.snooze_marker.is_file()


def test_a_marker_that_can_not_be_changed_is_told(planctonctl: Planctonctl, paths: Paths) -> None:
    (paths.snooze_marker / "full").mkdir(parents=True)
    paths.rundir.chmod(0o700)
    result = planctonctl("snooze", "2h")
    assert (result.exit_code, "can't change the marker" in result.stderr) == (1, True)


@pytest.mark.parametrize("reply", [None, Answer(ok=False, error="disk full")])
@pytest.mark.parametrize("arguments", [["2h"], ["off"], []])
def test_no_word_or_a_refusal_exits_with_1(
    planctonctl: Planctonctl, paths: Paths, monkeypatch: pytest.MonkeyPatch, reply: Reply, arguments: list[str]
) -> None:
    monkeypatch.setattr(contact, "ANSWER_SECONDS", 0.2)
    with FakePlanctond(paths, lambda _: reply):
        result = planctonctl("snooze", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")


def test_a_snooze_counts_even_where_status_is_silent(
    planctonctl: Planctonctl, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact, "ANSWER_SECONDS", 0.2)
    with FakePlanctond(paths, lambda what: None if isinstance(what, Status) else Answer(ok=True)):
        result = planctonctl("snooze", "2h")
    assert (result.exit_code, "how many pilots run isn't known" in result.stdout) == (0, True)


def test_resume_ends_a_snooze(planctonctl: Planctonctl, paths: Paths) -> None:
    assert planctonctl("snooze", "2h").exit_code == 0
    assert planctonctl("resume").exit_code == 0
    assert MarkerFiles(paths).look() == (Markers(), ())
