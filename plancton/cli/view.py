"""What ``watch`` and ``pilots`` show on a terminal, made of rich's parts. Text objects read no markup."""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from plancton.cli.explain import engine, image, owner, pilots
from plancton.cli.pilot_rows import HEADINGS, NUMERIC, rows
from plancton.cli.wording import clean, clock, duration
from plancton.common.messages import Mode
from plancton.common.pilot import Pilot, PilotState
from plancton.common.processes import ProcessState
from plancton.common.status import Happening, StatusReport

_STATE_STYLES = {
    PilotState.RUNNING: "green",
    PilotState.CREATED: "cyan",
    PilotState.PAUSED: "yellow",
    PilotState.EXITED: "dim",
    PilotState.DEAD: "red",
}
_PROCESS_STYLES = {
    ProcessState.RUNNING: "green",
    ProcessState.STARTING: "cyan",
    ProcessState.BACKOFF: "yellow",
    ProcessState.FATAL: "bold red",
}
_TABLE_EDGE_LINES = 2
"""A table's headings and the line below its rows."""


def pilot_table(seen: Iterable[Pilot], now_unix: float, most: int | None = None) -> Table:
    """Return the pilots as a table of ``most`` rows at most, the last of which tells how many more there are."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if heading in NUMERIC else "left", no_wrap=True)
    shown = sorted(seen, key=lambda pilot: (pilot.slot, pilot.incarnation))
    left_out = 0
    if most is not None and len(shown) > most:
        left_out = len(shown) - max(0, most - 1)
        shown = shown[: max(0, most - 1)]
    for pilot, cells in zip(shown, rows(shown, now_unix), strict=True):
        style = _STATE_STYLES.get(pilot.state, "")
        named = zip(HEADINGS, cells, strict=True)
        table.add_row(*(Text(cell, style=style if heading == "STATE" else "") for heading, cell in named))
    if left_out:
        table.add_row("", Text(f"and {left_out} more", style="dim"))
    return table


def screen(report: StatusReport | None, why: str, happenings: Sequence[Happening], height: int) -> RenderableType:
    """Return one full screen of ``height`` lines; ``why`` tells why there is no report."""
    head = [_line(clean(why), "yellow")] if report is None else _head(report)
    seen = report.pool.pilots if report is not None and report.pool is not None else ()
    free = max(0, height - len(head) - 2 - _TABLE_EDGE_LINES)
    table_rows = min(len(seen), max(1, free * 2 // 3))
    parts: list[RenderableType] = [*head]
    if report is not None and seen:
        parts += ["", pilot_table(seen, report.now_unix, table_rows)]
    lines = max(0, height - len(head) - 2 - (table_rows + 2 if seen else 0))
    parts += ["", *(_happening(happening) for happening in (happenings[-lines:] if lines else ()))]
    return Group(*parts)


def _head(report: StatusReport) -> list[Text]:
    up = duration(int(report.now_unix - report.started_unix))
    first = Text.assemble(
        ("plancton", "bold"),
        f" {clean(report.version)}  pid {report.pid}  up {up}  ",
        (str(report.mode), "green" if report.mode is Mode.ACTIVE else "bold yellow"),
        ("" if report.ready else "  not ready", "yellow"),
        "   Ctrl-C ends this view",
    )
    first.no_wrap, first.overflow = True, "ellipsis"
    lines = [first, _processes(report)]
    parts = {"pilots": pilots(report), "owner": owner(report), "engine": engine(report), "image": image(report)}
    for label, told in parts.items():
        lines += [
            _line(f"{label if number == 0 else '':<8}{text}", "yellow" if text.startswith(("held:", "can't")) else "")
            for number, text in enumerate(told)
        ]
    lines += [_line(f"config  {clean(error)}", "red") for error in report.config.errors]
    return lines


def _processes(report: StatusReport) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    for process in report.processes:
        restarts = f" ({process.restarts}x again)" if process.restarts else ""
        line.append(f"{clean(process.name)} ")
        line.append(f"{process.state}{restarts}  ", style=_PROCESS_STYLES.get(process.state, ""))
    return line


def _happening(happening: Happening) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(clock(happening.at_unix), style="dim")
    line.append(f" {clean(happening.what)}: ", style="bold")
    line.append(clean(happening.text))
    return line


def _line(text: str, style: str) -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")
