"""Hypothesis strategies of settings: any valid ones, and any text."""

from typing import TypeVar

from hypothesis import strategies as st

from plancton.common.declarations import DECLARATIONS
from plancton.common.influxdb_setting import LONGEST_TIMEOUT, SHORTEST_TIMEOUT, InfluxDB
from plancton.common.settings import Device, Settings

Item = TypeVar("Item")

_WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
_NAMES = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)
_PATHS = st.from_regex(r"/[a-z][a-z0-9 ,.#é]{0,10}[a-z]", fullmatch=True)
_CAPABILITIES = st.sampled_from(["SYS_ADMIN", "+NET_ADMIN", "-MKNOD", "ALL"])


def _numbers(name: str) -> st.SearchStrategy[float] | st.SearchStrategy[int]:
    declaration = DECLARATIONS[name]
    least, most = declaration.least, declaration.most
    assert least is not None
    assert most is not None
    if declaration.kind is int:
        return st.integers(int(least), int(most))
    return st.floats(least, most)


def _unique(items: st.SearchStrategy[Item]) -> st.SearchStrategy[tuple[Item, ...]]:
    return st.lists(items, max_size=3, unique=True).map(tuple)


_DEVICES = st.builds(
    Device, path_on_host=_PATHS, path_in_container=_PATHS, cgroup_permissions=st.sampled_from(["r", "rw", "rwm", "mw"])
)

_NAMES_IN_FULL = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Z"]), min_size=1, max_size=12)
_SECRETS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=20)
_FILES = _PATHS | st.just("/etc/plancton/a file")


def _secret(name: str) -> st.SearchStrategy[dict[str, str]]:
    """Return a strategy of no secret, the secret itself, or its file."""
    itself = st.fixed_dictionaries({name: _SECRETS})
    return st.just({}) | itself | st.fixed_dictionaries({f"{name}_file": _FILES})


_LOGINS: st.SearchStrategy[dict[str, str]] = st.just({}) | st.builds(
    lambda user, secret: {"user": user, **secret}, user=_NAMES_IN_FULL, secret=_secret("password")
)
_DATABASES = st.builds(lambda database, login: {"database": database, **login}, _NAMES_IN_FULL, _LOGINS)
_BUCKETS = st.builds(
    lambda bucket, org, secret: {"bucket": bucket, **org, **secret},
    _NAMES_IN_FULL,
    st.just({}) | st.fixed_dictionaries({"org": _NAMES_IN_FULL}),
    _secret("token"),
)
_SERVERS = st.builds(
    lambda url, ca: {"url": url, **(ca if url.startswith("https") else {})},
    st.builds(
        "{}://{}{}".format,
        st.sampled_from(["http", "https", "insecure_https"]),
        _NAMES,
        st.sampled_from(["", ":8086", "/a/"]),
    ),
    st.just({}) | st.fixed_dictionaries({"ca_file": _FILES}),
)
ANY_INFLUXDB: st.SearchStrategy[InfluxDB] = st.builds(
    lambda server, place, timeout: InfluxDB(**server, **place, timeout=timeout),
    _SERVERS,
    _DATABASES | _BUCKETS,
    st.just(10.0) | st.floats(SHORTEST_TIMEOUT, LONGEST_TIMEOUT),
)
"""Any sink that a mapping may describe."""

_URLS: st.SearchStrategy[str | InfluxDB] = st.builds("http://{}:{}@{}:8086#{}".format, _NAMES, _NAMES, _NAMES, _NAMES)

ANY_SETTINGS = st.builds(
    Settings,
    **{name: _numbers(name) for name, declaration in DECLARATIONS.items() if declaration.unit},
    max_docks=st.sampled_from(["8", "ncpus", "min(ncpus - 1, ram_bytes // max_dock_mem)", "3 if ncpus > 4 else 0"]),
    docker_image=st.sampled_from(["busybox", "registry:5000/name:tag", "a/b@sha256:" + "0" * 64]),
    docker_cmd=st.lists(_WORDS, max_size=4).map(tuple),
    docker_privileged=st.booleans(),
    user_group=st.sampled_from(["0:0", "10:10", "1000", "nobody:nogroup"]),
    binds=_unique(st.builds("{}:{}:{}".format, _PATHS, _PATHS, st.sampled_from(["ro", "rw", "rw,shared,Z"]))),
    devices=st.lists(_DEVICES, max_size=2, unique=True).map(tuple),
    capabilities=_unique(_CAPABILITIES),
    security_opts=_unique(st.builds("{}={}".format, st.sampled_from(["apparmor", "seccomp", "label"]), _NAMES)),
    docker_network=_NAMES,
    docker_url=st.none() | st.builds("tcp://{}:2375".format, _NAMES),
    log_level=st.sampled_from(["debug", "info", "warning", "error"]),
    influxdb_url=_unique(_URLS | ANY_INFLUXDB),
)

_PIECES = st.sampled_from(
    [*DECLARATIONS, ": ", "\n", "- ", "[", "]", "{", "}", "&a ", "*a", "<<: ", "!!int ", '"', "'", "#", "1", "2e9", "~"]
)
ANY_TEXT = st.text(max_size=200) | st.lists(_PIECES | st.text(max_size=3), max_size=40).map("".join)
