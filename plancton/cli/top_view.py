"""The live view as lines that fit a screen of any size: pure."""

import textwrap
from collections.abc import Sequence

from rich.text import Text

from plancton.cli import top_panels
from plancton.cli.reasoning import reasoning
from plancton.cli.top_keys import Order, Page, State
from plancton.cli.top_model import Seen
from plancton.cli.top_table import fit, padded
from plancton.cli.wording import clean

_WIDE = 76
"""From here on, graphs and processes stand side by side."""
_SHORT = 18
"""Screens with fewer lines get everything in its shortest form."""
_PROCESS_LINES = 7
_LEAST_PILOT_LINES = 3
_GAP = 2
_KEYS = (
    "d drain  r resume  s snooze  o snooze off  p/c/m sort  w why  ? help  q quit",
    "d drain  r resume  s snooze  w why  ? help  q quit",
    "d drain r resume s snooze ? help q quit",
    "q quit  ? help",
    "q quit",
)
_QUESTIONS = {
    Order.DRAIN: (
        "Drain: launch no more pilots, let those that run live out their lives? y: yes, other keys: no",
        "Drain: launch no more pilots, those that run go on? y: yes, other keys: no",
        "Drain? y: yes, other keys: no",
    ),
    Order.SNOOZE: (
        "Snooze: end all pilots and launch none for how long? {}_  (45m, 2h; Enter: yes, Esc: no)",
        "End all pilots and launch none for: {}_  Enter: yes, Esc: no, or type",
        "Snooze for: {}_  Enter: yes, Esc: no",
    ),
}
"""What is asked before an order, the first that fits the width."""
_HELP = (
    "d          drain: launch no more pilots; asks first",
    "r          resume: launch pilots again; ends a drain and a snooze",
    "s          snooze: end all pilots and launch none for a while; asks for how long",
    "o or S     end the snooze",
    "",
    "p, c, m    sort the pilots by slot, CPU, memory",
    "w          why: what the present decision is made of",
    "? or h     this page",
    "q, Escape  quit, or leave a page; so does Ctrl-C",
    "",
    "The graphs are as high as the machine has CPUs; the newest is at the right, a gap was not known.",
    "AGAIN: how often a process was started again. LATE: the most that its loop woke late, in seconds.",
    "CPU% is of one CPU; MEM is the process's share of the memory that it has. A ? is not known, or not for this user.",
)


def screen(seen: Seen, state: State, width: int, height: int, *, ascii_only: bool = False) -> list[Text]:
    """Return exactly ``height`` lines, none of them wider than ``width`` cells."""
    width, height = max(0, width), max(0, height)
    bottom = _bottom(state, width)[-max(1, height - 1) :]
    room = height - len(bottom)
    if state.page is Page.MAIN:
        lines = _main(seen, state, width, room, ascii_only=ascii_only)
    else:
        lines = _page(seen, state, width, room)
    lines = [*lines[:room], *[Text("")] * (room - len(lines)), *bottom]
    fitted = [fit(line, width) for line in lines[:height]]
    return [_without_ellipsis(line) for line in fitted] if ascii_only else fitted


def _without_ellipsis(line: Text) -> Text:
    plain = line.copy()
    plain.plain = line.plain.replace("…", "~")
    return plain


def most_scroll(seen: Seen, state: State, width: int, height: int) -> int:
    """Return how many lines of the state's page are above the screen once its last line is seen."""
    return max(0, len(_wrapped(_told(seen, state.page), width)) - max(1, height - 3))


def _main(seen: Seen, state: State, width: int, height: int, *, ascii_only: bool) -> list[Text]:
    short, wide = height + 2 < _SHORT, width >= _WIDE
    lines = [top_panels.header(seen, width), *top_panels.reasons(seen, width, 2 if short else 4)]
    if short or not wide:
        lines += _stacked(seen, width, height, ascii_only=ascii_only)
    else:
        lines += _side_by_side(seen, width, _graph_height(height), ascii_only=ascii_only)
    if not short:
        lines.append(top_panels.stalls(seen))
    left = max(0, height - len(lines))
    room = left - min(4, left // 3)
    # The headings and one pilot's row tell nothing that the lines above don't.
    pilots = top_panels.pilots(seen, state.sort, room) if room >= _LEAST_PILOT_LINES else []
    heading = [] if short else [Text("LAST EVENTS", style="bold")]
    events = top_panels.events(seen, left - len(pilots) - len(heading))
    return [*lines, *pilots, *(heading if events else []), *events]


def _graph_height(height: int) -> int:
    """Return the lines of each graph on a screen with this many lines above its keys."""
    return 3 if height < 30 else min(10, height // 8)  # noqa: PLR2004 - from 32 lines on there is room for more


def _side_by_side(seen: Seen, width: int, graph_height: int, *, ascii_only: bool) -> list[Text]:
    right = top_panels.processes(seen)
    right_width = max((line.cell_len for line in right), default=width // 2)
    left_width = width - right_width - _GAP
    left = top_panels.graphs(seen, left_width, graph_height, ascii_only=ascii_only)
    right.append(top_panels.memory(seen, right_width))
    rows = max(len(left), len(right))
    left += [Text("")] * (rows - len(left))
    right += [Text("")] * (rows - len(right))
    return [Text.assemble(padded(each, left_width), " " * _GAP, other) for each, other in zip(left, right, strict=True)]


def _stacked(seen: Seen, width: int, height: int, *, ascii_only: bool) -> list[Text]:
    roomy = height >= _PROCESS_LINES * 4
    lines = top_panels.graphs(seen, width, 3 if roomy else 0, ascii_only=ascii_only)
    lines.append(top_panels.memory(seen, width))
    return [*lines, *(top_panels.processes(seen) if roomy else [top_panels.processes_in_short(seen.report)])]


def _bottom(state: State, width: int) -> list[Text]:
    """Return the status line and the keys; a question, on which all waits, comes last, so that it's always seen."""
    told = Text(clean(state.told), style="bold")
    if state.question is not None:
        typed = clean(state.typed)
        questions = [question.format(typed) for question in _QUESTIONS[state.question]]
        question = next((each for each in questions if len(each) <= width), questions[-1])
        return [told, Text(question, style="reverse")]
    if state.page is not Page.MAIN:
        return [told, Text("up/down scroll  Esc back", style="dim")]
    return [told, Text(next((keys for keys in _KEYS if len(keys) <= width), ""), style="dim")]


def _page(seen: Seen, state: State, width: int, height: int) -> list[Text]:
    title = "Why so many pilots run, and no more" if state.page is Page.WHY else "The keys of planctonctl top"
    lines = _wrapped(_told(seen, state.page), width)
    first = min(state.scroll, max(0, len(lines) - max(1, height - 1)))
    return [Text(title, style="bold"), *map(Text, lines[first : first + max(0, height - 1)])]


def _told(seen: Seen, page: Page) -> Sequence[str]:
    if page is Page.HELP:
        return _HELP
    if seen.report is None:
        return [clean(seen.absence) or "planctond hasn't answered yet"]
    if seen.settings is None:
        return [clean(seen.settings_absence) or "asking planctond"]
    return list(reasoning(seen.report, seen.settings))


def _wrapped(lines: Sequence[str], width: int) -> list[str]:
    """Return the lines broken at blanks, what follows indented as the text of its label is."""
    if width < 1:
        return []
    indent = " " * min(12, width // 4)
    wrapped: list[str] = []
    for line in lines:
        wrapped += textwrap.wrap(
            line,
            width,
            subsequent_indent=indent,
            drop_whitespace=True,
            replace_whitespace=False,
        ) or [""]
    return wrapped
