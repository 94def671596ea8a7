"""The sample file and the reference say what the declarations say."""

import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from plancton.cli.metrics_page import metrics_page
from plancton.cli.reference import reference, sample
from plancton.cli.series_page import series_page
from plancton.common.config import Loaded, parse
from plancton.common.declarations import DECLARATIONS
from plancton.common.influxdb_setting import KEYS, InfluxDB
from plancton.common.settings import Settings
from tests.support.running import REPOSITORY


@pytest.mark.parametrize(
    ("file", "made", "what"),
    [
        ("etc/config.yaml", sample, "config"),
        ("docs/settings.md", reference, "settings"),
        ("docs/series.md", series_page, "series"),
        ("docs/prometheus.md", metrics_page, "prometheus"),
    ],
)
def test_the_file_is_current(file: str, made: object, what: str) -> None:
    assert callable(made)
    current = (REPOSITORY / file).read_text(encoding="utf-8")
    assert current == made(), f"run: python -m plancton.cli.reference {what} > {file}"


def test_the_sample_as_it_is_changes_nothing() -> None:
    loaded = parse(sample(), "F")
    assert isinstance(loaded, Loaded)
    assert loaded.settings == Settings()
    assert not loaded.warnings


def test_the_sample_with_every_line_uncommented_gives_the_defaults() -> None:
    loaded = parse(re.sub("^#", "", sample(), flags=re.MULTILINE), "F")
    assert isinstance(loaded, Loaded)
    assert loaded.settings == Settings()
    assert not loaded.warnings


def test_every_setting_is_in_both_with_its_help() -> None:
    for name, declaration in DECLARATIONS.items():
        assert f"\n#{name}:" in sample()
        assert f"### `{name}`\n\n{declaration.description}\n" in reference()
        assert declaration.expected in reference()


def test_every_key_of_a_sink_is_in_the_reference_with_its_help() -> None:
    for name in InfluxDB.__struct_fields__:
        assert f"\n| `{name}` | {KEYS[name].description} | {KEYS[name].form} |\n" in reference()


def test_lines_of_the_sample_fit_a_terminal() -> None:
    assert max(map(len, sample().splitlines())) <= 100


@pytest.mark.parametrize(("what", "made"), [("config", sample), ("series", series_page), ("prometheus", metrics_page)])
def test_it_is_a_command(what: str, made: Callable[[], str]) -> None:
    command = [sys.executable, "-m", "plancton.cli.reference", what]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout == made()
