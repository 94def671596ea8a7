"""``planctonctl why``: the present decision, or a pilot's life; as JSON too, and with exit codes as ``status`` has."""

from pathlib import Path

import msgspec
import pytest

from plancton.cli import contact
from plancton.common.journal import directory_below, segment_path
from plancton.common.journal_entries import Entry, Kind
from plancton.common.journal_lines import line
from plancton.common.messages import PoolUnknown
from plancton.common.paths import Paths
from plancton.common.pilot import Pilot
from plancton.common.reasons import Reason
from plancton.common.requests import Answer, Request, ShowSettings
from plancton.common.status import StatusReport
from tests.cli.samples import HOLD, saying
from tests.fakes.control import NOW, FakePlanctond, Reply, pilot, report
from tests.support.planctonctl import Planctonctl

FIZZLED = "plancton-worker-0123abcd-3-17"
RUNNING = "plancton-worker-0123abcd-1-1"


def write(paths: Paths, *entries: Entry | bytes) -> Path:
    """Write the journal of these paths' planctond; return its directory."""
    directory = directory_below(paths.state)
    directory.mkdir(parents=True, exist_ok=True)
    lines = (each if isinstance(each, bytes) else line(each) for each in entries)
    segment_path(directory, 1).write_bytes(b"".join(lines))
    return directory


@pytest.fixture
def journal(paths: Paths) -> Path:
    """Give a journal that tells of three pilots."""
    return write(
        paths,
        Entry(at_unix=NOW - 50, kind=Kind.HELD, reason="max-docks", figures="2 are allowed"),
        Entry(at_unix=NOW - 40, kind=Kind.LAUNCHED, pilot=FIZZLED, reason="room", outcome="done", seconds=0.25),
        Entry(at_unix=NOW - 40, kind=Kind.LAUNCHED, pilot="plancton-worker-0123abcd-1-16", outcome="done"),
        Entry(
            at_unix=NOW - 39,
            kind=Kind.FIZZLED,
            pilot=FIZZLED,
            container_id="4f" * 32,
            reason="ended",
            outcome="done",
            uptime_seconds=0.5,
            exit_code=127,
            output="sh: no such file",
        ),
        Entry(at_unix=NOW - 60, kind=Kind.LAUNCHED, pilot=RUNNING, reason="room", figures="2 of 8", outcome="done"),
    )


def test_the_decision_in_words(planctonctl: Planctonctl, planctond: FakePlanctond) -> None:
    planctond.report = saying(hold=HOLD)
    result = planctonctl("why")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("2 pilots running, 3 wanted.\nNo further pilot is started, because the owner needs")
    assert "max(1, ncpus - 2): 38 pilots here" in result.stdout


def test_the_decision_s_inputs_as_json(planctonctl: Planctonctl, planctond: FakePlanctond) -> None:
    planctond.report = saying(hold=HOLD)
    result = planctonctl("why", "--json")
    told = msgspec.json.decode(result.stdout)
    assert result.exit_code == 0
    assert (told["running"], told["suspended"], told["mode"]) == (2, 0, "active")
    assert told["settings"]["grace_kill"] == 120.0
    assert {"docker_url", "influxdb_url"}.isdisjoint(told["settings"])
    assert msgspec.convert({**msgspec.to_builtins(report()), **told}, StatusReport).target == planctond.report.target


def test_settings_of_another_version_are_no_trouble(planctonctl: Planctonctl, paths: Paths) -> None:
    shown = {"settings": {"grace_kill": 7.0, "of_tomorrow": 1, "influxdb_url": ["x"]}, "origins": {}}

    def reply(request: Request) -> Reply:
        data = shown if isinstance(request, ShowSettings) else msgspec.to_builtins(saying(hold=HOLD))
        return Answer(ok=True, data=data)

    with FakePlanctond(paths, reply):
        result = planctonctl("why")
    assert (result.exit_code, "in the last 7 s (grace_kill)" in result.stdout) == (0, True)


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_without_a_planctond_the_decision_is_none_with_exit_code_3(planctonctl: Planctonctl, option: list[str]) -> None:
    result = planctonctl("why", *option)
    assert (result.exit_code, "planctond is not running" in result.output) == (3, True)
    assert result.stdout == "" or not option


@pytest.mark.parametrize("reply", [None, b"\xc1", Answer(ok=False, error="no"), Answer(ok=True, data={"settings": 1})])
def test_what_can_not_be_told_exits_with_4(
    planctonctl: Planctonctl, paths: Paths, monkeypatch: pytest.MonkeyPatch, reply: Reply
) -> None:
    monkeypatch.setattr(contact, "ANSWER_SECONDS", 0.2)
    with FakePlanctond(paths, lambda _: reply):
        result = planctonctl("why")
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr.startswith("planctonctl: planctond")


