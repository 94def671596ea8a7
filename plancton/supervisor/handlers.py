"""What each request of planctonctl does in planctond."""

import os
import time

import msgspec

from plancton import __version__
from plancton.common.declarations import DECLARATIONS
from plancton.common.engine_types import DEFAULT_ENGINE_URL
from plancton.common.masking import mask_url
from plancton.common.messages import Counters, HostLook, LauncherState, PoolLook, PoolUnknown, Target
from plancton.common.naming import instance_id
from plancton.common.requests import (
    Answer,
    ClearFizzles,
    Drill,
    Happenings,
    Reload,
    Request,
    ShowSettings,
    Status,
    Stop,
)
from plancton.common.status import HappeningsReport, StatusReport
from plancton.common.topics import Topic
from plancton.supervisor.intent import markers_asked, refusal
from plancton.supervisor.loop import EXIT_ASKED, Supervisor


class Handlers:
    """Does requests on a supervisor."""

    def __init__(self, supervisor: Supervisor) -> None:
        """Serve ``supervisor``."""
        self._supervisor = supervisor

    def handle(self, request: Request) -> Answer:
        """Do ``request`` and answer it.

        Raises:
            OSError: if a marker file can't be written.

        """
        why = refusal(request, time.time())
        if why:
            return Answer(ok=False, error=f"refused: {why}")
        match request:
            case Status():
                return Answer(ok=True, data=msgspec.to_builtins(self._report()))
            case Happenings(after=after):
                report = HappeningsReport(happenings=self._supervisor.journal.since(after))
                return Answer(ok=True, data=msgspec.to_builtins(report))
            case Reload():
                return self._reload()
            case ShowSettings():
                return self._settings()
            case ClearFizzles():
                self._supervisor.wishes.clear_fizzles()
            case Drill(seconds=seconds):
                self._supervisor.wishes.drill(seconds)
            case _:
                self._mark(request)
        return Answer(ok=True)

    def _mark(self, request: Request) -> None:
        supervisor, wishes = self._supervisor, self._supervisor.wishes
        if isinstance(request, Stop) and not request.force:
            # Before its markers: on its way out, the supervisor doesn't act on markers any more.
            supervisor.leave(EXIT_ASKED)
        supervisor.mark(markers_asked(request, wishes.intent.mode, wishes.markers))

    def _reload(self) -> Answer:
        good = self._supervisor.reload()
        status = self._supervisor.settings.status()
        return Answer(ok=True, data={"ok": good, "warnings": status.warnings, "errors": status.errors})

    def _settings(self) -> Answer:
        loaded = self._supervisor.settings.loaded
        origins = dict(loaded.origins) if loaded else {}
        settings = self._supervisor.settings.settings
        shown = msgspec.to_builtins(
            {name: declaration.without_secrets(getattr(settings, name)) for name, declaration in DECLARATIONS.items()}
        )
        return Answer(ok=True, data={"settings": shown, "origins": origins})

    def _report(self) -> StatusReport:
        supervisor, intent = self._supervisor, self._supervisor.wishes.intent
        settings = supervisor.settings.settings
        return StatusReport(
            version=__version__,
            instance=instance_id(str(supervisor.paths.rundir)),
            pid=os.getpid(),
            started_unix=supervisor.started_unix,
            now_unix=time.time(),
            now_monotonic=time.monotonic(),
            ready=supervisor.ready,
            mode=intent.mode,
            mode_since_unix=intent.since_unix,
            engine_url=mask_url(settings.docker_url or os.environ.get("DOCKER_HOST") or DEFAULT_ENGINE_URL),
            config=supervisor.settings.status(),
            processes=supervisor.children.report(),
            host=supervisor.last(HostLook),
            host_age_seconds=supervisor.switchboard.age(Topic.HOST),
            pool=supervisor.last(PoolLook),
            pool_age_seconds=supervisor.switchboard.age(Topic.POOL),
            pool_unknown=supervisor.last(PoolUnknown),
            launcher=supervisor.last(LauncherState),
            target=supervisor.last(Target),
            counters=supervisor.last(Counters),
            drain_reason=intent.drain_reason,
            drain_deadline_unix=intent.drain_deadline_unix,
            snooze_until_unix=intent.snooze_until_unix,
            drill_until_unix=intent.drill_until_unix,
        )
