"""How long, as people tell it on a command line: ``45s``, ``90m``, ``1.5h``, ``2d``."""

import click

from plancton.common.numerals import SUFFIXES, quantity

LONGEST_SECONDS = 3650 * 86_400.0


def seconds(text: str) -> float:
    """Return the seconds of a positive number with its unit. A bare number is refused, for it may mean anything.

    Raises:
        click.BadParameter: if it's none, or more than ten years.

    """
    text = text.strip()
    number = quantity(text, "seconds")
    if number is None:
        message = f"{text!r} is no length of time such as 45s, 90m, 1.5h or 2d."
        raise click.BadParameter(message)
    if not text.lower().endswith(tuple(SUFFIXES["seconds"])):
        message = f"{text} what? Write {text}s, {text}m, {text}h or {text}d."
        raise click.BadParameter(message)
    if not 0 < number <= LONGEST_SECONDS:
        message = f"{text} isn't more than nothing and at most ten years."
        raise click.BadParameter(message)
    return float(number)


def duration_option(_ctx: click.Context, _param: click.Parameter, text: str | None) -> float | None:
    """Read an option's text as ``seconds`` does; a click callback."""
    return None if text is None else seconds(text)
