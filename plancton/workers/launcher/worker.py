"""The launcher process: makes the image available and starts the pilots that the scheduler wishes for."""

import functools
import logging
import os
import time
from collections.abc import Sequence

from plancton.common.codec import Envelope
from plancton.common.decision import Wish
from plancton.common.engine import Engine
from plancton.common.engine_types import EngineInfo, Failure, FailureKind
from plancton.common.messages import ActiveSettings, LauncherState, LaunchOutcome, Outcome, Target, Weight
from plancton.common.naming import container_name, instance_id
from plancton.common.pilot_directory import PilotDirectories, mounts
from plancton.common.settings import Settings
from plancton.workers.base import Place
from plancton.workers.engine_report import EngineReport
from plancton.workers.lanes import Lanes
from plancton.workers.launcher import image as images
from plancton.workers.launcher.container import create_body
from plancton.workers.launcher.launch import Launch, launch
from plancton.workers.launcher.plan import MOST_IN_FLIGHT, SLOW_SECONDS, Key, key, to_start, wished
from plancton.workers.launcher.weight import Weights

log = logging.getLogger(__name__)

_PULL_DEADLINE_SECONDS = 1800.0
_INFO_DEADLINE_SECONDS = 10.0
_RETRY_SECONDS = 1.0
_SETTLED_SECONDS = 30.0
"""How long a launch that ended isn't tried again while it's wished all the same: its effect should be seen by then."""
_WEIGHT_SECONDS = 10.0
"""How often the weight is looked after: somebody may have changed it."""


