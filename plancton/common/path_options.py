"""The command line options that say where a planctond keeps its things; planctond and planctonctl share them."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from plancton.common.paths import PathError, resolve

Result = TypeVar("Result")

# Not for click to judge: only the command knows what may be lacking, and what to do then.
_DIRECTORY = click.Path(file_okay=False, readable=False, path_type=Path)
_OPTIONS = (
    click.option("--user", is_flag=True, help="Use the paths below ~/.plancton; the default for everyone but root."),
    click.option("--logdir", type=_DIRECTORY, help="Where the logs go. [default: /var/log/plancton]"),
    click.option("--rundir", type=_DIRECTORY, help="Where the sockets and markers are. [default: /var/run/plancton]"),
    click.option(
        "--pidfile",
        type=click.Path(dir_okay=False, readable=False, path_type=Path),
        help="Where planctond's process id is written. [default: /var/run/plancton.pid]",
    ),
    click.option("--confdir", type=_DIRECTORY, help="Where config.yaml is. [default: /etc/plancton]"),
    click.option(
        "--statedir",
        type=_DIRECTORY,
        help="Where measurements and the journal of decisions are kept. [default: /var/lib/plancton]",
    ),
)

_DIRECTORIES = ("logdir", "rundir", "pidfile", "confdir", "statedir")


def path_options(command: Callable[..., Result]) -> Callable[..., Result]:
    """Add the path options to a click command, which is then called with their outcome as the keyword ``paths``."""

    @functools.wraps(command)
    def with_paths(*args: object, user: bool, **others: object) -> Result:
        given = {name: others.pop(name) for name in _DIRECTORIES}
        try:
            paths = resolve(user=user, **{name: path for name, path in given.items() if isinstance(path, Path)})
        except PathError as error:
            raise click.UsageError(str(error)) from None
        return command(*args, paths=paths, **others)

    for option in reversed(_OPTIONS):
        with_paths = option(with_paths)
    return with_paths
