"""When the pilots' image is looked for and pulled, and what the launcher says of it: pure."""

import msgspec

from plancton.common.engine_types import Failure
from plancton.common.messages import LauncherState, Weight

_RETRY_SECONDS = 15.0
"""After a failed pull where nothing is here to start from; doubled at each failure."""
_LONGEST_RETRY_SECONDS = 600.0


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the image in force. Moments are monotonic seconds."""

    name: str
    image_id: str | None = None
    looked: bool = False
    """Whether the engine was asked for it at all."""
    busy: bool = False
    """A look or a pull is under way."""
    pulling: bool = False
    pull_due: float = 0.0
    pulled_unix: float | None = None
    failures: int = 0
    detail: str = ""


def look_is_due(image: Image) -> bool:
    """Tell whether the engine must be asked for the local image: once, and while it's missing.

    An image that no registry has may be loaded by hand.
    """
    return not image.busy and (not image.looked or image.image_id is None)


def pull_is_due(image: Image, now: float) -> bool:
    """Tell whether a registry must be asked for the image."""
    return image.looked and not image.busy and now >= image.pull_due


def looking(image: Image) -> Image:
    """Return the image while the engine is asked for it."""
    return msgspec.structs.replace(image, busy=True)


def looked(image: Image, found: str | Failure | None, now: float) -> Image:
    """Return the image after the engine said whether it's here; an engine that can't say is asked again."""
    if isinstance(found, Failure):
        return msgspec.structs.replace(image, busy=False, failures=0, detail=f"{found.kind}: {found.detail}")
    if found is None and image.failures:
        # Still missing: why, and when it's pulled again, is known.
        return msgspec.structs.replace(image, busy=False, looked=True, image_id=None)
    detail = image.detail if image.failures else ""
    due = image.pull_due if found or image.failures else now
    return msgspec.structs.replace(image, busy=False, looked=True, image_id=found, pull_due=due, detail=detail)


def pulling(image: Image) -> Image:
    """Return the image while it's pulled."""
    return msgspec.structs.replace(image, busy=True, pulling=True)


def pulled(image: Image, result: str | Failure, now: float, now_unix: float, expiration_seconds: float) -> Image:
    """Return the image after a pull. After a failure, what is here goes on being used, with a warning."""
    if not isinstance(result, Failure):
        return msgspec.structs.replace(
            image,
            image_id=result,
            busy=False,
            pulling=False,
            pull_due=now + expiration_seconds,
            pulled_unix=now_unix,
            failures=0,
            detail="",
        )
    failures = image.failures + 1
    delay = min(_RETRY_SECONDS * 2.0 ** min(failures - 1, 10), _LONGEST_RETRY_SECONDS, expiration_seconds)
    kept = "; going on with the local image" if image.image_id else ""
    return msgspec.structs.replace(
        image,
        busy=False,
        pulling=False,
        pull_due=now + delay,
        failures=failures,
        # Somebody may have built or loaded another image of this name.
        looked=False,
        detail=f"can't be pulled: {result.detail}{kept}",
    )


def hurry(image: Image, now: float) -> Image:
    """Return the image with a pull due now if the last one failed: the operator may have mended what was wrong."""
    return msgspec.structs.replace(image, pull_due=now) if image.failures else image


def gone(image: Image) -> Image:
    """Return the image after a launch found that the engine doesn't have it any more."""
    return msgspec.structs.replace(image, image_id=None, looked=False)


def state(image: Image, in_flight: int, weight: Weight | None = None) -> LauncherState:
    """Return what the launcher says, of its launches and of the pilots' weight too."""
    return LauncherState(
        image=image.name,
        image_id=image.image_id,
        detail=image.detail,
        pulling=image.pulling,
        pulled_unix=image.pulled_unix,
        in_flight=in_flight,
        weight=weight,
    )