class Launcher:
    """The worker around images, weights and launches."""

    def __init__(self, place: Place) -> None:
        """Start pilots for the instance of ``place``."""
        self._place = place
        self.ready = True
        self._instance = instance_id(str(place.rundir))
        self._node = os.uname().nodename
        self._lanes = Lanes("launch", MOST_IN_FLIGHT, place.wake)
        # More than one, so that a pull that hangs delays no other image.
        self._image_lanes = Lanes("image", 3, place.wake)
        self._weight_lane = Lanes("weight", 1, place.wake)
        self._weights = Weights(self._instance, place.state)
        self._weight: Weight | None = None
        self._weighing = False
        self._weighed_as: tuple[str, str, str] | None = None
        self._next_weighing = 0.0
        self._directories = PilotDirectories(place.state)
        self._directory_failed = False
        self._settings: Settings | None = None
        self._report = EngineReport(place)
        self._engine: Engine | None = None
        self._info: EngineInfo | None = None
        self._image: images.Image | None = None
        self._target: Target | None = None
        self._in_flight: dict[Key, float] = {}
        """Since when each start is under way."""
        self._settled: dict[Key, float] = {}
        """When launches ended that the scheduler still wishes for."""
        self._said: LauncherState | None = None
        self._next_look = 0.0
        self._former: LauncherState | None = None
        """What a launcher before this one said last."""

    def hear(self, envelope: Envelope) -> None:
        """Take in the settings, the wish, and what a former launcher said of the image."""
        match envelope.message:
            case ActiveSettings(settings=settings):
                self._set(settings)
            case Target() as target:
                self._target = target
                wishes = {key(wish) for wish in target.launch}
                self._settled = {what: moment for what, moment in self._settled.items() if what in wishes}
            case LauncherState() as state if self._said is None:
                # Its own last word is the first that a new launcher hears, before the settings.
                self._former = state

    def turn(self, now: float) -> float:
        """Take in what the threads finished, see to image and weight, and start what is wished."""
        for lanes in (self._lanes, self._image_lanes, self._weight_lane):
            lanes.collect()
        if self._engine is None or self._settings is None:
            return now + _RETRY_SECONDS
        self._report.turn(self._engine, now)
        self._see_to_image(self._engine, now)
        self._see_to_weight(self._settings, now)
        self._start(self._engine, self._settings, now)
        self._say()
        return now + min(_RETRY_SECONDS, SLOW_SECONDS)

    def _set(self, settings: Settings) -> None:
        before, self._settings = self._settings, settings
        if self._engine is None or before is None or before.docker_url != settings.docker_url:
            self._engine, self._info = Engine(settings.docker_url), None
            self._image = None
        if self._image is not None and self._image.name == settings.docker_image:
            self._image = images.hurry(self._image, time.monotonic())
        else:
            self._image = images.Image(name=settings.docker_image, pull_due=time.monotonic())
            self._next_look = 0.0
            former = self._former
            if former is not None and former.image == settings.docker_image and former.pulled_unix is not None:
                due = former.pulled_unix + settings.image_expiration - time.time()
                self._image = images.Image(
                    name=settings.docker_image,
                    pull_due=time.monotonic() + due,
                    pulled_unix=former.pulled_unix,
                )

    def _see_to_image(self, engine: Engine, now: float) -> None:
        image = self._image
        if image is None:
            return
        if images.look_is_due(image) and now >= self._next_look:
            self._next_look = now + _RETRY_SECONDS
            self._image = images.looking(image)
            self._image_lanes.submit(
                functools.partial(self._look, engine, image.name), functools.partial(self._looked, image.name)
            )
        elif images.pull_is_due(image, now):
            self._image = images.pulling(image)
            call = functools.partial(engine.pull, image.name, deadline=_PULL_DEADLINE_SECONDS)
            self._image_lanes.submit(call, functools.partial(self._pulled, image.name))

    @staticmethod
    def _look(engine: Engine, name: str) -> tuple[EngineInfo | Failure, str | Failure | None]:
        info = engine.info(deadline=_INFO_DEADLINE_SECONDS)
        return info, info if isinstance(info, Failure) else engine.image_id(name)

    def _looked(self, name: str, found: tuple[EngineInfo | Failure, str | Failure | None]) -> None:
        if self._image is None or self._image.name != name:
            return
        info, image_id = found
        if not isinstance(info, Failure):
            self._info = info
        self._image = images.looked(self._image, image_id, time.monotonic())

    def _pulled(self, name: str, result: str | Failure) -> None:
        if self._image is None or self._image.name != name or self._settings is None:
            return
        if isinstance(result, Failure):
            log.warning("image %s can't be pulled: %s", name, result.detail)
        expiration = self._settings.image_expiration
        self._image = images.pulled(self._image, result, time.monotonic(), time.time(), expiration)

    def _see_to_weight(self, settings: Settings, now: float) -> None:
        if self._info is None or self._weighing:
            return
        wanted = (self._info.cgroup_driver, settings.cpu_weight, settings.io_weight)
        if wanted != self._weighed_as or now >= self._next_weighing:
            self._weighing, self._weighed_as, self._next_weighing = True, wanted, now + _WEIGHT_SECONDS
            self._weight_lane.submit(functools.partial(self._weights.keep, *wanted), self._weighed)

    def _weighed(self, weight: Weight) -> None:
        self._weighing, self._weight = False, weight

    def _known_weight(self) -> Weight | None:
        """Return what this launcher found, or else a former one."""
        return self._weight or (self._former.weight if self._former is not None else None)

    def _start(self, engine: Engine, settings: Settings, now: float) -> None:
        image, info = self._image, self._info
        if image is None or image.image_id is None or info is None or self._known_weight() is None:
            # No pilot runs before all have the weight that they are to have, as far as that's possible.
            return
        settled = {what for what, moment in self._settled.items() if now - moment < _SETTLED_SECONDS}
        for wish in to_start(self._target, self._in_flight, settled, now):
            self._in_flight[key(wish)] = now
            call = functools.partial(launch, engine, self._order(wish, engine, settings, info, image.image_id))
            still = functools.partial(self._still_wished, key(wish))
            self._lanes.submit(functools.partial(call, still), functools.partial(self._launched, key(wish)))

    def _order(self, wish: Wish, engine: Engine, settings: Settings, info: EngineInfo, image_id: str) -> Launch:
        name = container_name(self._instance, wish.slot, wish.incarnation)
        body = functools.partial(
            create_body,
            settings,
            image=settings.docker_image,
            node=self._node,
            instance=self._instance,
            slot=wish.slot,
            incarnation=wish.incarnation,
            info=info,
        )
        ends = self._target.deadline_unix if self._target is not None else None
        expires = time.time() + settings.max_ttl
        deadline = expires if ends is None else min(expires, ends)
        return Launch(
            wish=wish,
            instance=self._instance,
            name=name,
            make_directory=functools.partial(self._make_directory, engine, settings, name, deadline),
            body=body,
            image_id=image_id,
        )

    def _make_directory(self, engine: Engine, settings: Settings, name: str, deadline_unix: float) -> Sequence[str]:
        # Called from a launch's thread. A remote engine would make directories of its own, which nobody writes to.
        if not settings.pilot_directory or not engine.is_local:
            return ()
        try:
            made = self._directories.create(name, settings.user_group, deadline_unix)
        except OSError as error:
            if not self._directory_failed:
                self._directory_failed = True
                log.warning("pilots are started without a directory of their own: %s", error)
            return ()
        self._directory_failed = False
        return mounts(made, settings.pilot_directory)

    def _still_wished(self, what: Key) -> bool:
        # Called from a launch's thread: it reads one reference, which the loop replaces whole.
        return wished(self._target, what, time.monotonic())

    def _launched(self, what: Key, outcome: LaunchOutcome) -> None:
        del self._in_flight[what]
        if outcome.outcome is not Outcome.REFUSED:
            # A failure too: how soon it's tried again is the scheduler's to say.
            self._settled[what] = time.monotonic()
        if (
            outcome.outcome is Outcome.FAILED
            and self._image is not None
            and outcome.detail.startswith(FailureKind.NOT_FOUND)
        ):
            self._image = images.gone(self._image)
        self._place.say(outcome)

    def _say(self) -> None:
        if self._image is None or not (self._image.looked or self._image.detail):
            # Nothing is known yet; what a launcher before this one said stays good.
            return
        state = images.state(self._image, len(self._in_flight), self._known_weight())
        if state != self._said:
            self._said = state
            self._place.say(state)
