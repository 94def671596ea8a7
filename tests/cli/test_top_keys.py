"""What the keys do: nothing irreversible without a second key that says so."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.cli.top_keys import Order, Page, Press, Sort, State, press, snooze_seconds

START = State()


def after(*keys: str, state: State = START, drained: bool = False) -> Press:
    pressed = Press(state=state)
    for key in keys:
        pressed = press(pressed.state, key, drained=drained)
    return pressed


@pytest.mark.parametrize(
    ("keys", "order", "seconds"),
    [
        (("d",), None, 0.0),
        (("d", "y"), Order.DRAIN, 0.0),
        (("d", "Y"), Order.DRAIN, 0.0),
        (("d", "n"), None, 0.0),
        (("d", "d"), None, 0.0),
        (("d", "enter"), None, 0.0),
        (("d", "escape"), None, 0.0),
        (("r",), Order.RESUME, 0.0),
        (("s",), None, 0.0),
        (("s", "enter"), Order.SNOOZE, 3600.0),
        (("s", "4", "5", "m", "enter"), Order.SNOOZE, 2700.0),
        (("s", "backspace", "d", "enter"), Order.SNOOZE, 86_400.0),
        (("s", "escape"), None, 0.0),
        (("s", "y"), None, 0.0),
        (("s", "5", "enter"), None, 0.0),
        (("s", "5", "enter", "5", "s", "enter"), Order.SNOOZE, 5.0),
        (("S",), Order.SNOOZE_OFF, 0.0),
        (("o",), Order.SNOOZE_OFF, 0.0),
        (("w", "d", "y"), None, 0.0),
        (("?", "s", "enter"), None, 0.0),
        (("up",), None, 0.0),
    ],
)
def test_orders(keys: tuple[str, ...], order: Order | None, seconds: float) -> None:
    pressed = after(*keys)
    assert (pressed.order, pressed.seconds) == (order, seconds)


def test_a_question_is_asked_and_answered_once() -> None:
    assert after("d").state.question is Order.DRAIN
    assert after("d", "y").state == State(told="asking planctond to drain")
    assert after("d", "x").state == State(told="nothing was done")
    assert after("s", "escape").state.told == "nothing was done"
    assert after("d", "y", "y").order is None


def test_a_node_that_is_drained_is_not_drained_again() -> None:
    """It would forget the drain's reason and deadline."""
    pressed = after("d", "y", drained=True)
    assert (pressed.order, pressed.state.question) == (None, None)
    assert "r (resume) ends that" in after("d", drained=True).state.told


def test_a_length_that_is_none_is_told_and_asked_for_again() -> None:
    pressed = after("s", "x", "enter")
    assert pressed.state.question is Order.SNOOZE
    assert pressed.state.told == "'x' is no length of time such as 45m, 1h or 2d"
    assert after("s", *"1234567890123456").state.typed == "123456789012"


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("45m", 2700.0),
        ("1.5h", 5400.0),
        ("2D", 172_800.0),
        ("3650d", 3650 * 86_400.0),
        ("3651d", None),
        ("0s", None),
        ("-1h", None),
        ("1", None),
        ("h", None),
        ("", None),
        ("nan", None),
        ("1e9d", None),
        ("1w", None),
    ],
)
def test_lengths_of_a_snooze(typed: str, seconds: float | None) -> None:
    assert snooze_seconds(typed) == seconds


@pytest.mark.parametrize("key", ["q", "Q", "escape", "interrupt"])
def test_what_quits(key: str) -> None:
    assert after(key).state.quits


@pytest.mark.parametrize("keys", [("w",), ("?",), ("d",), ("s",)])
def test_an_interrupt_quits_from_anywhere(keys: tuple[str, ...]) -> None:
    pressed = after(*keys, "interrupt")
    assert (pressed.state.quits, pressed.order) == (True, None)


@pytest.mark.parametrize(("key", "page"), [("w", Page.WHY), ("?", Page.HELP), ("h", Page.HELP)])
def test_pages_open_scroll_and_close(key: str, page: Page) -> None:
    assert after(key).state.page is page
    assert after(key, "down", "down", "k").state.scroll == 1
    assert after(key, "up").state.scroll == 0
    assert after(key, "page-down", "end", "home").state.scroll == 0
    for leaves in ("q", "escape", "enter", key):
        assert after(key, "down", leaves).state == START


@pytest.mark.parametrize(("key", "sort"), [("p", Sort.SLOT), ("c", Sort.CPU), ("m", Sort.MEMORY)])
def test_sorting(key: str, sort: Sort) -> None:
    assert after("m", key).state.sort is sort
    assert after(key).state.told == f"pilots are sorted by {sort}"


def test_a_key_that_is_none_says_so() -> None:
    assert after("x").state.told == "no such key 'x'; ? lists them"
    assert after("x", "up").state.told == ""


KEYS = st.sampled_from([*"dDyYnrsSopcmw?hqx1m", "enter", "escape", "backspace", "up", "down", "end", "interrupt"])


@given(st.lists(KEYS, max_size=30))
def test_no_keys_end_or_hold_pilots_without_a_confirmation(keys: list[str]) -> None:
    state, before = START, None
    for key in keys:
        pressed = press(state, key)
        if pressed.order is Order.DRAIN:
            assert (state.question, key.lower()) == (Order.DRAIN, "y")
            assert before == "d"
        if pressed.order is Order.SNOOZE:
            assert (state.question, key) == (Order.SNOOZE, "enter")
            assert pressed.seconds > 0
        assert pressed.state.scroll >= 0
        state, before = pressed.state, key
    assert msgspec.json.decode(msgspec.json.encode(state), type=State) == state
