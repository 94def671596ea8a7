"""Values are taken in every form that earlier versions took, and refused with what would be right."""

from typing import Any

import pytest

from plancton.common.coercion import Coerced, coerce
from plancton.common.declarations import DECLARATIONS
from plancton.common.document import Flaw, compose
from plancton.common.settings import Device


def _coerce(name: str, text: str) -> Coerced:
    entries = compose(f"{name}: {text}")
    assert not isinstance(entries, Flaw)
    return coerce(DECLARATIONS[name], entries[0].node)


FUSE = Device(path_on_host="/dev/fuse", path_in_container="/dev/fuse", cgroup_permissions="rw")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("max_ttl", "43200", 43200.0),
        ("max_ttl", '"43200"', 43200.0),
        ("max_ttl", "12:00:00", 43200.0),
        ("max_ttl", "12h", 43200.0),
        ("cpus_per_dock", "0.5", 0.5),
        ("docks_per_loop", "4.0", 4),
        ("max_dock_mem", "2e9", 2_000_000_000),
        ("max_dock_mem", "2000000000.0", 2_000_000_000),
        ("max_dock_mem", "2GB", 2_000_000_000),
        ("max_dock_mem", "9007199254740992", 2**53),
        ("docker_privileged", "yes", True),
        ("docker_privileged", "Off", False),
        ("docker_privileged", '"true"', True),
        ("max_docks", "8", "8"),
        ("max_docks", "ncpus - 1   # comment", "ncpus - 1"),
        ("max_docks", ">\n  ncpus\n  - 1\n", "ncpus - 1"),
        ("user_group", "10:10", "10:10"),
        ("user_group", "1000", "1000"),
        ("docker_image", "plancton/slc6-fuse:latest ", "plancton/slc6-fuse:latest"),
        ("docker_network", "none", "none"),
        ("docker_cmd", "/bin/sleep 60", ("/bin/sleep", "60")),
        ("docker_cmd", "/bin/sh -c 'sleep 1; exit 3'", ("/bin/sh", "-c", "sleep 1; exit 3")),
        ("docker_cmd", "[sleep, 60, yes, 1e3]", ("sleep", "60", "yes", "1e3")),
        ("docker_cmd", '[a, a, " b "]', ("a", "a", " b ")),
        ("docker_cmd", '""', ()),
        ("docker_cmd", "[]", ()),
        ("docker_cmd", "run", ("run",)),
        ("binds", "[/a:/b]", ("/a:/b:ro",)),
        ("binds", "/a:/b", ("/a:/b:ro",)),
        ("binds", '["/a:/b:rw,shared,Z", "/a:/c:Z", data:/d]', ("/a:/b:rw,shared,Z", "/a:/c:ro,Z", "data:/d:ro")),
        ("binds", "[/a:/b, /a:/b]", ("/a:/b:ro",)),
        ("devices", "[/dev/fuse:/dev/fuse:rw]", (FUSE,)),
        ("devices", "/dev/fuse:/dev/fuse:rw", (FUSE,)),
        ("devices", "{PathOnHost: /dev/fuse, PathInContainer: /dev/fuse, CgroupPermissions: rw}", (FUSE,)),
        ("devices", "[{PathOnHost: /dev/fuse, CgroupPermissions: rw}]", (FUSE,)),
        ("devices", "[/dev/fuse]", (Device(path_on_host="/dev/fuse", path_in_container="/dev/fuse"),)),
        ("capabilities", "[SYS_ADMIN, +net_admin, -MKNOD]", ("SYS_ADMIN", "+NET_ADMIN", "-MKNOD")),
        ("capabilities", "\n- -MKNOD\n- ALL", ("-MKNOD", "ALL")),
        ("security_opts", "[apparmor:docker-cvmfs]", ("apparmor=docker-cvmfs",)),
        ("security_opts", "[label:type:x, seccomp=/a:b, no-new-privileges]", None),
        ("influxdb_url", "http://h:8086#d", ("http://h:8086#d",)),
        ("influxdb_url", '["http://h#d", "http://h#d", "insecure_https://u:p@[::1]:8086/x#e"]', None),
        ("influxdb_url", '""', ()),
        ("docker_url", "unix://var/run/docker.sock", "unix://var/run/docker.sock"),
        ("log_level", "debug", "debug"),
    ],
)
def test_what_is_taken(name: str, text: str, value: Any) -> None:  # noqa: ANN401 - of any setting
    coerced = _coerce(name, text)
    assert not coerced.wrong
    assert not coerced.ignored
    expected = {
        "security_opts": ("label=type:x", "seccomp=/a:b", "no-new-privileges"),
        "influxdb_url": ("http://h#d", "insecure_https://u:p@[::1]:8086/x#e"),
    }
    assert coerced.value == (expected[name] if value is None else value)


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("max_ttl", "soft", '"soft"'),
        ("max_ttl", "0.5", "0.5"),
        ("max_ttl", ".inf", ".inf"),
        ("max_ttl", "[1]", "a list"),
        ("max_ttl", "yes", "yes"),
        ("cpus_per_dock", "0", "0"),
        ("docks_per_loop", "4.5", "4.5"),
        ("docks_per_loop", "-1", "-1"),
        ("max_dock_mem", "0", "0"),
        ("max_dock_mem", "6291455", "6291455"),
        ("max_dock_mem", "9e999", '"9e999"'),
        ("docker_privileged", "1", "1"),
        ("docker_privileged", "perhaps", '"perhaps"'),
        ("docker_image", "{a: b}", "a mapping"),
        ("docker_image", "Busy Box", '"Busy Box"'),
        ("docker_image", "!!python/name:os.system x", "x"),
        ("user_group", "a b", '"a b"'),
        ("docker_cmd", "echo it's", '"echo it\'s"'),
        ("docker_cmd", "{a: b}", "a mapping"),
        ("docker_cmd", "[a, ~]", "~"),
        ("docker_cmd", "[[a]]", "a list"),
        ("docker_cmd", "[!x a]", "a"),
        ("binds", "/a", '"/a"'),
        ("binds", "[/a:b]", '"/a:b"'),
        ("binds", "[/a:/b:exec]", '"/a:/b:exec"'),
        ("binds", "[../a:/b]", '"../a:/b"'),
        ("devices", "[/dev/fuse:/dev/fuse:rx]", '"/dev/fuse:/dev/fuse:rx"'),
        ("devices", "[fuse]", '"fuse"'),
        ("devices", "[[/dev/fuse]]", "a list"),
        ("devices", "[{PathInContainer: /dev/fuse}]", "a mapping"),
        ("devices", "[{PathOnHost: /dev/fuse, Path: /x}]", "a mapping"),
        ("devices", "[{PathOnHost: /dev/fuse, PathOnHost: /x}]", "a mapping"),
        ("devices", "[{PathOnHost: [/dev/fuse]}]", "a mapping"),
        ("capabilities", '[""]', '""'),
        ("capabilities", "[++X]", '"++X"'),
        ("security_opts", "[App Armor]", '"App Armor"'),
        ("docker_network", "a b", '"a b"'),
        ("docker_url", "/var/run/docker.sock", '"/var/run/docker.sock"'),
        ("log_level", "loud", '"loud"'),
        ("influxdb_url", "http://h:8086", '"http://h:8086"'),
        ("influxdb_url", "ftp://me:secret@h#d", '"ftp://***@h#d"'),
        ("influxdb_url", "[udp://h#d]", '"udp://h#d"'),
        ("docker_image", "x" * 300 + "!", '"' + "x" * 79 + '…"'),
    ],
)
def test_what_is_refused(name: str, text: str, shown: str) -> None:
    (wrong,) = _coerce(name, text).wrong
    assert wrong.line == 1
    assert wrong.shown == shown
    assert wrong.message.startswith(("should be " + DECLARATIONS[name].expected, "has a quote"))


def test_each_wrong_item_is_told_with_its_own_line() -> None:
    wrong = _coerce("binds", "\n  - /a:/b\n  - nothing\n  - /c:/d\n  - 5\n").wrong
    assert [(part.line, part.shown) for part in wrong] == [(3, '"nothing"'), (5, "5")]


def test_listed_urls_without_a_database_are_left_out_as_they_always_were() -> None:
    coerced = _coerce("influxdb_url", '["http://me:secret@h:8086", "http://h:8086#d"]')
    assert not coerced.wrong
    assert coerced.value == ("http://h:8086#d",)
    assert [part.shown for part in coerced.ignored] == ['"http://***@h:8086"']
