"""A configuration is taken whole or not at all, and everything wrong with it is told at once."""

import shlex

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.config import DEFAULT, Loaded, Problem, Rejected, dump, parse
from plancton.common.declarations import DECLARATIONS
from plancton.common.expression import max_docks
from plancton.common.older_keys import OLDER_KEYS
from plancton.common.settings import Device, Settings
from tests.support.any_settings import ANY_SETTINGS, ANY_TEXT


def _loaded(text: str) -> Loaded:
    result = parse(text, "F")
    assert isinstance(result, Loaded), [str(problem) for problem in result.problems]
    return result


def _rejected(text: str) -> list[str]:
    result = parse(text, "F")
    assert isinstance(result, Rejected)
    return [str(problem) for problem in result.problems]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "null\n", "{}"])
def test_an_empty_file_means_the_defaults(text: str) -> None:
    loaded = _loaded(text)
    assert loaded.settings == Settings()
    assert loaded.origins == dict.fromkeys(DECLARATIONS, DEFAULT)
    assert loaded.warnings == ()


def test_defect_7_an_empty_configuration_runs_pilots_on_the_smallest_machine() -> None:
    assert max_docks(_loaded("").settings, ncpus=1, ram_bytes=2**30, swap_bytes=0) == 1
    assert max_docks(_loaded("").settings, ncpus=8, ram_bytes=2**33, swap_bytes=0) == 6


def test_defect_7_a_key_removed_from_the_file_returns_to_its_default() -> None:
    assert _loaded("max_ttl: 500\nmain_sleep: 5\n").settings.max_ttl == 500
    assert _loaded("main_sleep: 5\n").settings.max_ttl == Settings().max_ttl


def test_defect_6_a_max_docks_that_is_code_is_rejected_when_loaded() -> None:
    (problem,) = _rejected("max_docks: __import__('os').system('id')\n")
    assert problem.startswith("F:1: max_docks: \"__import__('os').system('id')\" calls something else than int, max")


def test_each_value_has_its_origin() -> None:
    origins = _loaded("\nmax_ttl: 500\n\nbase: &base\n  grace_kill: 10\n<<: *base\n").origins
    assert (origins["max_ttl"], origins["grace_kill"], origins["docker_image"]) == ("F:2", "F:5", DEFAULT)


IN_THE_WILD = {
    "test cluster": (
        """
# vim: set filetype=yaml:
---
updateconfig: 10
#image_expiration:
main_sleep: 5
max_docks: 1
max_ttl: 500
docker_cmd: [ /bin/sh, -c, "while true; do cat /dummyfile; sleep 5; done" ]
#max_dock_mem:
binds:
 - /tmp/dummyfile:/dummyfile
devices:
 - /dev/fuse:/dev/fuse:rw
capabilities:
 - SYS_ADMIN
security_opts:
 - apparmor:docker-cvmfs
""",
        {
            "max_docks": "1",
            "docker_cmd": ("/bin/sh", "-c", "while true; do cat /dummyfile; sleep 5; done"),
            "binds": ("/tmp/dummyfile:/dummyfile:ro",),
            "devices": (Device(path_on_host="/dev/fuse", path_in_container="/dev/fuse", cgroup_permissions="rw"),),
            "security_opts": ("apparmor=docker-cvmfs",),
        },
        [],
    ),
    "production": (
        """
cpus_per_dock: 0.5     # the amount of CPU to share.
max_docks: ncpus - 1   # ncpus is the actual (physical + ht) core number.
devices:
 - PathOnHost: /dev/fuse
   PathInContainer: /dev/fuse
   CgroupPermissions: rw
capabilites:
 - SYS_ADMIN
secopt:
 - apparmor:docker-cvmfs
docker_cmd: [ /tmp/condor-container-pilot ]
docker_image: plancton/slc6-fuse:latest
docker_privileged: False
""",
        {
            "cpus_per_dock": 0.5,
            "max_docks": "ncpus - 1",
            "capabilities": (),
            "docker_image": "plancton/slc6-fuse:latest",
        },
        [
            "F:8: capabilites: unknown, ignored; did you mean capabilities?",
            "F:10: secopt: unknown, ignored; called security_opts today",
        ],
    ),
    "before 0.3": (
        """
rigidity: soft
morbidity: hard        # How often check container statuses.
cputhresh: 100
dock_condor_conf:
 condor_common_conf: /dev/null
pilot_dock: plancton/slc6-wq:latest
pilot_privileged: True
"influxdb_address": "portquiz.net:8086"
""",
        msgspec.to_builtins(Settings(), builtin_types=(tuple,)),
        [
            f"F:{line}: {key}: unknown, ignored; {OLDER_KEYS[key]}"
            for line, key in [
                (2, "rigidity"),
                (3, "morbidity"),
                (4, "cputhresh"),
                (5, "dock_condor_conf"),
                (7, "pilot_dock"),
                (8, "pilot_privileged"),
                (9, "influxdb_address"),
            ]
        ],
    ),
    "numbers": (
        "max_docks:          ncpus\nmax_ttl: '172800'\nmax_dock_mem: 2.75e9\nmax_dock_swap: 1e9\nuser_group: 10:10\n",
        {"max_ttl": 172_800.0, "max_dock_mem": 2_750_000_000, "max_dock_swap": 10**9, "user_group": "10:10"},
        [],
    ),
}


