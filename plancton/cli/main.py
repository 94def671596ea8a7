"""planctonctl's entry point: its verbs, and the path options before or after them."""

import importlib
import io
import sys

import click

from plancton import __version__
from plancton.cli.contact import EXIT_USAGE
from plancton.common.path_options import path_options
from plancton.common.paths import Paths

VERBS = {
    "start": "lifecycle",
    "force-start": "lifecycle",
    "stop": "lifecycle",
    "force-stop": "lifecycle",
    "nodaemon": "lifecycle",
    "status": "status",
    "why": "why",
    "drain": "mode",
    "drain-stop": "mode",
    "resume": "mode",
    "snooze": "snooze",
    "reload": "mode",
    "clear-fizzles": "mode",
    "pilots": "pilots",
    "watch": "watch",
    "top": "top",
    "events": "events",
    "history": "history",
    "logs": "logs",
    "drill": "drill",
    "simulate": "simulate",
    "config": "config",
}
"""Each verb's module in this package, where it is the function of that name; imported only when it's needed."""


class Verbs(click.Group):
    """Finds the verbs, and accepts the group's own options after a verb as well as before it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of the help."""
        return [*VERBS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb."""
        if cmd_name not in VERBS:
            return super().get_command(ctx, cmd_name)
        module = importlib.import_module(f"plancton.cli.{VERBS[cmd_name]}")
        command = getattr(module, cmd_name.replace("-", "_"))
        assert isinstance(command, click.Command)  # noqa: S101 - the table above is wrong otherwise
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the group's options wherever they stand: scripts put them on either side of the verb."""
        return super().parse_args(ctx, self._options_first(args))

    def _options_first(self, args: list[str]) -> list[str]:
        options = {name: p for p in self.params if isinstance(p, click.Option) for name in p.opts}
        first: list[str] = []
        rest: list[str] = []
        waiting = list(args)
        while waiting:
            arg = waiting.pop(0)
            if arg == "--":
                rest += [arg, *waiting]
                break
            name, equals, _ = arg.partition("=")
            option = options.get(name)
            if option is None or option.is_eager:
                rest.append(arg)
                continue
            first.append(arg)
            if option.is_flag or equals:
                continue
            if not waiting:
                # Its value is missing; what follows here would be taken for it.
                return first
            first.append(waiting.pop(0))
        return [*first, *rest]


@click.group(
    cls=Verbs,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="The path options are accepted after the verb too. Exit codes: 0 the state is as asked for, 1 it isn't, "
    "2 usage; of status: 3 not running, 4 unknown; of planctond itself: 69 unavailable, 70 a bug, 73 unusable "
    "directories, 78 bad settings.",
)
@path_options
@click.version_option(__version__, prog_name="planctonctl")
@click.pass_context
def main(ctx: click.Context, paths: Paths) -> None:
    """Command the planctond of this machine."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A pilot's name that the terminal's character set lacks must not end the command.
            stream.reconfigure(errors="backslashreplace")
    ctx.obj = paths
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(EXIT_USAGE)


@main.command("help")
@click.argument("verb", required=False)
@click.pass_context
def show_help(ctx: click.Context, verb: str | None) -> None:
    """Show this text, or a verb's own."""
    parent = ctx.parent
    assert parent is not None  # noqa: S101 - a verb always has its group
    if verb is None:
        click.echo(parent.get_help())
        return
    command = main.get_command(parent, verb)
    if command is None:
        message = f"No such command {verb!r}."
        raise click.UsageError(message, parent)
    with click.Context(command, info_name=verb, parent=parent) as verb_context:
        click.echo(command.get_help(verb_context))


if __name__ == "__main__":
    main()
