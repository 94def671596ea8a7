"""Hypothesis strategies of settings: any valid ones, and any text."""

from hypothesis import strategies as st

from plancton.common.declarations import DECLARATIONS
from plancton.common.settings import Device, Settings

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


def _unique(items: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(items, max_size=3, unique=True).map(tuple)


_DEVICES = st.builds(
    Device, path_on_host=_PATHS, path_in_container=_PATHS, cgroup_permissions=st.sampled_from(["r", "rw", "rwm", "mw"])
)

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
    influxdb_url=_unique(st.builds("http://{}:{}@{}:8086#{}".format, _NAMES, _NAMES, _NAMES, _NAMES)),
)

_PIECES = st.sampled_from(
    [*DECLARATIONS, ": ", "\n", "- ", "[", "]", "{", "}", "&a ", "*a", "<<: ", "!!int ", '"', "'", "#", "1", "2e9", "~"]
)
ANY_TEXT = st.text(max_size=200) | st.lists(_PIECES | st.text(max_size=3), max_size=40).map("".join)
