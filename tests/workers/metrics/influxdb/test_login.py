"""Logins come from the setting or from a file, and from nothing else; they show up nowhere."""

import base64
import os
from pathlib import Path

import msgspec
import pytest

from plancton.common.influxdb_setting import InfluxDB
from plancton.workers.metrics.influxdb.login import Login, LoginError

SECRET = "Passw0rd"


def _bucket(token_file: Path) -> Login:
    return Login(InfluxDB(url="http://h", bucket="b", token_file=str(token_file)))


def _basic(login: str) -> str:
    return f"Basic {base64.b64encode(login.encode()).decode()}"


@pytest.mark.parametrize(
    ("keys", "header"),
    [
        ({"database": "d"}, ""),
        ({"database": "d", "user": "u"}, _basic("u:")),
        ({"database": "d", "user": "u", "password": "a:b"}, _basic("u:a:b")),
        ({"database": "d", "user": "ü", "password": "ß"}, _basic("ü:ß")),
        ({"bucket": "b"}, ""),
        ({"bucket": "b", "token": "t=="}, "Token t=="),
    ],
)
def test_headers(keys: dict[str, str], header: str) -> None:
    assert Login(msgspec.convert({"url": "http://h", **keys}, InfluxDB)).header() == header


@pytest.mark.parametrize("content", ["a secret", "a secret\n", "a secret\r\n"])
def test_a_secret_in_a_file_ends_with_its_line(tmp_path: Path, content: str) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content.encode())
    assert _bucket(file).header() == "Token a secret"
    database = InfluxDB(url="http://h", database="d", user="u", password_file=str(file))
    assert Login(database).header() == _basic("u:a secret")


def test_blanks_of_a_secret_in_a_file_are_meant(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(" a secret \n")
    database = InfluxDB(url="http://h", database="d", user="u", password_file=str(file))
    assert Login(database).header() == _basic("u: a secret ")


def test_a_file_is_read_once_until_its_secret_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    login = _bucket(file)
    assert login.header() == "Token old"
    file.write_text("new")
    assert login.header() == "Token old"
    login.forget()
    assert login.header() == "Token new"
    file.unlink()
    assert login.header() == "Token new"


def test_a_file_that_is_no_secret_is_named_but_never_told(tmp_path: Path) -> None:
    contents = {"": "empty", "\n": "empty", " \n": "empty", f"{SECRET}\nx": "holds more", f"{SECRET}\x1b": "holds more"}
    for content, why in {**contents, "ü": "holds more", SECRET * 1000: "larger than a secret is"}.items():
        file = tmp_path / "secret"
        file.write_text(content, encoding="utf-8")
        with pytest.raises(LoginError, match=f"^token_file {file}: {why}") as told:
            _bucket(file).header()
        assert SECRET not in repr(told.value)


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for file, why in {
        tmp_path / "nowhere": "No such file or directory",
        tmp_path: "Is a directory",
        tmp_path / "pipe": "empty",
        tmp_path / ("x" * 300): "File name too long",
    }.items():
        with pytest.raises(LoginError, match=f"^token_file {file}: {why}"):
            _bucket(file).header()


def test_what_a_server_repeats_is_hidden() -> None:
    password = "p@ß w"
    login = Login(InfluxDB(url="http://h", database="d", user="u", password=password))
    login.header()
    for text in (password, "p%40%C3%9F%20w", base64.b64encode(f"u:{password}".encode()).decode()):
        assert login.hide(f"no user u with {text}!") == "no user u with ***!"
    token = Login(InfluxDB(url="http://h", bucket="b", token="t0ken=="))
    token.header()
    assert token.hide("invalid header: Token t0ken==") == "invalid header: Token ***"
    assert Login(InfluxDB(url="http://h", bucket="b")).hide("nothing to hide") == "nothing to hide"
