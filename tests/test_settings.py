"""The declarations hold together, travel on the bus, and give what was promised to earlier users."""

import msgspec
import pytest
from hypothesis import given

from plancton.common.settings import SPEC_KEYS, Device, Settings
from tests.support.any_settings import ANY_SETTINGS

PROMISED = {
    "influxdb_url": (),
    "updateconfig": 60.0,
    "image_expiration": 43200.0,
    "main_sleep": 30.0,
    "grace_kill": 120.0,
    "grace_spawn": 60.0,
    "cpus_per_dock": 1.0,
    "max_docks": "max(1, ncpus - 2)",
    "docks_per_loop": 4,
    "max_ttl": 43200.0,
    "docker_image": "busybox",
    "docker_cmd": ("/bin/sleep", "60"),
    "docker_privileged": False,
    "max_dock_mem": 2_000_000_000,
    "max_dock_swap": 0,
    "user_group": "0:0",
    "binds": (),
    "devices": (),
    "capabilities": (),
    "security_opts": (),
}


@pytest.mark.parametrize(("name", "value"), PROMISED.items())
def test_every_setting_of_earlier_versions_keeps_its_name_and_default(name: str, value: object) -> None:
    assert getattr(Settings(), name) == value


@given(ANY_SETTINGS)
def test_any_settings_survive_the_bus(settings: Settings) -> None:
    sent = msgspec.msgpack.encode(msgspec.to_builtins(settings))
    assert msgspec.convert(msgspec.msgpack.decode(sent), Settings) == settings


def test_the_defaults_are_within_their_own_bounds() -> None:
    assert msgspec.convert(msgspec.to_builtins(Settings()), Settings) == Settings()


def test_the_spec_is_what_a_container_is_made_of() -> None:
    assert {"docker_image", "docker_cmd", "cpus_per_dock", "max_dock_mem", "binds", "docker_network"} <= SPEC_KEYS
    assert not {"max_docks", "max_ttl", "stop_grace", "docker_url", "influxdb_url", "image_expiration"} & SPEC_KEYS


@pytest.mark.parametrize(
    "image",
    [
        "busybox",
        "busybox:1.36",
        "plancton/slc6-fuse-ab:latest",
        "registry:5000/name:tag",
        "registry:5000/some/deep/name",
        "localhost/x",
        "ghcr.io/owner/name@sha256:" + "a" * 64,
        "name:tag@sha256:" + "0" * 64,
        "[::1]:5000/name",
        "sha256:" + "b" * 64,
        "a__b/c-d.e--f",
    ],
)
def test_image_references_of_every_form_are_taken(image: str) -> None:
    assert msgspec.convert({"docker_image": image}, Settings).docker_image == image


@pytest.mark.parametrize(
    "image",
    ["", "Busybox", "name:", "name:tag:tag", "a b", "http://name", "name@sha256:12", "/name", "name/", "a" + "\n"],
)
def test_what_is_no_image_reference_is_refused(image: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"docker_image": image}, Settings)


@pytest.mark.parametrize("permissions", ["", "rr", "x", "rwmr"])
def test_device_permissions_are_each_letter_once(permissions: str) -> None:
    device = {"path_on_host": "/dev/fuse", "path_in_container": "/dev/fuse", "cgroup_permissions": permissions}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(device, Device)
