"""The live view's screens: any report on any size fits, says what is to be seen, and controls no terminal."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.text import Text

from plancton.cli.top_keys import Order, Page, Sort, State
from plancton.cli.top_model import Sample, Seen, Usage
from plancton.cli.top_view import most_scroll, screen
from plancton.common.messages import Mode, PoolUnknown
from plancton.common.settings import Settings
from plancton.common.status import ConfigStatus, Happening, StatusReport
from tests.cli.samples import HOLD, saying
from tests.fakes.control import NOW, report
from tests.support.any_struct import any_struct

HAPPENINGS = tuple(
    Happening(number=number, at_unix=NOW, what="launcher", text=f"started [b]pilot-{number}[/b]\x1b[2J\x9b31m")
    for number in range(1, 40)
)


def seen(told: StatusReport | None = None, **changes: object) -> Seen:
    plain = Seen(
        hostname="node17",
        now_unix=NOW,
        now_monotonic=1000.0,
        interval=1.0,
        report=told,
        samples=tuple(Sample(at_monotonic=1000.0 - ago, owner=1.0, pilots=2.0) for ago in range(100, 0, -1)),
        happenings=HAPPENINGS,
        ncpus=8,
    )
    return msgspec.structs.replace(plain, **changes)


def plain(lines: list[Text]) -> str:
    return "\n".join(line.plain for line in lines)


def shown(what: Seen, width: int = 80, height: int = 24, **state: object) -> str:
    return plain(screen(what, State(**state), width, height))  # type: ignore[arg-type]


ANY_SAMPLE = st.builds(
    Sample, at_monotonic=st.floats(0, 1000), owner=st.none() | st.floats(), pilots=st.none() | st.floats()
)
ANY_STATE = st.builds(
    State,
    page=st.sampled_from(Page),
    scroll=st.integers(0, 10**6),
    sort=st.sampled_from(Sort),
    question=st.none() | st.sampled_from([Order.DRAIN, Order.SNOOZE]),
    typed=st.text(max_size=12),
    told=st.text(max_size=200),
)


@settings(max_examples=150)
@given(
    told=st.none() | any_struct(StatusReport),
    happenings=st.lists(any_struct(Happening), max_size=3),
    samples=st.lists(ANY_SAMPLE, max_size=5),
    has_settings=st.booleans(),
    state=ANY_STATE,
    width=st.integers(-1, 130),
    height=st.integers(-1, 60),
    ascii_only=st.booleans(),
)
def test_anything_fits_any_size(  # noqa: PLR0913 - what a screen is made of
    *,
    told: StatusReport | None,
    happenings: list[Happening],
    samples: list[Sample],
    has_settings: bool,
    state: State,
    width: int,
    height: int,
    ascii_only: bool,
) -> None:
    what = seen(
        told,
        happenings=tuple(happenings),
        samples=tuple(samples),
        settings=Settings() if has_settings else None,
        absence="waiting: \x1b[2J",
        hostname="n\x1b",
    )
    lines = screen(what, state, width, height, ascii_only=ascii_only)
    assert len(lines) == max(0, height)
    for line in lines:
        assert line.cell_len <= max(0, width)
        assert line.plain.isprintable()
    assert most_scroll(what, state, width, height) >= 0


def test_80_by_24_shows_everything() -> None:
    text = shown(seen(saying(hold=HOLD), usage={1000: Usage(cpu_percent=1.25, memory_bytes=25 << 20)}))
    for words in (
        "plancton 1.0.0 on node17  active  up 3 h 0 min",
        "2 running, 3 wanted",
        "because the owner needs the CPUs (owner-cpu), for 12 s",
        "owner's CPUs 1.00 of 8",
        "pilots' CPUs 2.00",
        "probe      running     1000    0x  1.2  25M 0.00",
        "] 4.0 GiB of 16.0 GiB used",
        "stalled cpu not told",
        "  0 running   1 min 0 s   0.50   5.0 MiB -    plancton-worker-0123abcd-0-1",
        "launcher: started [b]pilot-39[/b]\\x1b[2J\\x9b31m",
        "d drain  r resume  s snooze  o snooze off  p/c/m sort  w why  ? help  q quit",
    ):
        assert words in text, (words, text)
    owners, pilots = text.split("pilots' CPUs")
    assert ("▃" in owners, "▆" in pilots, "▆" in owners, "█" in text) == (True, True, False, False)


def test_the_graphs_are_as_high_as_the_machine_has_cpus() -> None:
    full = tuple(Sample(at_monotonic=1000.0 - ago, owner=8.0, pilots=0.0) for ago in range(200))
    lines = shown(seen(report(), samples=full)).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("owner's CPUs"))
    columns = lines[first].index("PROCESS") - 2
    assert [line[:columns] for line in lines[first + 1 : first + 4]] == ["█" * columns] * 3
    assert [line[:columns].strip() for line in lines[first + 5 : first + 8]] == ["", "", "▁" * columns]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 10), (30, 8), (200, 60), (60, 40)])
def test_mode_and_reason_are_told_on_any_usable_size(width: int, height: int) -> None:
    text = shown(seen(saying(hold=HOLD)), width, height)
    assert "2 running, 3 wanted" in text
    assert "Held   no more, because" in text
    assert "owner" in text
    assert "q quit" in text


def test_small_and_narrow_screens_have_forms_of_their_own() -> None:
    small = shown(seen(report()), 40, 10)
    assert "\nowner  1.00 of 8 " in small
    assert "processes: 5 of 5 workers run" in small
    assert "PROCESS " not in small
    assert all(words not in shown(seen(report()), 60, 20) for words in ("PROCESS ", "LATE"))
    tall = shown(seen(report()), 60, 40).splitlines()
    assert next(line for line in tall if line.startswith("PROCESS ")).endswith("LATE")
    assert next(line for line in tall if line.startswith("owner's CPUs")).endswith(" min")
    wide = shown(seen(report()), 80, 24).splitlines()
    assert next(line for line in wide if line.startswith("owner's CPUs")).endswith("LATE")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 10), (24, 4), (40, 2), (40, 1)])
def test_a_question_is_seen_on_any_size(width: int, height: int) -> None:
    assert "Drain" in shown(seen(report()), width, height, question=Order.DRAIN)
    assert "45m_" in shown(seen(report()), width, height, question=Order.SNOOZE, typed="45m")


def test_a_question_says_what_will_happen_and_how_to_answer() -> None:
    drain = shown(seen(report()), 100, question=Order.DRAIN).splitlines()[-1]
    assert drain == "Drain: launch no more pilots, let those that run live out their lives? y: yes, other keys: no"
    for width in (40, 80, 100):
        assert (
            "Enter: yes, Esc: no" in shown(seen(report()), width, question=Order.SNOOZE, typed="3650d").splitlines()[-1]
        )


def test_what_became_of_a_key_is_told_above_the_keys() -> None:
    lines = shown(seen(report()), told="not done: \x1b[2J").splitlines()
    assert lines[-2] == "not done: \\x1b[2J"
    assert lines[-1].startswith("d drain")


def test_an_absence_says_why_and_keeps_graphs_and_events() -> None:
    text = shown(seen(None, absence="waiting: planctond is not running (run directory /r)"))
    assert "waiting: planctond is not running (run directory /r)" in text
    assert "owner's CPUs ? of 8" in text
    assert "▃" in text
    assert "pilot-39" in text
    assert "PROCESS" not in text


def test_before_the_first_look_it_says_so() -> None:
    assert "planctond hasn't answered yet" in shown(seen(None, ncpus=None, samples=(), happenings=()))


def test_without_blocks_all_is_ascii() -> None:
    what = seen(saying(hold=HOLD))
    lines = screen(what, State(), 60, 24, ascii_only=True)
    assert plain(lines).isascii()
    assert plain(lines).count("~") == plain(screen(what, State(), 60, 24)).count("…") > 0


def test_pilots_that_are_not_known_are_not_none() -> None:
    unknown = msgspec.structs.replace(
        report(), pool=None, pool_unknown=PoolUnknown(why="connection \x1brefused", since_unix=NOW)
    )
    assert "the pilots aren't known: connection \\x1brefused" in shown(seen(unknown))
    assert "no pilots" in shown(seen(report(0)))


def test_more_pilots_than_fit_are_counted_and_events_keep_their_room() -> None:
    text = shown(seen(report(500)), sort=Sort.CPU)
    found = next(line for line in text.splitlines() if "more pilots" in line)
    rows = sum(line.endswith("-1") and "plancton-worker" in line for line in text.splitlines())
    assert found == f"and {500 - rows} more pilots, by CPU"
    assert rows >= 4
    assert text.count("launcher: started") >= 2


def test_trouble_is_told_in_words() -> None:
    config = ConfigStatus(file="/c", exists=True, loaded_unix=NOW, generation=1, errors=("line 3: max_ttl",))
    troubled = msgspec.structs.replace(
        report(), ready=False, mode=Mode.DRAINING, drain_reason="new kernel", config=config
    )
    text = shown(seen(troubled))
    assert "draining, not ready" in text
    assert "drained: new kernel" in text
    assert "bad, the last good one stays: line 3: max_ttl" in text


def test_why_is_the_reasoning_and_scrolls_to_its_end_only() -> None:
    what = seen(saying(hold=HOLD), settings=Settings())
    text = shown(what, page=Page.WHY)
    assert "No further pilot is started, because the owner needs the CPUs (owner-cpu)." in text
    assert "Esc back" in text
    most = most_scroll(what, State(page=Page.WHY), 80, 24)
    assert most > 0
    last = shown(what, page=Page.WHY, scroll=10**6)
    assert last == shown(what, page=Page.WHY, scroll=most) != shown(what, page=Page.WHY, scroll=most - 1)
    assert "Weight" in last
    assert "asking planctond" in shown(seen(report()), page=Page.WHY)
    assert "no answer" in shown(seen(report(), settings_absence="no answer"), page=Page.WHY)


def test_help_tells_each_key() -> None:
    text = shown(seen(report()), page=Page.HELP)
    for key in ("d ", "r ", "s ", "o or S", "p, c, m", "w ", "?", "q, Escape", "Ctrl-C"):
        assert key in text
