"""The exporter of a real planctond: where the settings say, whatever happens to it, and in nobody's way."""

import contextlib
import signal
import socket
import threading
from functools import partial

import pytest

from plancton.common.messages import Mode
from plancton.common.processes import ProcessStatus
from plancton.common.requests import Drain, Reload
from tests.support.node import Node, node
from tests.support.running import free_port
from tests.support.waiting import wait_for
from tests.workers.metrics.scraping import get, read, slowest

pytestmark = pytest.mark.slow

NOTHING = ""


def listen_at(made: Node, address: str) -> None:
    made.configure(prometheus_address=address)
    assert made.ask(Reload()).ok


def told(port: int) -> dict[tuple[str, ...], float]:
    return read(get(port)[1])


def answers(port: int) -> bool:
    return get(port)[0] == 200


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def process(made: Node, name: str) -> ProcessStatus:
    return next(each for each in made.status().processes if each.name == name)


def test_it_listens_nowhere_until_the_settings_say_where_and_moves_with_them() -> None:
    first, second = free_port(), free_port()
    with node(None) as made:
        made.start()
        assert is_free(first)
        for here, there in ((first, second), (second, first)):
            listen_at(made, f"127.0.0.1:{here}")
            wait_for(partial(answers, here), 20, "it answers")
            wait_for(partial(is_free, there), 20, "and nowhere else")
        listen_at(made, NOTHING)
        wait_for(lambda: is_free(second), 20, "it listens nowhere")
        assert process(made, "metrics").restarts == 0


def test_what_it_tells_is_what_status_tells() -> None:
    port = free_port()
    with node(None, prometheus_address=f"127.0.0.1:{port}") as made:
        made.start()
        wait_for(lambda: told(port).get(("plancton_mode", "active")) == 1, 20, "it works")
        wait_for(lambda: ("plancton_host_cpus",) in told(port), 20, "the machine was looked at")
        wait_for(lambda: told(port).get(("plancton_engine_up",)) == 0, 20, "there is no engine")
        wait_for(lambda: told(port).get(("plancton_launches_held", "engine-unknown")) == 1, 20, "so launches are held")
        assert not [key for key in told(port) if key[0] == "plancton_pilots"], "nobody knows of any"
        status = made.status()
        assert status.host is not None
        assert told(port)["plancton_host_cpus",] == status.host.ncpus
        names = {each.name for each in status.processes}
        up = {key[1] for key, value in told(port).items() if key[0] == "plancton_process_up" and value}
        assert names <= up
        used = {key[1] for key in told(port) if key[0] == "plancton_process_pss_bytes"}
        assert up <= used | {"template"}, "what each uses is read"
        assert made.ask(Drain(reason="a new kernel")).ok
        wait_for(lambda: told(port).get(("plancton_mode", Mode.DRAINING.value)) == 1, 20, "it heeds the operator")


def test_an_address_in_use_is_a_warning_and_no_reason_to_stop() -> None:
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = squatter.getsockname()[1]
        with node(None, prometheus_address=f"127.0.0.1:{port}") as made:
            made.start()
            complaint = f"prometheus_address 127.0.0.1:{port} can't be listened at: Address already in use"
            wait_for(lambda: complaint in made.log(), 20, "it is told")
            squatter.close()
            wait_for(lambda: answers(port), 60, "it listens once it can")
            assert made.log().count(complaint) == 1
            assert process(made, "metrics").restarts == 0


def test_a_killed_exporter_is_back_at_its_place() -> None:
    port = free_port()
    with node(None, prometheus_address=f"127.0.0.1:{port}") as made:
        made.start()
        wait_for(lambda: answers(port), 20, "it answers")
        with socket.create_connection(("127.0.0.1", port)):
            killed = made.signal_worker("metrics", signal.SIGKILL)
            wait_for(lambda: made.works_again("metrics", killed), 20, "another one works")
        wait_for(lambda: told(port).get(("plancton_process_restarts_total", "metrics")) == 1, 20, "it tells of it")


def test_a_crowd_delays_neither_scrapes_nor_decisions() -> None:
    port = free_port()
    with node(None, prometheus_address=f"127.0.0.1:{port}") as made, contextlib.ExitStack() as stack:
        made.start()
        wait_for(lambda: answers(port), 20, "it answers")
        beats, generation = process(made, "metrics").beats, made.target().generation
        ended = threading.Event()
        stack.callback(ended.set)

        def ask_again_and_again() -> None:
            while not ended.is_set():
                with contextlib.suppress(AssertionError):  # Its place was given to another.
                    get(port)

        for _ in range(4):
            thread = threading.Thread(target=ask_again_and_again)
            thread.start()
            stack.callback(thread.join)
        # They are ended before they are waited for.
        stack.callback(ended.set)
        for _ in range(1500):
            idle = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            with contextlib.suppress(OSError):
                idle.sendall(b"GET /metrics HTTP/1.1\r\n")
        assert slowest(port) < 5.0
        wait_for(lambda: process(made, "metrics").beats >= beats + 3, 20, "its loop turns")
        wait_for(lambda: made.target().generation >= generation + 3, 20, "decisions are made")
        assert process(made, "metrics").late_seconds < 1.0
        assert process(made, "metrics").restarts == 0
        assert len(made.log().split("ERROR")) == 1
