"""The path options: what they resolve to, and how a path that can't be used is refused."""

from pathlib import Path

import click
from click.testing import CliRunner

from plancton.common.path_options import path_options
from plancton.common.paths import Paths


@click.command()
@click.option("--loud", is_flag=True)
@path_options
def show(*, loud: bool, paths: Paths) -> None:
    """Stand for any command that needs the paths."""
    click.echo(f"{loud} {paths.rundir} {paths.logdir} {paths.pidfile} {paths.confdir} {paths.statedir}")


def test_options_reach_the_command_as_paths_beside_its_own() -> None:
    given = "--user --logdir /l --rundir /r --pidfile /p --confdir /c --loud --statedir /s"
    result = CliRunner().invoke(show, given.split())
    assert (result.exit_code, result.output) == (0, "True /r /l /p /c /s\n")


def test_without_options_the_defaults_are_used() -> None:
    home = Path("~").expanduser()
    result = CliRunner().invoke(show, ["--user"])
    assert result.output == (
        f"False {home}/.plancton/run {home}/.plancton/log {home}/.plancton/run/plancton.pid {home}/.plancton/conf "
        f"{home}/.plancton/state\n"
    )


def test_an_unusable_path_is_a_usage_error() -> None:
    result = CliRunner().invoke(show, ["--rundir", "/" + "r" * 100])
    assert result.exit_code == 2
    assert "107 at most" in result.output
