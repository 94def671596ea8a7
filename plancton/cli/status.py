"""The verb that tells all that planctond knows of itself."""

import click
import msgspec

from plancton.cli import contact
from plancton.cli.contact import NotRunning, Refused, Unreachable
from plancton.cli.explain import explain
from plancton.common.paths import Paths

EXIT_NOT_RUNNING = 3
EXIT_UNKNOWN = 4
"""As LSB wants them of ``status``."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def status(paths: Paths, *, as_json: bool) -> None:
    """Tell what planctond does, and why; exit with 3 if it isn't running, 4 if that can't be told."""
    try:
        report = contact.status(paths)
    except NotRunning as trouble:
        click.echo(trouble.message, err=as_json)
        raise SystemExit(EXIT_NOT_RUNNING) from None
    except (Unreachable, Refused) as trouble:
        trouble.show()
        raise SystemExit(EXIT_UNKNOWN) from None
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2))
        return
    for line in explain(report):
        click.echo(line)
