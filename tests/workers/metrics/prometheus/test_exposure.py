"""What is heard is kept from the start, and shown once somebody may ask; until then nothing is loaded for it."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from plancton import __version__
from plancton.common.codec import Envelope
from plancton.common.messages import Counters, Intent, LaunchOutcome, Message, Mode, Outcome
from plancton.common.points import Point
from plancton.common.reasons import Reason
from plancton.common.topics import TOPIC_OF
from plancton.workers.metrics.prometheus.exposure import Exposure
from tests.support.running import free_port
from tests.support.waiting import wait_for
from tests.workers.metrics.scraping import get, read

LAUNCH = LaunchOutcome(slot=1, incarnation=1, name="p", outcome=Outcome.DONE, reason=Reason.ROOM, seconds=0.2)
HANDBACK = Point(series="handback", tags={"by": "ended"}, fields={"seconds": 2.0}, time_unix_ns=1)


@pytest.fixture
def exposure() -> Iterator[Exposure]:
    """Yield one that serves nothing yet."""
    made = Exposure()
    yield made
    made.close()


def tell(exposure: Exposure, message: Message) -> None:
    exposure.hear(
        Envelope(
            topic=TOPIC_OF[type(message)],
            sender="s",
            boot="b",
            sequence=1,
            monotonic=time.monotonic(),
            message=message,
        )
    )


def test_what_was_heard_before_anybody_could_ask_is_shown(exposure: Exposure) -> None:
    tell(exposure, Intent(mode=Mode.DRAINING, since_unix=0.0))
    tell(exposure, LAUNCH)
    exposure.put([HANDBACK])
    exposure.publish(Counters())
    port = free_port()
    exposure.follow(f"127.0.0.1:{port}")
    wait_for(lambda: get(port) == (200, ""), 20, "nothing was published since then")
    exposure.publish(Counters(fizzled=7))
    told = read(get(port)[1])
    assert told["plancton_mode", "draining"] == 1
    assert told["plancton_launches_total", "done"] == 1
    assert told["plancton_handback_duration_seconds_sum", "ended"] == 2.0
    assert told["plancton_handback_duration_seconds_bucket", "ended", "2.5"] == 1
    assert told["plancton_handback_duration_seconds_bucket", "ended", "1.0"] == 0
    assert told["plancton_handback_duration_seconds_bucket", "ended", "+Inf"] == 1
    assert told["plancton_fizzles_total",] == 7
    hostname = socket.gethostname().partition(".")[0]
    assert told["plancton_build_info", hostname, __version__] == 1


def test_a_snapshot_that_was_published_does_not_change_with_what_is_heard_later(exposure: Exposure) -> None:
    port = free_port()
    exposure.follow(f"127.0.0.1:{port}")
    exposure.publish(Counters())
    wait_for(lambda: get(port)[1], 20, "it answers")
    tell(exposure, LAUNCH)
    assert read(get(port)[1])["plancton_launches_total", "done"] == 0
    exposure.publish(Counters())
    assert read(get(port)[1])["plancton_launches_total", "done"] == 1


def test_it_follows_the_setting(exposure: Exposure) -> None:
    port = free_port()
    for _ in range(2):
        exposure.follow(f"127.0.0.1:{port}")
        wait_for(lambda: get(port)[0] == 200, 20, "it answers")
        exposure.follow("")
        wait_for(lambda: refused(port), 20, "it doesn't any more")


def refused(port: int) -> bool:
    try:
        get(port)
    except AssertionError:
        return True
    return False


def test_prometheus_client_is_not_loaded_where_nobody_asks() -> None:
    program = (
        "import sys; from plancton.workers.registry import WORKERS;"
        " from plancton.workers.metrics.prometheus.exposure import Exposure;"
        " from plancton.common.messages import Counters; e = Exposure(); e.follow(''); e.publish(Counters());"
        " e.close(); sys.exit('prometheus_client' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
