"""A real image registry for tests: Debian's docker-registry on the loopback interface of the engine's network."""

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import docker

from tests.support.engine import Engine
from tests.support.running import free_port, program, running
from tests.support.waiting import wait_for

USER, PASSWORD = "ada", "open sesame"
# What "htpasswd -B" makes of them: no other kind of hash is understood.
HTPASSWD = "ada:$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW\n"
IMAGE = "pilots/worker"
TAG = "1"
LABEL = "plancton.tests.registry"


class Registry:
    """One registry, which may be stopped and started again with what was pushed to it.

    Pilots' images have its name ``localhost``. What is pushed goes there as ``127.0.0.1``, so that the engine has it
    under the other name only after a pull.
    """

    def __init__(self, engine: Engine, directory: Path, *, login: bool = False) -> None:
        """Keep everything in the directory; nothing runs yet. With ``login`` it refuses whoever isn't ``USER``."""
        self._engine = engine
        self._directory = directory
        self._login = login
        self._port = free_port()
        self._running = ExitStack()
        directory.mkdir()

    @property
    def repository(self) -> str:
        """The repository that everything is pushed to, by the name that pilots' images have."""
        return f"localhost:{self._port}/{IMAGE}"

    @property
    def image(self) -> str:
        """The value of ``docker_image`` for what is pushed."""
        return f"{self.repository}:{TAG}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        directory, config = self._directory, self._directory / "config.json"
        config.write_text(json.dumps(self._config()), encoding="utf-8")  # YAML too.
        (directory / "htpasswd").write_text(HTPASSWD, encoding="utf-8")
        command = [*self._engine.network_prefix, program("docker-registry", "docker-registry"), "serve", str(config)]
        process = self._running.enter_context(running(command, directory / "log"))
        wait_for(lambda: self._listens() or process.poll() is not None, 20.0, f"it listens; its log: {directory}/log")
        assert process.poll() is None, (directory / "log").read_text(encoding="utf-8")[-2000:]

    def stop(self) -> None:
        """End it if it runs."""
        self._running.close()

    def push(self, edition: str) -> tuple[str, str]:
        """Make an image that differs from other editions, push it, and return its id and its digest.

        It's known to the registry under ``image``'s tag, and the engine has it no longer.
        """
        pushed = f"127.0.0.1:{self._port}/{IMAGE}"
        client = self._engine.client()
        try:
            image_id = self._make(client, pushed, edition)
            login = {"username": USER, "password": PASSWORD} if self._login else None
            lines: list[dict[str, Any]] = list(
                client.images.push(pushed, TAG, auth_config=login, stream=True, decode=True)
            )
            assert not any("error" in line for line in lines), lines
            client.images.remove(f"{pushed}:{TAG}")
        finally:
            client.close()
        return image_id, next(line["aux"]["Digest"] for line in lines if "aux" in line)

    def load(self, edition: str) -> str:
        """Make such an image in the engine by hand, under the very name that pilots' images have; return its id."""
        client = self._engine.client()
        try:
            return self._make(client, self.repository, edition)
        finally:
            client.close()

    def store_login(self, docker_config: Path, password: str = PASSWORD) -> None:
        """Write what "docker login" stores into the directory that DOCKER_CONFIG names."""
        login = base64.b64encode(f"{USER}:{password}".encode()).decode()
        content = {"auths": {f"localhost:{self._port}": {"auth": login}}}
        (docker_config / "config.json").write_text(json.dumps(content), encoding="utf-8")

    def remove_images(self) -> None:
        """Remove from the engine all that was ever made for this registry, or pulled from it."""
        client = self._engine.client()
        try:
            for image in client.images.list(filters={"label": f"{LABEL}={self._port}"}):
                client.images.remove(str(image.id), force=True)
        finally:
            client.close()

    def _config(self) -> dict[str, object]:
        auth = {"htpasswd": {"realm": "tests", "path": f"{self._directory}/htpasswd"}}
        return {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": f"{self._directory}/data"}},
            "http": {"addr": f"127.0.0.1:{self._port}", "secret": "tests"},
            **({"auth": auth} if self._login else {}),
        }

    def _listens(self) -> bool:
        connect = ["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{self._port}"]
        command = [*self._engine.network_prefix, *connect]
        return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0

    def _make(self, client: docker.DockerClient, repository: str, edition: str) -> str:
        container = client.containers.create("busybox", "/bin/true", network_mode="none")
        try:
            changes = [f"LABEL {LABEL}={self._port}", f"LABEL edition={edition}"]
            return str(container.commit(repository, TAG, changes=changes).id)
        finally:
            container.remove(force=True)


@contextmanager
def registry(engine: Engine, directory: Path, *, login: bool = False) -> Iterator[Registry]:
    """Yield a registry that runs, and leave nothing of it in the engine."""
    made = Registry(engine, directory, login=login)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        made.remove_images()
