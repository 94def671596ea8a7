"""What makes another kind of pilot."""

import msgspec
import pytest

from plancton.common.settings import SPEC_KEYS, Settings
from plancton.common.spec import spec_hash


@pytest.mark.parametrize(
    "change", [{"docker_cmd": ("/bin/work",)}, {"cpus_per_dock": 2.0}, {"docker_image": "x"}, {"oom_score": 5}]
)
def test_a_setting_of_the_container_makes_another(change: dict[str, object]) -> None:
    assert set(change) <= SPEC_KEYS
    assert spec_hash(msgspec.structs.replace(Settings(), **change)) != spec_hash(Settings())


def test_any_other_setting_does_not() -> None:
    assert spec_hash(Settings(max_docks="3", grace_kill=5.0)) == spec_hash(Settings())
    assert len(spec_hash(Settings())) == 12
