"""Pictures that a verb draws where it's asked to: the option's check, and what may go wrong."""

from collections.abc import Callable
from pathlib import Path

import click

_PICTURES = frozenset({".png", ".svg"})


def picture_option(_ctx: click.Context, _param: click.Parameter, file: Path | None) -> Path | None:
    """Refuse a file whose suffix is none of a picture's; a click callback."""
    if file is not None and file.suffix.lower() not in _PICTURES:
        message = f"{file} should end in {' or '.join(sorted(_PICTURES))}."
        raise click.BadParameter(message)
    return file


def draw_into(file: Path, load: Callable[[], Callable[[Path], None]]) -> None:
    """Have a picture drawn into ``file`` by what ``load`` returns, which imports matplotlib for it.

    Raises:
        click.ClickException: where there is no matplotlib, which is an extra, or the file can't be written.

    """
    try:
        draw = load()
    except ModuleNotFoundError:
        message = "--plot needs matplotlib: pip install 'plancton[plot]', or leave --plot out"
        raise click.ClickException(message) from None
    try:
        draw(file)
    except OSError as error:
        message = f"{file} can't be written: {error.strerror}"
        raise click.ClickException(message) from None
    click.echo(f"drawn: {file}", err=True)
