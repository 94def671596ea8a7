"""The fixtures that all tests share: real parts, ended by whoever started them. One that is missing is a failure."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.black_hole import BlackHole
from tests.support.black_hole import black_hole as black_hole_server
from tests.support.contract import Stage, fake_stage, real_stage
from tests.support.engine import Engine, any_engine, private_engine
from tests.support.influx import Influx
from tests.support.influx import influxd as influxd_server
from tests.support.registry import Registry
from tests.support.registry import registry as running_registry


@pytest.fixture(scope="session", autouse=True)
def sigint() -> None:
    """What Ctrl-C does in a terminal; what a shell starts in the background ignores it, and so would our programs."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A Docker engine with the busybox image, shared by all tests: remove what you start, and break nothing."""
    with any_engine() as shared:
        yield shared


@pytest.fixture(scope="session")
def engine_url(engine: Engine) -> str:
    """The shared engine's DOCKER_HOST."""
    return engine.url


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.engine)])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A stage for a contract, first with the fake engine and then with the real one."""
    if request.param == "fake":
        with fake_stage() as fake:
            yield fake
    else:
        with real_stage(request.getfixturevalue("engine_url")) as real:
            yield real


@pytest.fixture
def own_engine() -> Iterator[Engine]:
    """A private Docker engine for this test alone, which may freeze it, kill it or start it again."""
    with private_engine() as private:
        yield private


@pytest.fixture
def influxd(tmp_path: Path) -> Iterator[Influx]:
    """A running InfluxDB 1.x that asks for no login."""
    with influxd_server(tmp_path / "influxd") as database:
        yield database


@pytest.fixture
def influxd_with_login(tmp_path: Path) -> Iterator[Influx]:
    """A running InfluxDB 1.x that refuses whoever doesn't log in."""
    with influxd_server(tmp_path / "influxd-with-login", login=True) as database:
        yield database


@pytest.fixture
def black_hole() -> Iterator[BlackHole]:
    """A server that accepts and never answers."""
    with black_hole_server() as hole:
        yield hole


@pytest.fixture
def registry(engine: Engine, tmp_path: Path) -> Iterator[Registry]:
    """A running image registry for the shared engine, which asks for no login."""
    with running_registry(engine, tmp_path / "registry") as served:
        yield served


@pytest.fixture
def registry_with_login(engine: Engine, tmp_path: Path) -> Iterator[Registry]:
    """A running image registry for the shared engine, which refuses whoever doesn't log in."""
    with running_registry(engine, tmp_path / "registry-with-login", login=True) as served:
        yield served
