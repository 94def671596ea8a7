"""Every setting of a pilot reaches its container: in the create body, and in what the real engine makes of it."""

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plancton.common.engine import Engine
from plancton.common.engine_types import EngineInfo
from plancton.common.naming import cgroup_of, container_name, parse_labels
from plancton.common.pilot_directory import PilotDirectories, Word, mounts
from plancton.common.settings import SPEC_KEYS, Device, Settings
from plancton.common.spec import spec_hash
from plancton.supervisor.cgroups import remove_empty
from plancton.workers.launcher.container import create_body
from tests.fakes.engine import INFO
from tests.support.contract import done
from tests.support.engine import Engine as RealEngine

INSTANCE = "0123abcd"


def directory_of(settings: Settings) -> list[str]:
    """Return the binds of a directory as the launcher asks for them."""
    return mounts(Path("/state/pilots/p"), settings.pilot_directory) if settings.pilot_directory else []


def body_of(settings: Settings, info: EngineInfo = INFO, directory: Sequence[str] = ()) -> dict[str, Any]:
    """Return the create body for a pilot of these settings."""
    return create_body(
        settings,
        directory,
        image="sha256:1",
        node="node7.example",
        instance=INSTANCE,
        slot=3,
        incarnation=41,
        info=info,
    )


def host_config(settings: Settings, info: EngineInfo = INFO) -> dict[str, Any]:
    """Return the body's host part."""
    config: dict[str, Any] = body_of(settings, info)["HostConfig"]
    return config


def test_the_defaults_are_the_originals_but_for_the_owners_sake() -> None:
    body = body_of(Settings())
    assert (body["Image"], body["Cmd"], body["User"]) == ("sha256:1", ["/bin/sleep", "60"], "0:0")
    assert body["Hostname"] == "plancton-node7-3-41"
    assert body["Labels"]["plancton.instance"] == INSTANCE
    assert body["HostConfig"] == {
        "CpuPeriod": 100_000,
        "CpuQuota": 100_000,
        "Memory": 2_000_000_000,
        "MemorySwap": 2_000_000_000,
        "NetworkMode": "bridge",
        "Privileged": False,
        "Binds": [],
        "Devices": [],
        "CapAdd": [],
        "CapDrop": [],
        "SecurityOpt": [],
        "OomScoreAdj": 1000,
        "CgroupParent": "/plancton-0123abcd",
    }


def test_labels_tell_the_pilot_and_what_it_was_made_of() -> None:
    identity = parse_labels(body_of(Settings())["Labels"])
    assert identity is not None
    assert (identity.slot, identity.incarnation, identity.spec) == (3, 41, spec_hash(Settings()))


def test_no_command_leaves_the_images_own() -> None:
    assert "Cmd" not in body_of(Settings(docker_cmd=()))


def test_a_shared_network_brings_its_own_host_name() -> None:
    assert "Hostname" not in body_of(Settings(docker_network="container:proxy"))


@pytest.mark.parametrize(
    ("cpus", "quota", "period"),
    [
        (1.0, 100_000, 100_000),
        (2.25, 225_000, 100_000),
        (0.5, 50_000, 100_000),
        (0.25, 50_000, 200_000),
        (0.01, 10_000, 1_000_000),
    ],
)
def test_cpus_are_a_hard_quota_and_a_small_one_has_a_longer_period(cpus: float, quota: int, period: int) -> None:
    config = host_config(Settings(cpus_per_dock=cpus))
    assert (config["CpuQuota"], config["CpuPeriod"]) == (quota, period)


@given(st.floats(min_value=0.01, max_value=4096.0))
def test_the_quotas_share_is_what_was_asked_for_within_what_the_kernel_takes(cpus: float) -> None:
    config = host_config(Settings(cpus_per_dock=cpus))
    assert config["CpuQuota"] / config["CpuPeriod"] == pytest.approx(cpus, rel=1e-4)
    assert config["CpuQuota"] >= 1_000
    assert 1_000 <= config["CpuPeriod"] <= 1_000_000


def test_swap_comes_on_top_of_memory() -> None:
    config = host_config(Settings(max_dock_mem=10**9, max_dock_swap=5 * 10**8))
    assert (config["Memory"], config["MemorySwap"]) == (10**9, 15 * 10**8)