@pytest.mark.parametrize("wanted", [FIZZLED, "17", "3-17", "4f4f", "4f" * 32])
def test_a_life_is_told_while_planctond_is_down(planctonctl: Planctonctl, journal: Path, wanted: str) -> None:
    result = planctonctl("why", wanted)
    assert (result.exit_code, result.stderr) == (0, ""), journal
    assert result.stdout.splitlines()[0] == f"{FIZZLED}, container 4f4f4f4f4f4f: it is gone"
    for words in ("because there was room", "fizzled: it ended by itself after 0.5 s with", "| sh: no such file"):
        assert words in result.stdout


def test_a_life_that_goes_on_shows_its_present_state(
    planctonctl: Planctonctl, planctond: FakePlanctond, journal: Path
) -> None:
    planctond.report = report()
    result = planctonctl("why", "1-1")
    first, *others = result.stdout.splitlines()
    assert result.exit_code == 0, journal
    assert first.startswith(f"{RUNNING}, container 000000000000: running for ")
    assert others[-1].endswith("started, because there was room for one more (room): 2 of 8")


def test_one_that_the_journal_does_not_know_yet_is_found_by_what_runs(
    planctonctl: Planctonctl, planctond: FakePlanctond
) -> None:
    assert "tells nothing of it" in planctonctl("why", pilot(0).container_id).stdout
    assert planctond.asked


def test_where_nobody_can_look_what_is_unknown_says_so(
    planctonctl: Planctonctl, planctond: FakePlanctond, journal: Path
) -> None:
    unknown = PoolUnknown(why="refused", since_unix=NOW)
    planctond.report = msgspec.structs.replace(report(), pool=None, pool_unknown=unknown)
    result = planctonctl("why", "1-1")
    assert "whether it still runs isn't known: the engine can't be asked" in result.stdout, journal
    planctond.let_go()
    assert "isn't known: planctond is not running" in planctonctl("why", "1-1").stdout


def test_a_life_as_json(planctonctl: Planctonctl, planctond: FakePlanctond, journal: Path) -> None:
    told = msgspec.json.decode(planctonctl("why", "1-1", "--json").stdout)
    assert told["name"] == RUNNING
    assert msgspec.convert(told["present"], Pilot) == pilot(1)
    assert [each["kind"] for each in told["entries"]] == ["launched"]
    assert told["unread"] == []
    with segment_path(journal, 1).open("ab") as file:
        file.write(b"garbage\n")
    told = msgspec.json.decode(planctonctl("why", "17", "--json").stdout)
    assert (told["present"], told["entries"][1]["output"]) == (None, "sh: no such file")
    assert told["unread"] == [{"what": str(segment_path(journal, 1)), "why": "a line isn't understood"}]
    assert planctond.asked


def test_an_unknown_pilot_exits_with_1_and_says_which_are_known(planctonctl: Planctonctl, journal: Path) -> None:
    result = planctonctl("why", "nobody")
    assert (result.exit_code, result.stdout) == (1, ""), journal
    assert result.stderr == (
        "planctonctl: no pilot 'nobody' is known; the last pilots: "
        f"plancton-worker-0123abcd-1-16, {FIZZLED}, {RUNNING}\n"
    )


def test_without_a_journal_no_pilot_is_known(planctonctl: Planctonctl) -> None:
    result = planctonctl("why", "12")
    assert (result.exit_code, "the journal tells of no pilot yet" in result.stderr) == (1, True)


def test_what_fits_several_names_them(planctonctl: Planctonctl, planctond: FakePlanctond) -> None:
    result = planctonctl("why", "1")
    assert (result.exit_code, planctond.asked != []) == (1, True)
    assert result.stderr == (
        "planctonctl: '1' may be any of 2 pilots: plancton-worker-0123abcd-0-1, plancton-worker-0123abcd-1-1\n"
    )


def test_a_journal_that_can_not_be_read_exits_with_4_and_one_in_part_goes_on(
    planctonctl: Planctonctl, paths: Paths
) -> None:
    directory = directory_below(paths.state)
    directory.parent.mkdir(parents=True)
    directory.write_bytes(b"")
    result = planctonctl("why", "17")
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr == f"planctonctl: the journal can't be read in full: {directory}: Not a directory\n"
    directory.unlink()
    write(paths, b"\0\0\0\n", Entry(at_unix=NOW, kind=Kind.LAUNCHED, pilot=FIZZLED, outcome="done"), b'{"torn')
    result = planctonctl("why", "17")
    assert (result.exit_code, "started" in result.stdout) == (0, True)
    assert "can't be read in full" in result.stderr


def test_a_hostile_name_is_harmless(planctonctl: Planctonctl, paths: Paths) -> None:
    write(paths, Entry(at_unix=NOW, kind=Kind.TO_END, pilot="x\x1b[2J-17", reason=Reason.SURPLUS))
    for wanted in ("17", "\x1b[2Jno"):
        result = planctonctl("why", wanted)
        assert "\x1b" not in result.output
        assert "\\x1b[2J" in result.output
