"""The five workers by name."""

from collections.abc import Callable, Mapping

from plancton.workers.base import Place, Worker
from plancton.workers.launcher.worker import Launcher
from plancton.workers.metrics.worker import Metrics
from plancton.workers.probe.worker import Probe
from plancton.workers.reaper.worker import Reaper
from plancton.workers.scheduler.worker import Scheduler

WORKERS: Mapping[str, Callable[[Place], Worker]] = {
    "probe": Probe,
    "scheduler": Scheduler,
    "launcher": Launcher,
    "reaper": Reaper,
    "metrics": Metrics,
}