@pytest.mark.parametrize("name", IN_THE_WILD)
def test_files_of_earlier_versions_load(name: str) -> None:
    text, settings, warnings = IN_THE_WILD[name]
    loaded = _loaded(text)
    assert {key: getattr(loaded.settings, key) for key in settings} == settings
    assert [str(warning) for warning in loaded.warnings] == warnings


def test_all_problems_are_told_at_once_by_line() -> None:
    text = "max_ttl: soft\nmax_docks: cpus\nbinds: [/a, /b]\nmax_ttl: 1\nsecopt: x\ndocker_image: [x]\n"
    unknown = "uses the unknown name cpus; known are ncpus, ram_bytes, swap_bytes, max_dock_mem, max_dock_swap"
    assert _rejected(text) == [
        'F:1: max_ttl: "soft" should be a number of seconds from 1 to 315360000',
        f'F:2: max_docks: "cpus" {unknown}; it should be {DECLARATIONS["max_docks"].expected}',
        f'F:3: binds: "/a" should be {DECLARATIONS["binds"].expected}',
        f'F:3: binds: "/b" should be {DECLARATIONS["binds"].expected}',
        "F:4: max_ttl: given again, having been given on line 1; keep one of the two",
        f"F:6: docker_image: a list should be {DECLARATIONS['docker_image'].expected}",
    ]
    result = parse(text, "F")
    assert [warning.key for warning in result.warnings] == ["secopt"]


def test_a_problem_without_a_line_names_the_file() -> None:
    assert _rejected("#" * 70_000) == ["F: is larger than 65536 bytes, so it can't be a configuration"]


@pytest.mark.parametrize(
    ("text", "line"), [("max_ttl: 1\n\tx: 2", 2), ("- a\n", 1), ("a: [", 1), ("a: 1\n---\nb: 2", 2), ("x: \x00", 1)]
)
def test_what_is_no_configuration_is_rejected_with_its_line(text: str, line: int) -> None:
    (problem,) = _rejected(text)
    assert problem.startswith(f"F:{line}: ")


def test_the_expression_is_tried_with_the_memory_of_the_same_file() -> None:
    _loaded("max_docks: swap_bytes / max_dock_swap\nmax_dock_swap: 1GB\n")
    (problem,) = _rejected("max_docks: swap_bytes / max_dock_swap\n")
    assert "divides by zero where swap_bytes is 0, max_dock_swap is 0" in problem


def test_an_empty_value_means_the_default_and_is_told_where_that_may_surprise() -> None:
    loaded = _loaded("max_ttl:\nbinds: ~\ndocker_url:\n")
    assert loaded.settings == Settings()
    assert loaded.origins["max_ttl"] == DEFAULT
    assert [str(warning) for warning in loaded.warnings] == ["F:1: max_ttl: has no value; its default, 43200, applies"]


def test_a_file_that_is_something_else_does_not_fill_the_log() -> None:
    warnings = _loaded("".join(f"key{number}: 1\n" for number in range(200))).warnings
    assert len(warnings) == 51
    assert str(warnings[-1]) == "F: and 150 more like these"


