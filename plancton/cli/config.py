"""``planctonctl config``: checks a configuration, and shows what it comes to."""

import sys
from pathlib import Path
from typing import NoReturn

import click
import msgspec
from rich.console import Console
from rich.table import Table

from plancton.cli.named_files import about_files
from plancton.common.config import DEFAULT, MAX_BYTES, Loaded, Problem, Rejected, dump, parse, plain_value
from plancton.common.declarations import DECLARATIONS
from plancton.common.paths import Paths
from plancton.common.settings import Settings

EXIT_NO_INPUT = 66
EXIT_CONFIG = 78
_WIDTH_OF_A_FILE = 1000


@click.group()
def config() -> None:
    """Check the configuration, or show what it comes to."""


@config.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--json", "as_json", is_flag=True, help="Tell the outcome as JSON.")
@click.pass_obj
def check(paths: Paths, file: Path | None, *, as_json: bool) -> None:
    """Say whether FILE is a valid configuration, and all that is wrong with it and with the files that it names.

    Without FILE: the configuration directory's own, which may be missing. Exits 0 if it is valid, 78 if not, 66 if it
    can't be read.
    """
    result = load(file or paths.config_file, may_be_missing=file is None)
    if isinstance(result, Loaded):
        odd = tuple(about_files(file or paths.config_file, result))
        result = msgspec.structs.replace(result, warnings=(*result.warnings, *odd))
    if as_json:
        _print_json(_outcome(file or paths.config_file, result))
    else:
        _print_outcome(file or paths.config_file, result)
    if isinstance(result, Rejected):
        sys.exit(EXIT_CONFIG)


@config.command()
@click.option("--json", "as_json", is_flag=True, help="Tell each setting's value and origin as JSON.")
@click.option("--yaml", "as_yaml", is_flag=True, help="Print a configuration file; secrets are left out.")
@click.pass_obj
def show(paths: Paths, *, as_json: bool, as_yaml: bool) -> None:
    """Show every setting with its value and where it comes from; secrets are left out.

    Exits 78 if the configuration isn't valid, 66 if it can't be read.
    """
    if as_json and as_yaml:
        message = "--json and --yaml exclude each other"
        raise click.UsageError(message)
    result = load(paths.config_file, may_be_missing=True)
    if isinstance(result, Rejected):
        for problem in (*result.problems, *result.warnings):
            click.echo(problem, err=True)
        sys.exit(EXIT_CONFIG)
    values = _shown(result.settings)
    if as_yaml:
        click.echo(dump(values), nl=False)
    elif as_json:
        settings = {
            name: {"value": plain_value(value), "origin": result.origins[name]} for name, value in values.items()
        }
        _print_json({"file": str(paths.config_file), "settings": settings})
    else:
        _print_table(values, result)
    if not as_json:
        for warning in result.warnings:
            click.echo(warning, err=True)


def load(file: Path, *, may_be_missing: bool) -> Loaded | Rejected:
    """Read a configuration, and exit with 66 where that can't be. One that may be missing then gives the defaults."""
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        if may_be_missing:
            return parse("", str(file))
        refuse(file, "there is no such file")
    except OSError as error:
        refuse(file, f"can't be read: {error.strerror}")
    return parse(text_of(content), str(file))


def text_of(content: bytes) -> str:
    """Return the text, with U+FFFE, which YAML refuses with its line, in place of what isn't UTF-8."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        return content[: error.start].decode() + "\ufffe"


def refuse(file: Path, why: str) -> NoReturn:
    """Say why a file can't be used, and exit with 66."""
    click.echo(f"{file}: {why}", err=True)
    sys.exit(EXIT_NO_INPUT)


def _outcome(file: Path, result: Loaded | Rejected) -> dict[str, object]:
    problems: tuple[Problem, ...] = result.problems if isinstance(result, Rejected) else ()
    return {
        "file": str(file),
        "valid": not problems,
        "problems": msgspec.to_builtins(problems),
        "warnings": msgspec.to_builtins(result.warnings),
    }


def _print_outcome(file: Path, result: Loaded | Rejected) -> None:
    if isinstance(result, Rejected):
        for problem in result.problems:
            click.echo(f"error: {problem}")
    for warning in result.warnings:
        click.echo(f"warning: {warning}")
    if isinstance(result, Rejected):
        click.echo(f"{file}: not valid; planctond would keep the settings that it has, or not start")
    elif not file.exists():
        click.echo(f"{file}: there is no such file, so the defaults apply")
    else:
        given = sum(origin != DEFAULT for origin in result.origins.values())
        click.echo(f"{file}: valid; it sets {given} of {len(DECLARATIONS)} settings")


def _shown(settings: Settings) -> dict[str, object]:
    """Return all settings by name, without secrets."""
    return {name: declaration.without_secrets(getattr(settings, name)) for name, declaration in DECLARATIONS.items()}


def _print_table(values: dict[str, object], result: Loaded) -> None:
    table = Table("setting", "value", "unit", "from", box=None, header_style="bold", pad_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    for name, value in values.items():
        origin = result.origins[name]
        style = "dim" if origin == DEFAULT else ""
        table.add_row(name, _cell(name, value), DECLARATIONS[name].unit, origin, style=style)
    # Into a pipe or a file, nothing is folded.
    Console(markup=False, width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE).print(table)


def _cell(name: str, value: object) -> str:
    plain = plain_value(value)
    if plain is None or plain == []:
        return "-"
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, list):
        parts = (_part(name, part) for part in plain)
        return (" " if name == "docker_cmd" else ", ").join(parts)
    return str(plain)


def _part(name: str, part: object) -> str:
    match part:
        case dict() if name == "devices":
            return ":".join(map(str, part.values()))
        case dict():
            return " ".join(f"{key}={value}" for key, value in part.items())
    return str(part)


def _print_json(value: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(value)).decode())
