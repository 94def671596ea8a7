"""``planctonctl config check`` tells of files that sinks name and that can't be used, or that others can read."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from plancton.cli.named_files import about_files
from plancton.common.config import Loaded, parse
from tests.support.planctonctl import Planctonctl


@pytest.fixture(autouse=True)
def _mask() -> Iterator[None]:
    """Have files begin as the tests say, whoever runs them."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def told(tmp_path: Path, text: str, mode: int = 0o600) -> list[str]:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    file.chmod(mode)
    loaded = parse(text, str(file))
    assert isinstance(loaded, Loaded), loaded.problems
    problems = [str(problem).replace(str(tmp_path), "T") for problem in about_files(file, loaded)]
    assert "Passw0rd" not in " ".join(problems)
    return problems


def secret(file: Path, mode: int = 0o600) -> Path:
    file.write_text("Passw0rd")
    file.chmod(mode)
    return file


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_files_that_are_as_they_should_be(tmp_path: Path, mode: int) -> None:
    token, ca_file = secret(tmp_path / "token", mode), secret(tmp_path / "ca.pem", 0o644)
    text = f"influxdb_url: [{{url: 'https://h', bucket: b, token_file: {token}, ca_file: {ca_file}}}, http://h#d]\n"
    assert told(tmp_path, text, 0o644) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_secrets_that_others_can_read(tmp_path: Path, mode: int) -> None:
    password = secret(tmp_path / "password", mode)
    text = f"influxdb_url: {{url: 'http://h', database: d, user: u, password_file: {password}}}\n"
    flaw = "influxdb_url: password_file T/password can be read by others; chmod 600 T/password"
    assert told(tmp_path, text) == [f"T/config.yaml: {flaw}"]


@pytest.mark.parametrize(
    "text",
    [
        "influxdb_url: http://u:Passw0rd@h#d\n",
        "influxdb_url: {url: 'http://h', bucket: d, token: Passw0rd}\n",
        "docker_url: http://u:Passw0rd@h\n",
    ],
)
def test_a_configuration_with_a_secret_that_others_can_read(tmp_path: Path, text: str) -> None:
    assert told(tmp_path, text) == []
    (flaw,) = told(tmp_path, text, 0o644)
    assert flaw.startswith("T/config.yaml: it holds a password or token that others can read; chmod 600 T/config.yaml")


def test_files_that_can_not_be_used(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    sinks = (f"{{url: 'http://h', bucket: b, token_file: {tmp_path / name}}}" for name in ("nowhere", "pipe", "."))
    assert told(tmp_path, f"influxdb_url: [{', '.join(sinks)}]\n") == [
        "T/config.yaml: influxdb_url: token_file T/nowhere can't be used: No such file or directory",
        "T/config.yaml: influxdb_url: token_file T/pipe can't be used: it is no regular file",
        "T/config.yaml: influxdb_url: token_file T can't be used: it is no regular file",
    ]


def test_check_warns_of_them_and_the_configuration_is_valid(tmp_path: Path, planctonctl: Planctonctl) -> None:
    file = tmp_path / "other.yaml"
    file.write_text("influxdb_url: {url: 'https://h', bucket: b, ca_file: /no/such/file}\n")
    result = planctonctl("config", "check", str(file))
    assert result.exit_code == 0
    flaw = "influxdb_url: ca_file /no/such/file can't be used: No such file or directory"
    assert f"warning: {file}: {flaw}" in result.stdout.splitlines()
    assert flaw[14:] in planctonctl("config", "check", "--json", str(file)).stdout