@pytest.mark.parametrize(
    "text",
    [
        "influxdb_url: http://me:Passw0rd@host\n",
        "influxdb_url: [http://me:Passw0rd@host, ftp://me:Passw0rd@host#db]\n",
        "influxdb_url: me:Passw0rd@host:8086#db\n",
        "influxdb_url: http://me:Passw0rd\n",
        "influxdb_url: http://h/x?p=Passw0rd\n",
        "influxdb_url: {http://me:Passw0rd@host#db}\n",
        "influxdb_url: !x http://me:Passw0rd@host#db\n",
        "influxdb_url: !http://me:Passw0rd@host#db\n",
        "influxdb_url:http://me:Passw0rd@host#db\n",
        "max_ttl: 1\ninfluxdb_url:http://me:Passw0rd@host#db\n",
        "influxdb_url:http://me:Passw0rd@host#db:\n",
        "influxdb_url: http://me:Passw0rd@host#db: x\n",
        "influx: http://me:Passw0rd@host\nhttp://me:Passw0rd@host#db: 1\nme:Passw0rd@host#db: 1\n",
        "influxdb_url: {url: 'http://h', bucket: b, token:Passw0rd}\n",
        "influxdb_url: {url: 'http://h', bucket: b, token: *Passw0rd}\n",
        "influxdb_url: {url: 'http://h', bucket: b, token: &Passw0rd x, org: &Passw0rd y}\n",
        "influxdb_url: {url: 'http://h', bucket: b, token: !Passw0rd!x y}\n",
        "influxdb_url: {url: 'http://h', bucket: b, token: Passw0rd\n",
        "influxdb_url: {url: 'http://h', token: Passw0rd}\n",
        "influxdb_url:\n  url: http://h\n  bucket: b\ntoken:Passw0rd: x\n",
        "token: Passw0rd\npassword: Passw0rd\n",
        "docker_url: ftp://me:Passw0rd@host\n",
        "docker_image: http://me:Passw0rd@host/x\n",
        "binds: http://me:Passw0rd@host/x\n",
    ],
)
def test_no_problem_tells_a_password(text: str) -> None:
    result = parse(text, "F")
    problems = (*result.problems, *result.warnings) if isinstance(result, Rejected) else result.warnings
    assert problems
    assert "Passw0rd" not in " ".join(map(str, problems))
    assert b"Passw0rd" not in msgspec.json.encode(problems)


def test_a_problem_is_one_printable_line() -> None:
    problem = Problem(source="F\n", line=1, key="a\x85b", value='"\u2028\ud800"', message="is\x1b wrong")
    assert str(problem) == 'F\\n:1: a\\x85b: "\\u2028\\ud800" is\\x1b wrong'


@given(ANY_TEXT)
def test_any_text_is_loaded_or_rejected(text: str) -> None:
    result = parse(text, "F")
    problems = result.problems if isinstance(result, Rejected) else ()
    assert isinstance(result, Loaded) or problems
    assert all(str(problem).isprintable() for problem in (*problems, *result.warnings))


@given(st.sampled_from(list(DECLARATIONS)), ANY_TEXT)
def test_any_value_is_loaded_or_rejected(name: str, text: str) -> None:
    result = parse(f"{name}: {text}", "F")
    if isinstance(result, Loaded):
        assert msgspec.convert(msgspec.to_builtins(result.settings), Settings) == result.settings


@given(ANY_SETTINGS)
def test_what_is_dumped_is_loaded_again(settings: Settings) -> None:
    loaded = _loaded(dump({name: getattr(settings, name) for name in DECLARATIONS}))
    assert loaded.settings == settings
    assert not loaded.warnings


@given(ANY_SETTINGS, st.lists(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), max_size=3))
def test_unknown_keys_change_nothing(settings: Settings, keys: list[str]) -> None:
    text = dump({name: getattr(settings, name) for name in DECLARATIONS})
    unknown = [key for key in dict.fromkeys(keys) if key not in DECLARATIONS]
    loaded = _loaded(text + "".join(f'"{key}": [1, {{a: b}}]\n' for key in unknown))
    assert loaded.settings == settings
    assert [warning.key for warning in loaded.warnings] == unknown


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8), min_size=1, max_size=4))
def test_a_command_may_be_a_list_or_a_quoted_line(words: list[str]) -> None:
    listed = _loaded(dump({"docker_cmd": tuple(words)})).settings.docker_cmd
    assert listed == _loaded(dump({"docker_cmd": shlex.join(words)})).settings.docker_cmd == tuple(words)
