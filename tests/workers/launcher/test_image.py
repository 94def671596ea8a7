"""The image: looked for first, pulled when it's missing or old, kept when a pull fails."""

import pytest

from plancton.common.engine_types import Failure, FailureKind
from plancton.common.messages import Weight
from plancton.workers.launcher import image as images
from plancton.workers.launcher.image import Image

NOW, NOW_UNIX, EXPIRATION = 100.0, 9000.0, 3600.0
AWAY = Failure(kind=FailureKind.UNREACHABLE, detail="nobody there", seconds=0.0)
HERE = Image(name="busybox", image_id="sha256:b", looked=True, pull_due=NOW + 50.0)


def pulled(image: Image, result: str | Failure, now: float = NOW) -> Image:
    return images.pulled(images.pulling(image), result, now, NOW_UNIX, EXPIRATION)


def test_it_is_looked_for_before_it_is_pulled() -> None:
    fresh = Image(name="busybox")
    assert images.look_is_due(fresh)
    assert not images.pull_is_due(fresh, NOW)
    looking = images.looking(fresh)
    assert not images.look_is_due(looking)


def test_one_that_is_here_is_used_and_refreshed_when_it_is_due() -> None:
    found = images.looked(images.looking(Image(name="busybox", pull_due=NOW + 50.0)), "sha256:b", NOW)
    assert found == HERE
    assert not images.pull_is_due(found, NOW + 49.9)
    assert images.pull_is_due(found, NOW + 50.0)
    assert not images.pull_is_due(images.pulling(found), NOW + 50.0)


def test_one_that_is_missing_is_pulled_at_once() -> None:
    missing = images.looked(Image(name="busybox", pull_due=NOW + 1e6), None, NOW)
    assert missing.image_id is None
    assert images.pull_is_due(missing, NOW)


def test_an_engine_that_can_not_say_is_asked_again() -> None:
    asked = images.looked(images.looking(Image(name="busybox")), AWAY, NOW)
    assert images.look_is_due(asked)
    assert asked.detail == "unreachable: nobody there"


def test_a_pull_gives_the_image_until_it_expires() -> None:
    fresh = pulled(HERE, "sha256:new")
    assert (fresh.image_id, fresh.pulled_unix, fresh.pull_due, fresh.pulling) == (
        "sha256:new",
        NOW_UNIX,
        NOW + EXPIRATION,
        False,
    )


def test_after_a_failed_pull_the_local_image_is_used_with_a_warning() -> None:
    kept = pulled(HERE, AWAY)
    assert kept.image_id == "sha256:b"
    assert kept.detail == "can't be pulled: nobody there; going on with the local image"


@pytest.mark.parametrize(("expiration", "longest"), [(EXPIRATION, 600.0), (40.0, 40.0)])
def test_failed_pulls_are_repeated_ever_more_seldom(expiration: float, longest: float) -> None:
    image, now, waits = Image(name="busybox", looked=True), NOW, []
    for _ in range(8):
        image = images.pulled(image, AWAY, now, NOW_UNIX, expiration)
        waits.append(image.pull_due - now)
        now = image.pull_due
    assert waits == [min(15.0 * 2**n, longest) for n in range(8)]
    assert image.detail == "can't be pulled: nobody there"
    assert images.pulled(image, "sha256:b", now, NOW_UNIX, expiration).failures == 0


def test_a_failed_pull_is_repeated_at_once_when_the_operator_reloads() -> None:
    failed = images.pulled(HERE, AWAY, NOW, NOW_UNIX, EXPIRATION)
    assert images.hurry(failed, NOW + 1.0).pull_due == NOW + 1.0
    assert images.hurry(HERE, NOW + 1.0) == HERE


def test_one_that_went_away_is_looked_for_again() -> None:
    gone = images.gone(HERE)
    assert gone.image_id is None
    assert images.look_is_due(gone)


def test_the_state_tells_it_all() -> None:
    state = images.state(pulled(HERE, AWAY), 3)
    assert (state.image, state.image_id, state.in_flight, state.pulling) == ("busybox", "sha256:b", 3, False)
    assert state.detail.startswith("can't be pulled")
    assert state.weight is None
    assert images.state(HERE, 0, Weight(cpu="cpu.idle=1")).weight == Weight(cpu="cpu.idle=1")
