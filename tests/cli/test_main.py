"""planctonctl's verbs and options."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from plancton import __version__
from plancton.cli.main import VERBS, main
from plancton.common.paths import Paths
from tests.support.planctonctl import Planctonctl, options

ORIGINAL_VERBS = (
    "start force-start stop force-stop status nodaemon drain drain-stop resume help".split()  # noqa: SIM905 - as in its usage
)


def test_help_names_every_verb() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for verb in (*ORIGINAL_VERBS, *VERBS):
        assert f"  {verb} " in result.output


@pytest.mark.parametrize("verb", [*VERBS, "help"])
def test_every_verb_has_help_of_its_own(verb: str) -> None:
    result = CliRunner().invoke(main, ["help", verb])
    assert result.exit_code == 0
    assert f"main {verb}" in result.output


def test_help_as_a_verb_is_the_same() -> None:
    assert CliRunner().invoke(main, ["help"]).output == CliRunner().invoke(main, ["--help"]).output


@pytest.mark.parametrize("arguments", [[], ["no-such-verb"], ["status", "--no-such-option"], ["help", "no-such-verb"]])
def test_wrong_usage_exits_with_2_and_tells_on_standard_error(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage: " in result.stderr


def test_version() -> None:
    assert __version__ in CliRunner().invoke(main, ["--version"]).output


def test_the_path_options_may_stand_on_either_side_of_the_verb(paths: Paths, tmp_path: Path) -> None:
    given = options(paths)
    joined = [f"{name}={value}" for name, value in zip(given[::2], given[1::2], strict=True)]
    for arguments in (
        [*given, "status"],
        ["status", *given],
        [*given[:2], "status", *given[2:]],
        ["status", *joined],
        ["--user", "status", *given],
        ["status", "--json", *given, "--user"],
        ["--rundir", str(tmp_path / "elsewhere"), "status", *given],
    ):
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 3, arguments
        assert str(paths.rundir) in result.output, arguments


def test_what_follows_two_dashes_is_no_option() -> None:
    assert CliRunner().invoke(main, ["status", "--", "--user"]).exit_code == 2


def test_an_option_without_its_value_is_wrong_usage(planctonctl: Planctonctl) -> None:
    result = planctonctl("status", "--rundir")
    assert (result.exit_code, "requires an argument" in result.stderr) == (2, True)


def test_too_long_a_run_directory_is_wrong_usage(planctonctl: Planctonctl) -> None:
    assert planctonctl("status", "--rundir", "/" + "x" * 120).exit_code == 2
