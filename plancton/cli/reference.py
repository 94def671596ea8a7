"""``python -m plancton.cli.reference WHAT``: the sample file and the pages that are made from the declarations."""

import shlex
import textwrap
from collections.abc import Iterator

import click

from plancton.cli.metrics_page import metrics_page
from plancton.cli.series_page import series_page
from plancton.common.config import dump
from plancton.common.declarations import DECLARATIONS, Declaration
from plancton.common.influxdb_setting import KEYS
from plancton.common.numerals import SUFFIXES
from plancton.common.older_keys import OLDER_KEYS
from plancton.common.setting_forms import Group

_WIDTH = 100
_TITLES: dict[Group, str] = {
    "pilots": "How many pilots, and how long they live",
    "pilot": "What a pilot is (a change applies to new pilots; running ones live out their life)",
    "owner": "Giving the machine back to its owner",
    "daemon": "planctond itself",
    "monitoring": "Monitoring",
}
_INTRODUCTION = (
    "Plancton's configuration. Every key is here with its default; take the # from the keys that should differ. "
    "planctond reads this file again every `updateconfig` seconds, at SIGHUP and at `planctonctl reload`; of a bad one "
    "it says which line and why, and keeps the settings that it has. To check one beforehand: "
    "planctonctl config check FILE."
)
_PAGE_INTRODUCTION = (
    "All settings are optional: an empty or missing file gives the defaults. This page and `etc/config.yaml` are "
    "generated from the declarations in `plancton/common/settings.py` by `python -m plancton.cli.reference`."
)


@click.command()
@click.argument("what", type=click.Choice(["config", "settings", "series", "prometheus"]))
def main(what: str) -> None:
    """Print the sample configuration (etc/config.yaml), or a page: docs/settings.md, series.md or prometheus.md."""
    made = {"config": sample, "settings": reference, "series": series_page, "prometheus": metrics_page}
    click.echo(made[what](), nl=False)


def sample() -> str:
    """Return a configuration file with every key, commented out, and its help."""
    return "\n".join(_sample_lines()) + "\n"


def reference() -> str:
    """Return the page that describes every setting, as Markdown."""
    return "\n".join(_reference_lines()) + "\n"


def _sample_lines() -> Iterator[str]:
    yield from _comment(_INTRODUCTION)
    for group, title in _TITLES.items():
        yield from ("", "", *_comment(f"{title}\n{'-' * len(title)}"))
        for declaration in _of(group):
            yield ""
            yield from _comment(f"{declaration.description}\nValue: {declaration.expected}.")
            yield f"#{_default(declaration)}"


def _comment(text: str) -> Iterator[str]:
    for paragraph in text.split("\n"):
        for line in textwrap.wrap(paragraph, _WIDTH - 3, break_on_hyphens=False):
            # Two, so that a reader who takes one # from every line is left with a comment.
            yield f"## {line}"


def _reference_lines() -> Iterator[str]:
    yield from ("# Settings", "", _PAGE_INTRODUCTION, "")
    yield f"Durations may have a suffix ({', '.join(SUFFIXES['seconds'])}), sizes too ({', '.join(SUFFIXES['bytes'])})."
    for group, title in _TITLES.items():
        yield from ("", f"## {title}")
        for declaration in _of(group):
            yield from ("", f"### `{declaration.name}`", "", declaration.description, "")
            yield f"- Default: `{_default(declaration)}`"
            yield f"- Value: {declaration.expected}"
            if declaration.name == "influxdb_url":
                yield from ("", "A mapping has these keys:", "", "| key | is | value |", "|---|---|---|")
                yield from (f"| `{name}` | {key.description} | {key.form} |" for name, key in KEYS.items())
    yield from (
        "",
        "## Keys of older versions",
        "",
        "They are ignored with a warning.",
        "",
        "| key | is |",
        "|---|---|",
    )
    yield from (f"| `{key}` | {what} |" for key, what in OLDER_KEYS.items())


def _of(group: Group) -> list[Declaration]:
    return [declaration for declaration in DECLARATIONS.values() if declaration.group == group]


def _default(declaration: Declaration) -> str:
    """Return the line that would set the default."""
    if declaration.name == "docker_cmd":
        return f"docker_cmd: {shlex.join(declaration.default)}"
    return dump({declaration.name: declaration.default}).rstrip()


if __name__ == "__main__":
    main()