@pytest.mark.parametrize(
    ("bind", "expected"),
    [
        ("/a:/b", "/a:/b:ro"),
        ("/a:/b:ro", "/a:/b:ro"),
        ("/a:/b:rw", "/a:/b:rw"),
        ("/a:/b:rw,shared,Z", "/a:/b:rw,shared,Z"),
        ("/a:/b:shared,Z", "/a:/b:ro,shared,Z"),
        ("cache:/b:z", "cache:/b:ro,z"),
    ],
)
def test_a_bind_is_read_only_unless_it_says_rw(bind: str, expected: str) -> None:
    assert host_config(Settings(binds=(bind,)))["Binds"] == [expected]


def test_a_pilot_sees_its_directory_and_is_told_where() -> None:
    body = body_of(Settings(binds=("/a:/b",)), directory=["/d:/plancton:ro", "/d/out:/plancton/out:rw"])
    assert body["HostConfig"]["Binds"] == ["/a:/b:ro", "/d:/plancton:ro", "/d/out:/plancton/out:rw"]
    assert body["Env"] == ["PLANCTON_DIRECTORY=/plancton"]


def test_without_a_directory_it_is_told_of_none() -> None:
    body = body_of(Settings())
    assert body["HostConfig"]["Binds"] == []
    assert "Env" not in body


@pytest.mark.parametrize("inside", ["/plancton", "/plancton/", "//plancton", "/plancton/out", "/plancton/./out/"])
def test_a_bind_of_the_operators_wins_over_the_directory(inside: str) -> None:
    settings = Settings(binds=(f"/a:{inside}:rw",))
    body = body_of(settings, directory=directory_of(settings))
    assert body["HostConfig"]["Binds"] == [f"/a:{inside}:rw"]
    assert "Env" not in body


def test_a_bind_beside_the_directory_changes_nothing() -> None:
    settings = Settings(binds=("/a:/planctonic", "/b:/plancton/more"))
    assert len(body_of(settings, directory=directory_of(settings))["HostConfig"]["Binds"]) == 4


def test_no_oom_score_leaves_the_engines_own() -> None:
    assert "OomScoreAdj" not in host_config(Settings(oom_score=0))
    assert host_config(Settings(oom_score=-5))["OomScoreAdj"] == -5


def test_capabilities_are_added_and_dropped() -> None:
    config = host_config(Settings(capabilities=("SYS_ADMIN", "+NET_ADMIN", "-MKNOD")))
    assert (config["CapAdd"], config["CapDrop"]) == (["SYS_ADMIN", "NET_ADMIN"], ["MKNOD"])


def test_security_options_are_used_only_where_apparmor_is_on() -> None:
    settings = Settings(security_opts=("apparmor=pilot",))
    assert host_config(settings)["SecurityOpt"] == []
    assert host_config(settings, msgspec.structs.replace(INFO, apparmor=True))["SecurityOpt"] == ["apparmor=pilot"]


@pytest.mark.parametrize(
    ("driver", "parent"),
    [("cgroupfs", "/plancton-0123abcd"), ("systemd", "plancton-0123abcd.slice"), ("none", None)],
)
def test_the_parent_cgroup_is_in_the_drivers_words(driver: str, parent: str | None) -> None:
    config = host_config(Settings(), msgspec.structs.replace(INFO, cgroup_driver=driver))
    assert config.get("CgroupParent") == parent


OTHER_VALUES: dict[str, Any] = {
    "docker_image": "busybox:1.36",
    "docker_cmd": ("/bin/true",),
    "cpus_per_dock": 0.5,
    "max_dock_mem": 10**9,
    "max_dock_swap": 1,
    "user_group": "1000:1000",
    "binds": ("/a:/b",),
    "devices": (Device(path_on_host="/dev/fuse", path_in_container="/dev/fuse"),),
    "capabilities": ("SYS_ADMIN",),
    "security_opts": ("apparmor=pilot",),
    "oom_score": 0,
    "pilot_directory": "/mine",
    "docker_privileged": True,
    "docker_network": "none",
}


def test_each_setting_of_a_pilot_makes_another_spec_and_no_other_setting_does() -> None:
    assert set(OTHER_VALUES) == SPEC_KEYS
    changed = [msgspec.structs.replace(Settings(), **{key: value}) for key, value in OTHER_VALUES.items()]
    specs = {spec_hash(settings) for settings in (Settings(), *changed)}
    assert len(specs) == len(changed) + 1
    assert all(re.fullmatch("[0-9a-f]{12}", spec) for spec in specs)
    assert spec_hash(Settings(max_docks="3", main_sleep=1.0, docker_url="unix:///x")) == spec_hash(Settings())


