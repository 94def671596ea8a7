"""The bus's sockets: for this user alone, never waiting, and no frame is taken for what it isn't."""

import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from plancton.common.bus import HEARS, Speaker, WorkerBus, bind_bus, bind_control, received, send
from plancton.common.codec import Envelope, ProtocolError, decode
from plancton.common.messages import Beat, PoolUnknown
from plancton.common.topics import Topic
from tests.support.waiting import wait_for

Socket = zmq.Socket[bytes]


@pytest.fixture
def context() -> Iterator[zmq.Context[Socket]]:
    """Yield a context, and drop all its sockets."""
    context: zmq.Context[Socket] = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the bus's path."""
    return tmp_path / "bus.sock"


@pytest.fixture
def supervisor(context: zmq.Context[Socket], path: Path) -> Socket:
    """Return the supervisor's end."""
    return bind_bus(context, path)


@pytest.fixture
def worker(path: Path) -> Iterator[WorkerBus]:
    """Yield a probe's end."""
    bus = WorkerBus(path, "probe", "0011")
    yield bus
    bus.close()


def arrived(socket: Socket, count: int = 1) -> list[list[bytes]]:
    """Wait until ``count`` messages came, and return them."""
    messages: list[list[bytes]] = []

    def enough() -> bool:
        messages.extend(received(socket))
        return len(messages) >= count

    wait_for(enough, 5, f"{count} messages")
    return messages


@pytest.mark.parametrize("bind", [bind_bus, bind_control])
def test_the_sockets_are_for_this_user_alone(
    bind: Callable[[zmq.Context[Socket], Path], Socket], context: zmq.Context[Socket], path: Path
) -> None:
    with bind(context, path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_worker_is_known_by_its_boot_id_and_heard_in_order(supervisor: Socket, worker: WorkerBus) -> None:
    for late in range(3):
        assert worker.say(Beat(ready=True, late_seconds=float(late)))
    messages = arrived(supervisor, 3)
    assert [identity for identity, *_ in messages] == [b"0011"] * 3
    envelopes = [decode(topic, data) for _, topic, data in messages]
    assert [(each.sender, each.boot, each.sequence) for each in envelopes] == [("probe", "0011", n) for n in (1, 2, 3)]
    assert [each.message for each in envelopes] == [Beat(ready=True, late_seconds=float(late)) for late in range(3)]
    assert abs(envelopes[0].monotonic - time.monotonic()) < 5.0


def test_a_worker_hears_what_is_sent_to_its_boot_id(supervisor: Socket, worker: WorkerBus) -> None:
    worker.say(Beat(ready=True))
    arrived(supervisor)
    frames = Speaker("supervisor", "ff").frames(PoolUnknown(why="no answer", since_unix=1.0))
    assert send(supervisor, [b"0011", *frames])
    heard: list[Envelope] = wait_for(lambda: list(worker.heard()), 5, "the message")
    assert [each.message for each in heard] == [PoolUnknown(why="no answer", since_unix=1.0)]


@pytest.mark.parametrize("garbage", [[b"beat"], [b"beat", b"garbage"], [b"a", b"b", b"c"], [b""]])
def test_garbage_is_an_error_and_what_follows_it_is_heard(
    supervisor: Socket, worker: WorkerBus, garbage: list[bytes]
) -> None:
    worker.say(Beat(ready=True))
    arrived(supervisor)
    send(supervisor, [b"0011", *garbage])
    send(supervisor, [b"0011", *Speaker("supervisor", "ff").frames(Beat(ready=False))])
    assert worker.socket.poll(5000)
    with pytest.raises(ProtocolError):
        list(worker.heard())
    assert [each.message for each in wait_for(lambda: list(worker.heard()), 5, "the rest")] == [Beat(ready=False)]


def test_without_a_supervisor_a_worker_drops_what_it_says_rather_than_wait(worker: WorkerBus) -> None:
    begun = time.monotonic()
    said = [worker.say(Beat(ready=True)) for _ in range(3000)]
    assert said[0]
    assert not said[-1]
    worker.close()
    assert time.monotonic() - begun < 3.0


def test_sending_to_nobody_neither_waits_nor_fails(supervisor: Socket) -> None:
    begun = time.monotonic()
    for _ in range(3000):
        send(supervisor, [b"nobody", b"beat", b"x"])
    assert time.monotonic() - begun < 3.0


def test_what_waits_is_taken_in_bounded_portions(supervisor: Socket, worker: WorkerBus) -> None:
    for _ in range(30):
        worker.say(Beat(ready=True))
    portions: list[int] = []

    def all_there() -> bool:
        portions.append(len(list(received(supervisor, most=2))))
        return sum(portions) == 30

    wait_for(all_there, 5, "all messages")
    assert max(portions) == 2


def test_a_message_larger_than_allowed_cuts_its_sender_off_and_nobody_else(
    context: zmq.Context[Socket], supervisor: Socket, worker: WorkerBus, path: Path
) -> None:
    with context.socket(zmq.DEALER) as rogue:
        rogue.setsockopt(zmq.LINGER, 0)
        rogue.setsockopt(zmq.ROUTING_ID, b"rogue")
        rogue.connect(f"ipc://{path}")
        rogue.send_multipart([b"beat", b"x" * (5 * 1024 * 1024)])
        worker.say(Beat(ready=True))
        assert [identity for identity, *_ in arrived(supervisor)] == [b"0011"]
        assert not supervisor.poll(100)


def test_every_topic_is_heard_by_the_metrics_worker_but_for_beats_which_are_the_supervisors() -> None:
    assert HEARS["metrics"] == frozenset(Topic) - {Topic.BEAT}
    assert all(Topic.BEAT not in topics for topics in HEARS.values())
    assert all(Topic.SETTINGS in topics for topics in HEARS.values())


def test_the_hands_never_hear_the_host_and_nobody_hears_the_voice_but_itself() -> None:
    assert all(Topic.HOST not in HEARS[hand] for hand in ("launcher", "reaper"))
    for figures in (Topic.COUNTERS, Topic.PROCESSES, Topic.ENGINE_CALLS):
        assert [name for name, topics in HEARS.items() if figures in topics] == ["metrics"]
