"""``planctonctl config`` tells what is wrong, what holds, and never a password."""

import json
from pathlib import Path

import pytest

from plancton.common.config import Loaded, parse
from plancton.common.declarations import DECLARATIONS
from plancton.common.paths import Paths
from tests.support.planctonctl import Planctonctl


@pytest.fixture
def file(paths: Paths) -> Path:
    """Return the configuration file in force, which isn't there yet."""
    paths.confdir.mkdir()
    return paths.config_file


def test_check_of_a_valid_file(planctonctl: Planctonctl, file: Path) -> None:
    file.write_text("max_ttl: 500\nsecopt: x\n")
    result = planctonctl("config", "check")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"warning: {file}:2: secopt: unknown, ignored; called security_opts today",
        f"{file}: valid; it sets 1 of {len(DECLARATIONS)} settings",
    ]


def test_check_of_a_bad_file_tells_all_problems_and_exits_78(planctonctl: Planctonctl, file: Path) -> None:
    file.write_text("max_ttl: soft\nmain_sleep: -1\n")
    result = planctonctl("config", "check")
    assert result.exit_code == 78
    assert result.stdout.splitlines()[:2] == [
        f'error: {file}:1: max_ttl: "soft" should be a number of seconds from 1 to 315360000',
        f"error: {file}:2: main_sleep: -1 should be a number of seconds from 0.1 to 86400",
    ]


def test_check_of_another_file(planctonctl: Planctonctl, file: Path, tmp_path: Path) -> None:
    file.write_text("max_ttl: soft\n")
    other = tmp_path / "other.yaml"
    other.write_text("max_ttl: 1\n")
    assert planctonctl("config", "check", str(other)).exit_code == 0


def test_a_missing_default_file_is_valid_and_a_missing_named_one_is_not(planctonctl: Planctonctl, file: Path) -> None:
    result = planctonctl("config", "check")
    assert (result.exit_code, result.stdout) == (0, f"{file}: there is no such file, so the defaults apply\n")
    result = planctonctl("config", "check", str(file))
    assert (result.exit_code, result.stderr) == (66, f"{file}: there is no such file\n")


def test_what_is_no_file_can_not_be_read(planctonctl: Planctonctl, tmp_path: Path) -> None:
    result = planctonctl("config", "check", str(tmp_path))
    assert (result.exit_code, result.stderr) == (66, f"{tmp_path}: can't be read: Is a directory\n")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"max_ttl: 1\nx: \xff\xfe\n", ":2: contains U+FFFE, a character that YAML doesn't allow"),
        (b"#" + "é".encode() * 40_000, ": is larger than 65536 bytes, so it can't be a configuration"),
    ],
)
def test_check_of_what_is_no_text(planctonctl: Planctonctl, file: Path, content: bytes, problem: str) -> None:
    file.write_bytes(content)
    result = planctonctl("config", "check")
    assert result.exit_code == 78
    assert result.stdout.splitlines()[0] == f"error: {file}{problem}"


def test_check_as_json(planctonctl: Planctonctl, file: Path) -> None:
    file.write_text("max_ttl: soft\nsecopt: x\n")
    result = planctonctl("config", "check", "--json")
    assert result.exit_code == 78
    told = json.loads(result.stdout)
    assert (told["file"], told["valid"]) == (str(file), False)
    (problem,) = told["problems"]
    assert problem.pop("message").startswith("should be a number")
    assert problem == {"source": str(file), "line": 1, "key": "max_ttl", "value": '"soft"'}
    assert [warning["key"] for warning in told["warnings"]] == ["secopt"]


def test_show_tells_each_setting_and_where_it_comes_from(planctonctl: Planctonctl, file: Path) -> None:
    file.write_text("max_ttl: 12h\ndevices: /dev/fuse\nbinds: [/a:/b, /c:/d]\nsecopt: x\n")
    result = planctonctl("config", "show")
    assert result.exit_code == 0
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in result.stdout.splitlines()}
    assert set(rows) == {"setting", *DECLARATIONS}
    assert rows["max_ttl"] == f"43200 seconds {file}:1"
    assert rows["devices"] == f"/dev/fuse:/dev/fuse:rwm {file}:2"
    assert rows["binds"] == f"/a:/b:ro, /c:/d:ro {file}:3"
    assert rows["docker_cmd"] == "/bin/sleep 60 default"
    assert rows["docker_privileged"] == "false default"
    assert rows["docker_url"] == "- default"
    assert "secopt" in result.stderr


def test_show_as_json(planctonctl: Planctonctl, file: Path) -> None:
    file.write_text("max_ttl: 12h\n")
    told = json.loads(planctonctl("config", "show", "--json").stdout)
    assert told["file"] == str(file)
    assert told["settings"]["max_ttl"] == {"value": 43200, "origin": f"{file}:1"}
    assert told["settings"]["binds"] == {"value": [], "origin": "default"}


def test_show_as_yaml_is_a_configuration_again(planctonctl: Planctonctl, file: Path) -> None:
    text = "max_ttl: 12h\ndevices: /dev/fuse\ndocker_cmd: sh -c 'a b'\n"
    file.write_text(text)
    again = parse(planctonctl("config", "show", "--yaml").stdout, "F")
    given = parse(text, "F")
    assert isinstance(again, Loaded)
    assert isinstance(given, Loaded)
    assert again.settings == given.settings


def test_show_takes_one_form(planctonctl: Planctonctl) -> None:
    assert planctonctl("config", "show", "--yaml", "--json").exit_code == 2


def test_show_of_a_bad_file_tells_its_problems(planctonctl: Planctonctl, file: Path) -> None:
    file.write_text("max_ttl: soft\n")
    result = planctonctl("config", "show")
    assert (result.exit_code, result.stdout) == (78, "")
    assert "max_ttl" in result.stderr


@pytest.mark.parametrize("form", [(), ("--json",), ("--yaml",)])
def test_show_tells_no_password(planctonctl: Planctonctl, file: Path, form: tuple[str, ...]) -> None:
    mappings = (
        "{url: 'http://h', database: d, user: u, password: Passw0rd}, {url: 'http://h', bucket: b, token: Passw0rd}"
    )
    text = f"influxdb_url: [http://me:Passw0rd@host:8086#db, {mappings}]\ndocker_url: http://me:Passw0rd@host:2375\n"
    file.write_text(text)
    result = planctonctl("config", "show", *form)
    assert result.exit_code == 0
    assert "Passw0rd" not in result.output
    assert "http://***@host:8086#db" in result.stdout
    assert "http://***@host:2375" in result.stdout
    shown = {
        (): "url=http://h database=d user=u password=***, url=http://h bucket=b token=***",
        ("--json",): '"token": "***"',
        ("--yaml",): "- url: http://h\n  bucket: b\n  token: '***'\n",
    }
    assert shown[form] in result.stdout
