"""The exporter listens where the setting says, moves when that changes, and tries again where it can't."""

import logging
import select
import socket
import threading

import pytest

from tests.support.running import free_port
from tests.support.waiting import wait_for
from tests.workers.metrics.scraping import exporter, get, read


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_it_serves_what_was_published_last() -> None:
    port = free_port()
    with exporter(f"127.0.0.1:{port}") as made:
        wait_for(lambda: read(get(port)[1])[("plancton_fizzles_total",)] == 3, 20, "the totals are there")
        made.published.snapshot = None
        assert get(port) == (200, "")


@pytest.mark.parametrize(("host", "name"), [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("[::1]", "[::1]")])
def test_it_listens_at_every_kind_of_loopback_address(host: str, name: str) -> None:
    port = free_port()
    with exporter(f"{host}:{port}"):
        wait_for(lambda: get(port, host=name)[0] == 200, 20, "it answers")


def test_it_moves_with_the_setting_and_leaves_the_former_place_free() -> None:
    first, second = free_port(), free_port()
    with exporter(f"127.0.0.1:{first}") as made:
        wait_for(lambda: get(first)[0] == 200, 20, "it answers")
        made.follow(f"127.0.0.1:{second}")
        wait_for(lambda: get(second)[0] == 200, 20, "it answers at the other place")
        with pytest.raises(AssertionError, match="refused"):
            get(first)
        made.follow("")
        wait_for(lambda: is_free(second), 20, "nothing listens any more")
        made.follow(f"127.0.0.1:{second}")
        wait_for(lambda: get(second)[0] == 200, 20, "it's back")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_without_an_address_nothing_listens_and_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with exporter():
        pass
    assert caplog.records == []


def test_it_waits_for_what_happens_and_wakes_for_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float | None] = []

    def counted(listened: list[int], _w: object, _x: object, seconds: float | None) -> object:
        waits.append(seconds)
        return real(listened, [], [], seconds)

    real = select.select
    monkeypatch.setattr(select, "select", counted)
    port = free_port()
    with exporter() as made:
        wait_for(lambda: waits == [None], 20, "it waits until somebody rings")
        made.follow(f"127.0.0.1:{port}")
        wait_for(lambda: waits == [None, None], 20, "it waits until somebody comes")
        made.follow("")
        wait_for(lambda: waits == [None, None, None], 20, "it waits until somebody rings")


def test_an_address_in_use_is_told_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = squatter.getsockname()[1]
        with exporter(f"127.0.0.1:{port}"):
            (told,) = wait_for(lambda: warnings(caplog), 20, "it is told")
            assert told == (
                f"prometheus_address 127.0.0.1:{port} can't be listened at: Address already in use; trying again"
            )
            tried = wait_for(lambda: squatter.fileno() >= 0 and list(warnings(caplog)), 20, "once")
            squatter.close()
            wait_for(lambda: get(port)[0] == 200, 30, "it listens once it can")
            assert warnings(caplog) == tried == [told]
    assert caplog.records[-1].getMessage() == f"Prometheus finds http://127.0.0.1:{port}/metrics"


def test_it_tries_more_and_more_seldom_but_every_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def hurried(listened: list[int], _w: object, _x: object, seconds: float | None) -> object:
        if seconds is None or len(waits) == 9:
            return real(listened, [], [], None)
        waits.append(seconds)
        return [], [], []

    real = select.select
    monkeypatch.setattr(select, "select", hurried)
    with socket.create_server(("127.0.0.1", 0)) as squatter, exporter(f"127.0.0.1:{squatter.getsockname()[1]}"):
        wait_for(lambda: waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0], 20, "it tries again and again")


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1:0", "there is no port 0"),
        ("127.0.0.1:65536", "there is no port 65536"),
        ("127.0.0.1:99999", "there is no port 99999"),
        ("127.0.0.999:9273", "'127.0.0.999' does not appear to be an IPv4 or IPv6 address"),
    ],
)
def test_an_impossible_address_is_told_and_another_one_heeded_at_once(
    address: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    with exporter(address) as made:
        (told,) = wait_for(lambda: warnings(caplog), 20, "it is told")
        assert told == f"prometheus_address {address} can't be listened at: {why}; trying again"
        made.follow(f"127.0.0.1:{port}")
        wait_for(lambda: get(port)[0] == 200, 20, "it doesn't wait for the next attempt")


def test_no_name_is_looked_up(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def lookup(*asked: object, **_: object) -> None:
        raise AssertionError(asked)

    port = free_port()
    for name in ("getaddrinfo", "gethostbyname", "getfqdn", "gethostbyaddr"):
        monkeypatch.setattr(socket, name, lookup)
    with exporter(f"localhost:{port}"):
        wait_for(lambda: not is_free(port), 20, "it listens")
    assert warnings(caplog) == []


def new_threads(before: set[threading.Thread]) -> list[str]:
    return [each.name for each in threading.enumerate() if each not in before]


def test_it_ends_with_its_thread() -> None:
    before = set(threading.enumerate())
    port = free_port()
    with exporter(f"127.0.0.1:{port}"):
        wait_for(lambda: get(port)[0] == 200, 20, "it answers")
        wait_for(lambda: new_threads(before) == ["prometheus"], 20, "the answer is given")
    assert set(threading.enumerate()) <= before
    assert is_free(port)