def test_each_setting_of_a_pilot_but_the_image_is_seen_in_the_body() -> None:
    info = msgspec.structs.replace(INFO, apparmor=True)
    for key, value in OTHER_VALUES.items():
        settings = msgspec.structs.replace(Settings(), **{key: value})
        body = body_of(settings, info, directory_of(settings))
        before = body_of(Settings(), info, directory_of(Settings()))
        del body["Labels"], before["Labels"]
        assert (body == before) is (key == "docker_image"), key


EVERYTHING = Settings(
    docker_cmd=("/bin/sh", "-c", "echo $0 'two words'; exec sleep 100", "zero"),
    cpus_per_dock=0.25,
    max_dock_mem=64 * 2**20,
    max_dock_swap=32 * 2**20,
    user_group="12:34",
    binds=("/etc:/host-etc", "/tmp:/host-tmp:rw"),
    devices=(Device(path_on_host="/dev/zero", path_in_container="/dev/nothing", cgroup_permissions="r"),),
    capabilities=("+SYS_PTRACE", "-MKNOD"),
    security_opts=("apparmor=no-such-profile",),
    oom_score=345,
    pilot_directory="/its/own",
    docker_network="none",
)
WORD = """\
cd $PLANCTON_DIRECTORY && cat deadline && echo busy 1700000000 > out/new && mv out/new out/state || exit 1
echo 2 2> /dev/null > deadline && exit 2
mv out aside 2> /dev/null && exit 3
touch another 2> /dev/null && exit 4
exit 0
"""
"""What a pilot may do with its directory, and what not."""


@pytest.mark.engine
def test_every_setting_reaches_a_real_container(engine: RealEngine, tmp_path: Path) -> None:
    client = engine.client()
    ours = Engine(engine.url)
    with contextlib.closing(client):
        info = msgspec.structs.replace(done(ours.info()), apparmor=False)
        image = done(ours.image_id("busybox"))
        assert image
        name = container_name(INSTANCE, 1, 2)
        directories = PilotDirectories(tmp_path)
        directory = mounts(directories.create(name, EVERYTHING.user_group, 1_900_000_000.0), "/its/own")
        body = create_body(
            EVERYTHING, directory, image=image, node="node7", instance=INSTANCE, slot=1, incarnation=2, info=info
        )
        container = done(ours.create(body, name))
        try:
            assert ours.start(container) is None
            seen = client.api.inspect_container(container)
            process = Path(f"/proc/{seen['State']['Pid']}")
            cgroups, oom_score = (process / "cgroup").read_text(), (process / "oom_score_adj").read_text()
            shown = "id -u; id -g; hostname; ls -d /host-etc /host-tmp /dev/nothing; head -c 3 /dev/nothing | wc -c"
            run = client.containers.get(container).exec_run
            code, output = run(["/bin/sh", "-c", shown])
            # By itself: what is written to both streams comes in any order.
            refused, error = run(["touch", "/host-etc/x"])
            code_of_word, deadline = run(["/bin/sh", "-c", WORD])
            word = directories.read_word(name)
        finally:
            assert ours.remove(container, force=True) is None
            remove_empty(INSTANCE)
    assert f"/{cgroup_of(container, INSTANCE, info.cgroup_driver)}\n" in cgroups
    assert (code, refused) == (0, 1)
    assert isinstance(output, bytes)
    lines = output.decode().splitlines()
    assert lines[:3] == ["12", "34", "plancton-node7-1-2"]
    assert sorted(lines[3:6]) == ["/dev/nothing", "/host-etc", "/host-tmp"]
    assert lines[6:] == ["3"]
    assert error == b"touch: /host-etc/x: Read-only file system\n"
    assert (code_of_word, deadline) == (0, b"1900000000\n")
    assert word == Word(busy_since_unix=1_700_000_000.0)
    host = seen["HostConfig"]
    assert (host["CpuQuota"], host["CpuPeriod"]) == (50_000, 200_000)
    assert (host["Memory"], host["NetworkMode"], host["Privileged"]) == (64 * 2**20, "none", False)
    assert host["MemorySwap"] in {96 * 2**20, -1}, "-1 where the kernel can't account swap"
    assert host["Binds"] == ["/etc:/host-etc:ro", "/tmp:/host-tmp:rw", *directory]
    assert oom_score == "345\n"
    assert (host["CapAdd"], host["CapDrop"]) == (["SYS_PTRACE"], ["MKNOD"])
    assert host["CgroupParent"] == body["HostConfig"]["CgroupParent"]
    assert seen["Config"]["Cmd"] == list(EVERYTHING.docker_cmd)
    assert seen["Config"]["Labels"].items() >= body["Labels"].items()
