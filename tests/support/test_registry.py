"""The real registry of tests: what is pushed is there to be pulled, by whoever may, and survives a restart."""

import docker.errors
import pytest

from tests.support.engine import Engine
from tests.support.registry import PASSWORD, USER, Registry

pytestmark = pytest.mark.engine


def test_what_is_pushed_is_here_only_after_a_pull_even_when_it_was_away(engine: Engine, registry: Registry) -> None:
    image_id, digest = registry.push("first")
    client = engine.client()
    try:
        with pytest.raises(docker.errors.ImageNotFound):
            client.images.get(registry.image)
        registry.stop()
        with pytest.raises(docker.errors.APIError, match="connection refused"):
            client.images.pull(registry.image)
        registry.start()
        assert client.images.pull(registry.image).id == image_id
        assert f"{registry.repository}@{digest}" in client.images.get(image_id).attrs["RepoDigests"]
        assert registry.push("second")[0] != image_id
        registry.remove_images()
        with pytest.raises(docker.errors.ImageNotFound):
            client.images.get(image_id)
    finally:
        client.close()


def test_whoever_does_not_log_in_is_refused(engine: Engine, registry_with_login: Registry) -> None:
    image_id, _digest = registry_with_login.push("first")
    client = engine.client()
    try:
        with pytest.raises(docker.errors.APIError, match="no basic auth credentials"):
            client.images.pull(registry_with_login.image)
        login = {"username": USER, "password": PASSWORD}
        assert client.images.pull(registry_with_login.image, auth_config=login).id == image_id
    finally:
        client.close()
