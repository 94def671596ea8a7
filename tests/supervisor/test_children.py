"""Real processes: whatever becomes of a worker it is back, or given up; nothing leaks and nothing is left behind."""

import os
import signal
import time

import psutil
import pytest

from plancton.common.processes import ProcessState
from plancton.supervisor.children import describe_end
from plancton.supervisor.machine import WORKERS
from tests.supervisor.conftest import Toys, gone
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow


def test_all_are_born_as_the_supervisors_own_children(running_toys: Toys) -> None:
    report = running_toys.report()
    pids = {worker.pid for worker in report.workers.values()}
    assert len(pids) == len(WORKERS)
    assert {child.pid for child in psutil.Process(report.pid).children()} == {*pids, report.template}
    assert report.changes[: len(WORKERS)] == [f"{name} starting" for name in WORKERS]
    assert all(worker.restarts == 0 and not worker.last_end for worker in report.workers.values())
    assert list(report.news) == ["template", *WORKERS]
    assert {name: status.pid for name, status in report.news.items()} == {
        "template": report.template,
        **{name: status.pid for name, status in report.workers.items()},
    }


def test_signs_of_life_are_counted_over_all_lives(running_toys: Toys) -> None:
    before = running_toys.worker("probe")
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    running_toys.back("probe", before.pid)
    running_toys.until(lambda report: report.workers["probe"].beats > before.beats + 1, "they go on")


def test_a_killed_worker_is_back_at_once_in_a_life_of_its_own(running_toys: Toys) -> None:
    boot, former = running_toys.report().boots["probe"], running_toys.pid("probe")
    begun = time.monotonic()
    os.kill(former, signal.SIGKILL)
    status = running_toys.back("probe", former)
    assert time.monotonic() - begun < 2.0
    assert (status.restarts, status.last_end) == (1, "killed by SIGKILL")
    assert running_toys.report().boots["probe"] != boot
    assert not psutil.pid_exists(former)


def test_a_worker_that_hangs_is_killed_and_is_back(running_toys: Toys) -> None:
    former = running_toys.pid("scheduler")
    os.kill(former, signal.SIGSTOP)
    status = running_toys.back("scheduler", former)
    assert status.last_end == "killed by SIGKILL"
    assert "scheduler stopping" in running_toys.report().changes
    assert running_toys.worker("probe").restarts == 0


def test_a_worker_that_ends_at_once_again_and_again_is_given_up_and_the_others_work_on(running_toys: Toys) -> None:
    running_toys.order("reaper", "fail")
    os.kill(running_toys.pid("reaper"), signal.SIGKILL)
    report = running_toys.until(
        lambda report: report.workers["reaper"].state is ProcessState.FATAL, "the reaper is given up"
    )
    assert report.workers["reaper"].restarts == 4
    assert report.workers["reaper"].last_end == "exited with 3"
    assert report.workers["reaper"].pid is None
    assert all(report.workers[name].restarts == 0 for name in WORKERS if name != "reaper")
    assert running_toys.stop() == 0


def test_a_worker_that_never_becomes_ready_is_killed(running_toys: Toys) -> None:
    running_toys.order("metrics", "silent")
    former = running_toys.pid("metrics")
    os.kill(former, signal.SIGKILL)
    running_toys.until(lambda report: "metrics stopping" in report.changes, "its time to start is over")
    running_toys.order("metrics", "live")
    running_toys.back("metrics", former)


def test_a_stop_ends_all_even_what_does_not_listen_and_leaves_no_process(toys: Toys) -> None:
    toys.order("launcher", "deaf")
    report = toys.all_run()
    assert toys.stop() == 0
    pids = [report.template, *(worker.pid for worker in report.workers.values() if worker.pid is not None)]
    assert len(pids) == 6
    wait_for(lambda: all(map(gone, pids)), 5, "all are gone")


def test_a_stop_right_after_the_start_loses_no_signal(toys: Toys) -> None:
    begun = time.monotonic()
    wait_for(toys.report, 5, "it runs")
    assert toys.stop() == 0
    assert time.monotonic() - begun < 3.0


def test_many_restarts_leak_no_descriptor_and_leave_no_zombie(running_toys: Toys) -> None:
    before = running_toys.report().descriptors
    for name in WORKERS:
        for _ in range(3):
            former = running_toys.pid(name)
            os.kill(former, signal.SIGKILL)
            running_toys.back(name, former)
    supervisor = psutil.Process(running_toys.report().pid)
    wait_for(lambda: len(supervisor.children()) == len(WORKERS) + 1, 5, "no zombies")
    running_toys.until(lambda report: report.descriptors == before, "as many descriptors as before")


@pytest.mark.parametrize("signal_before", [None, signal.SIGSTOP])
def test_workers_end_with_their_supervisor_even_those_that_hang(
    running_toys: Toys, signal_before: signal.Signals | None
) -> None:
    report = running_toys.report()
    pids = [worker.pid for worker in report.workers.values() if worker.pid is not None]
    for pid in pids:
        if signal_before is not None:
            os.kill(pid, signal_before)
    os.kill(report.pid, signal.SIGKILL)
    wait_for(lambda: all(map(gone, [*pids, report.template])), 2, "all are gone")


def test_a_killed_template_harms_no_worker_and_another_bears_the_next(running_toys: Toys) -> None:
    template = running_toys.report().template
    os.kill(template, signal.SIGKILL)
    report = running_toys.until(lambda report: report.template != template, "another template")
    assert report.news["template"].pid == report.template
    assert (report.news["template"].restarts, report.news["template"].state) == (1, ProcessState.RUNNING)
    assert all(worker.restarts == 0 for worker in report.workers.values())
    former = running_toys.pid("probe")
    os.kill(former, signal.SIGKILL)
    running_toys.back("probe", former)
    assert psutil.Process(running_toys.pid("probe")).ppid() == report.pid
    assert not psutil.pid_exists(template)
    assert running_toys.stop() == 0


def test_template_and_workers_killed_at_once_are_all_back(running_toys: Toys) -> None:
    report = running_toys.report()
    descriptors = report.descriptors
    former = {name: running_toys.pid(name) for name in WORKERS}
    for pid in (report.template, *former.values()):
        os.kill(pid, signal.SIGKILL)
    for name, pid in former.items():
        running_toys.back(name, pid)
    supervisor = psutil.Process(report.pid)
    wait_for(lambda: len(supervisor.children()) == len(WORKERS) + 1, 5, "no zombies, no twins")
    running_toys.until(lambda report: report.descriptors == descriptors, "as many descriptors as before")


def test_a_template_that_hangs_is_replaced_once_a_birth_takes_too_long(running_toys: Toys) -> None:
    template, former = running_toys.report().template, running_toys.pid("probe")
    os.kill(template, signal.SIGSTOP)
    os.kill(former, signal.SIGKILL)
    status = running_toys.back("probe", former)
    assert status.last_end == "was never born"
    assert running_toys.report().template != template
    assert gone(template)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "exited with 0"),
        (70 << 8, "exited with 70"),
        (signal.SIGKILL, "killed by SIGKILL"),
        (signal.SIGSEGV | 0x80, "killed by SIGSEGV"),
        (40, "killed by signal 40"),
    ],
)
def test_an_end_is_told_in_words(status: int, words: str) -> None:
    assert describe_end(status) == words
