"""The verb that prints what a pilot wrote: of one that runs from the engine, of one that has ended from the store."""

import codecs
import io
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, NoReturn

import click
import msgspec

from plancton.cli import contact, kept
from plancton.cli.contact import EXIT_USAGE, Trouble
from plancton.cli.history_pilots import Ended, ended
from plancton.cli.kept import Known
from plancton.cli.wording import clean, count
from plancton.common.config import Rejected, parse
from plancton.common.engine_types import Container, Failure, FailureKind
from plancton.common.history import History, HistoryError
from plancton.common.history_rows import Output
from plancton.common.history_schema import store_path
from plancton.common.naming import LABEL_INSTANCE, instance_id
from plancton.common.paths import Paths
from plancton.common.pilot import ENDED_STATES
from plancton.common.settings import Settings

if TYPE_CHECKING:
    from plancton.common.engine import Engine

_RUNNING_LINES = 100
"""Of a pilot that runs, where nothing else is asked for."""
_MOST_BYTES = 4 * 2**20
_ENGINE_SECONDS = 10.0
_KEPT_SECONDS, _LOOK_SECONDS = 3.0, 0.3
_SHOWN = 20


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of pilots, and what couldn't be looked at."""

    pilots: dict[str, Known]
    outputs: tuple[Output, ...]
    engine_url: str | None
    """What planctond says of where its engine is; None where it can't be asked, or keeps a password to itself."""
    troubles: tuple[str, ...]


@click.command()
@click.argument("pilot", required=False)
@click.option("-n", "--lines", type=click.IntRange(min=1), help="Only the last so many lines.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what a running pilot writes, until Ctrl-C.")
@click.option("--list", "as_list", is_flag=True, help="Tell of which ended pilots output is kept.")
@click.pass_obj
def logs(paths: Paths, *, pilot: str | None, lines: int | None, follow: bool, as_list: bool) -> None:
    """Print what PILOT wrote: the last lines of one that has ended, also while planctond is down, or of one that runs.

    PILOT is a pilot's name, its last numbers (12 or 3-12), its slot, the beginning of its container's id, or a part of
    its name. Standard output has nothing but the pilot's; how it ended goes to standard error. Exits with 1 where
    there is no such pilot or no output, 2 where several are meant.
    """
    if (pilot is None) is not as_list:
        message = "give either a PILOT or --list"
        raise click.UsageError(message)
    if pilot is None:
        _list(paths)
        return
    found = _look(paths, pilot)
    names = kept.meant(pilot, found.pilots)
    if len(names) != 1:
        _not_one(pilot, names, found)
    _show(paths, found.pilots[names[0]], found, lines=lines, follow=follow)


def _list(paths: Paths) -> None:
    try:
        with History(store_path(paths.state)) as store:
            outputs = store.outputs()
    except HistoryError as error:
        raise Trouble(clean(str(error))) from None
    if not outputs:
        click.echo("no output is kept")
        return
    rows = kept.listing(outputs, time.time())
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, when, size in rows:
        click.echo(f"{name:<{widths[0]}}  {when:<{widths[1]}}  {size:>{widths[2]}}")


def _look(paths: Paths, wanted: str) -> _Found:
    """Look for pilots in the store and at planctond; where that is down or wouldn't know, at the engine."""
    troubles: list[str] = []
    outputs: tuple[Output, ...] = ()
    lives: list[Ended] = []
    try:
        with History(store_path(paths.state)) as store:
            outputs = store.outputs()
            lives = [ended(point) for point in store.points("pilot", 0.0, time.time() + 1e9)]
    except HistoryError as error:
        troubles.append(clean(str(error)))
    present: dict[str, str] = {}
    url = None
    try:
        report = contact.status(paths)
        url = None if "***" in report.engine_url else report.engine_url
        present = {each.name: each.container_id for each in report.pool.pilots} if report.pool is not None else {}
    except Trouble as trouble:
        troubles.append(trouble.message)
    pilots = kept.known(present, outputs, lives)
    if not kept.meant(wanted, pilots):
        there = _engine(paths, url).list_containers(
            {LABEL_INSTANCE: instance_id(str(paths.rundir))}, deadline=_ENGINE_SECONDS
        )
        if isinstance(there, Failure):
            troubles.append(_engine_words(there))
        else:
            pilots = kept.known({each.name: each.container_id for each in there}, outputs, lives)
    return _Found(pilots=pilots, outputs=outputs, engine_url=url, troubles=tuple(troubles))


def _not_one(wanted: str, names: tuple[str, ...], found: _Found) -> NoReturn:
    if names:
        click.echo(f"planctonctl: '{clean(wanted)}' may be any of {count(len(names), 'pilot')}:", err=True)
        for name in names[-_SHOWN:]:
            click.echo(f"  {clean(name)}", err=True)
        raise SystemExit(EXIT_USAGE)
    for trouble in found.troubles:
        click.echo(f"planctonctl: {trouble}", err=True)
    last = ", ".join(map(clean, list(found.pilots)[-5:]))
    message = f"no pilot '{clean(wanted)}' is known" + (f"; the last pilots: {last}" if last else "")
    raise Trouble(message)


