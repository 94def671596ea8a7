"""Images from a real registry: pulled, refreshed, done without while it's away, and had only by whoever logs in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plancton.common.decision import Hold
from plancton.common.messages import LauncherState
from plancton.common.reasons import Reason
from plancton.common.requests import Reload
from tests.support.engine import Engine
from tests.support.node import Node, node
from tests.support.registry import PASSWORD, Registry
from tests.support.waiting import wait_for

pytestmark = pytest.mark.engine


@pytest.fixture
def worker_node(engine: Engine, registry: Registry) -> Iterator[Node]:
    """Yield a node, not started yet, whose pilots run the registry's image, asked for anew every two seconds."""
    with node(engine, docker_image=registry.image, image_expiration=2, max_docks=2) as made:
        yield made


@pytest.fixture
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name an empty directory in DOCKER_CONFIG, where "docker login" would store what it's told."""
    directory = tmp_path / "docker"
    directory.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(directory))
    return directory


def fill(made: Node) -> None:
    wait_for(made.full, 30, "the node is full")


def grow(made: Node, to: int) -> None:
    made.configure(max_docks=to)
    assert made.ask(Reload()).ok
    fill(made)


def images_of_pilots(made: Node) -> list[str]:
    """Return the images of the pilots that run, oldest pilot first."""
    return [container["ImageID"] for container in sorted(made.containers(), key=lambda each: each["Created"])]


def launcher(made: Node) -> LauncherState:
    state = made.status().launcher
    assert state is not None
    return state


def image_hold(made: Node, why: str) -> Hold:
    """Return the hold for want of an image; another one, or none, is a failed assertion."""
    hold = made.target().hold
    assert hold is not None
    assert hold.reason is Reason.NO_IMAGE
    assert why in hold.detail
    return hold


def test_defect_8_a_missing_image_is_pulled_from_a_registry_with_a_port(worker_node: Node, registry: Registry) -> None:
    image_id, _digest = registry.push("first")
    worker_node.start()
    fill(worker_node)
    assert images_of_pilots(worker_node) == [image_id] * 2
    state = launcher(worker_node)
    assert (state.image, state.image_id, state.detail) == (registry.image, image_id, "")
    assert state.pulled_unix is not None


def test_defect_8_an_image_is_had_by_its_digest(engine: Engine, registry: Registry) -> None:
    image_id, digest = registry.push("first")
    registry.push("second")
    with node(engine, docker_image=f"{registry.repository}@{digest}", max_docks=1) as made:
        made.start()
        fill(made)
        assert images_of_pilots(made) == [image_id]


def test_defect_8_an_update_goes_to_new_pilots_and_running_ones_live_on(worker_node: Node, registry: Registry) -> None:
    first, _digest = registry.push("first")
    worker_node.start()
    fill(worker_node)
    before = {container["Id"] for container in worker_node.containers()}
    second, _digest = registry.push("second")
    wait_for(lambda: launcher(worker_node).image_id == second, 20, "the update is noticed")
    grow(worker_node, 3)
    assert images_of_pilots(worker_node) == [first, first, second]
    assert before < {container["Id"] for container in worker_node.containers()}


def test_with_the_image_here_a_registry_that_is_away_is_a_warning(worker_node: Node, registry: Registry) -> None:
    image_id, _digest = registry.push("first")
    worker_node.start()
    fill(worker_node)
    registry.stop()
    # One that is just going may break off an answer first.
    refused = "connection refused; going on with the local image"
    wait_for(lambda: refused in launcher(worker_node).detail, 20, "the warning")
    told = worker_node.control("status").stdout
    assert "can't be pulled: " in told
    assert "connection refused; going on with the local image" in told
    grow(worker_node, 4)
    assert images_of_pilots(worker_node) == [image_id] * 4
    registry.start()
    wait_for(lambda: not launcher(worker_node).detail, 20, "the warning is gone")


@pytest.mark.parametrize("remedy", [Registry.start, lambda registry: registry.load("local")])
def test_with_neither_image_nor_registry_launches_wait_for_either(
    worker_node: Node, registry: Registry, remedy: Callable[[Registry], object]
) -> None:
    registry.push("first")
    registry.stop()
    worker_node.start()
    hold = wait_for(lambda: image_hold(worker_node, "connection refused"), 20, "the hold says why")
    assert hold.detail.startswith(f"{registry.image} is neither here nor to be had: can't be pulled: ")
    assert f"held: no-image: {registry.image} is neither here nor to be had" in worker_node.control("status").stdout
    assert worker_node.containers(running=False) == []
    remedy(registry)
    fill(worker_node)


def test_an_image_that_the_registry_does_not_have_is_told_as_such(worker_node: Node, registry: Registry) -> None:
    registry.push("first")
    worker_node.configure(docker_image=f"{registry.repository}:2")
    worker_node.start()
    wait_for(lambda: image_hold(worker_node, "manifest unknown"), 20, "the hold says why")


@pytest.mark.parametrize(("password", "refusal"), [(None, "no basic auth credentials"), ("guess", "unauthorized")])
def test_defect_8_a_registry_that_wants_a_login_gets_what_docker_login_stored(
    engine: Engine,
    registry_with_login: Registry,
    docker_config: Path,
    password: str | None,
    refusal: str,
) -> None:
    image_id, _digest = registry_with_login.push("first")
    if password:
        registry_with_login.store_login(docker_config, password)
    with node(engine, docker_image=registry_with_login.image, image_expiration=2) as made:
        made.start()
        wait_for(lambda: image_hold(made, refusal), 20, "the hold says why")
        registry_with_login.store_login(docker_config)
        fill(made)
        assert images_of_pilots(made) == [image_id] * 3
        assert PASSWORD not in made.control("status").stdout + made.log()