def _show(paths: Paths, pilot: Known, found: _Found, *, lines: int | None, follow: bool) -> None:
    if pilot.is_there:
        engine = _engine(paths, found.engine_url)
        if _show_present(engine, pilot, _RUNNING_LINES if lines is None else lines, follow=follow):
            return
        pilot, found = _once_kept(paths, pilot)
    output = None
    if pilot.kept is not None:
        try:
            with History(store_path(paths.state)) as store:
                output = store.output(pilot.container_id)
        except HistoryError as error:
            raise Trouble(clean(str(error))) from None
    told = f"{clean(pilot.name)} {kept.ended_words(pilot, time.time())}"
    if output is None:
        settings = _settings(paths)
        why = kept.none_kept(pilot, found.outputs, None if settings is None else settings.output_size)
        message = f"{told}; nothing is kept of what it wrote: {why}"
        raise Trouble(message)
    text = _lines(output.text)
    click.echo(f"{told}; the last {count(len(text), 'line')} that it wrote:", err=True)
    _Printer().print_all(text[-lines:] if lines is not None else text)


def _once_kept(paths: Paths, pilot: Known) -> tuple[Known, _Found]:
    """Wait a moment for the output of a pilot that was removed just now."""
    end = time.monotonic() + _KEPT_SECONDS
    while True:
        found = _look(paths, pilot.name)
        seen = found.pilots.get(pilot.name, pilot)
        if seen.kept is not None or time.monotonic() >= end:
            return seen, found
        time.sleep(_LOOK_SECONDS)


def _lines(text: str) -> list[str]:
    """Return the lines with their ends; only a line feed ends one."""
    return list(io.StringIO(text))


def _show_present(engine: "Engine", pilot: Known, lines: int, *, follow: bool) -> bool:
    """Print what the engine has of it; return False where it's gone meanwhile."""
    answer: Iterable[bytes] | str | Failure
    if follow:
        answer = engine.follow_logs(pilot.container_id, lines, deadline=_ENGINE_SECONDS)
    else:
        answer = engine.logs_tail(pilot.container_id, lines, _MOST_BYTES, deadline=_ENGINE_SECONDS)
    if isinstance(answer, Failure):
        if answer.kind is FailureKind.NOT_FOUND:
            return False
        raise Trouble(_engine_words(answer))
    printer = _Printer()
    if isinstance(answer, str):
        click.echo(f"{clean(pilot.name)} is there; the last lines that it wrote:", err=True)
        printer.print_all(_lines(answer))
        return True
    click.echo(f"{clean(pilot.name)}: what it writes, until Ctrl-C:", err=True)
    try:
        for piece in answer:
            printer.put(piece)
    except KeyboardInterrupt:
        printer.finish()
        return True
    printer.finish()
    _tell_end(engine, pilot)
    return True


def _tell_end(engine: "Engine", pilot: Known) -> None:
    """Say why nothing more comes.

    Raises:
        Trouble: if it isn't the pilot's end.

    """
    seen = engine.inspect(pilot.container_id, deadline=_ENGINE_SECONDS)
    if isinstance(seen, Container) and seen.state in ENDED_STATES:
        code = "" if seen.exit_code is None else f" with exit code {seen.exit_code}"
        click.echo(f"{clean(pilot.name)} has ended{code}", err=True)
    elif isinstance(seen, Failure) and seen.kind is FailureKind.NOT_FOUND:
        click.echo(f"{clean(pilot.name)} has ended, and is removed", err=True)
    else:
        raise Trouble(_engine_words(seen) if isinstance(seen, Failure) else "the engine broke off; try again")


class _Printer:
    """Prints a pilot's output: as it is into files and pipes, without control characters on a terminal."""

    def __init__(self) -> None:
        self._cleans = sys.stdout.isatty()
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._line = ""

    def print_all(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.put(line.encode())
        self.finish()

    def put(self, piece: bytes) -> None:
        """Print what came; on a terminal once its line is whole."""
        if not self._cleans:
            click.echo(piece, nl=False)
            self._line = "" if piece.endswith(b"\n") else "x"
            return
        *whole, self._line = (self._line + self._decoder.decode(piece)).split("\n")
        for line in whole:
            click.echo(clean(line.removesuffix("\r").expandtabs()))

    def finish(self) -> None:
        """End a line that has no end."""
        if self._line:
            click.echo(clean(self._line.expandtabs()) if self._cleans else "")
            self._line = ""


def _engine(paths: Paths, told_url: str | None) -> "Engine":
    """Return the engine that the settings name, else the one that planctond tells of, else the usual one."""
    from plancton.common.engine import Engine  # noqa: PLC0415 - docker takes longer than all the rest

    settings = _settings(paths)
    return Engine((settings.docker_url if settings is not None else None) or told_url)


def _settings(paths: Paths) -> Settings | None:
    """Return what the configuration says; None where this user can't read it or it's no good."""
    try:
        text = paths.config_file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError):
        return None
    loaded = parse(text, str(paths.config_file))
    return None if isinstance(loaded, Rejected) else loaded.settings


def _engine_words(failure: Failure) -> str:
    """Return what failed, and what helps."""
    detail = clean(failure.detail)
    if "ermission denied" in detail:
        return f"the engine can't be asked: {detail}; run this as root, or as a user who may use docker"
    if failure.kind in {FailureKind.UNREACHABLE, FailureKind.TIMED_OUT}:
        return f"the engine can't be asked: {detail}; see to it that it runs, and that docker_url leads to it"
    return f"the engine answered: {detail}"
