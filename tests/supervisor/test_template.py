"""The template process: births on demand, and what becomes of those whom nobody awaits any more."""

import subprocess
import sys

import pytest

from tests.support.running import REPOSITORY

PRELUDE = """
import os, select, signal, socket, sys, threading, time
from plancton.supervisor.template import Birth, Born, Template, become_subreaper, die_with_parent

def run(birth, lifeline):
    {run}

def birth(boot="b1"):
    return Birth(worker="probe", boot=boot, rundir="/r", logdir="/l", state="/s", supervisor_pid=os.getpid())

def births(template):
    assert select.select([template.fileno()], [], [], 20)[0], "nothing from the template"
    return template.births()

def ended(pid):
    pidfd = os.pidfd_open(pid)
    assert select.select([pidfd], [], [], 20)[0], "it runs on"
    return os.waitpid(pid, 0)[1]

become_subreaper()
template = Template(run, ("/bin/false",), ())
readable, lifeline = os.pipe()
"""


def play(body: str, run: str = "os._exit(7)") -> str:
    """Run a scene in a process of its own, which has neither threads nor children; return what it prints."""
    scene = PRELUDE.format(run=run) + body
    result = subprocess.run(
        [sys.executable, "-c", scene], cwd=REPOSITORY, stdout=-1, stderr=-1, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_worker_runs_once_it_is_told_that_it_is_known() -> None:
    play("""
assert template.ask(birth(), readable)
[born] = births(template)
assert born.boot == "b1"
os.close(readable)
assert os.waitpid(born.pid, os.WNOHANG) == (0, 0), "it didn't wait"
os.write(lifeline, b"!")
assert os.WEXITSTATUS(ended(born.pid)) == 7
""")


def test_a_worker_that_nobody_awaits_ends_without_having_run() -> None:
    play("""
assert template.ask(birth(), readable)
[born] = births(template)
os.close(readable)
os.close(lifeline)
assert os.WEXITSTATUS(ended(born.pid)) == 0
""")


def test_a_worker_whose_supervisor_is_another_by_now_ends_without_having_run() -> None:
    play("""
elsewhere = Birth(worker="probe", boot="b1", rundir="/r", logdir="/l", state="/s", supervisor_pid=1)
assert template.ask(elsewhere, readable)
[born] = births(template)
os.write(lifeline, b"!")
assert os.WEXITSTATUS(ended(born.pid)) == 0
""")


def test_a_worker_that_is_told_to_end_before_it_began_does() -> None:
    play("""
for _ in range(30):
    assert template.ask(birth(), readable)
    [born] = births(template)
    os.kill(born.pid, signal.SIGTERM)
    assert os.WTERMSIG(ended(born.pid)) == signal.SIGTERM
""")


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_what_a_terminal_or_an_init_sends_to_all_leaves_the_template_alone(number: str) -> None:
    play(f"""
template.ask(birth(), readable)
[born] = births(template)
os.kill(template.pid, signal.{number})
assert template.ask(birth("b2"), readable)
[second] = births(template)
assert second.boot == "b2"
""")


def test_a_worker_inherits_neither_the_templates_socket_nor_anothers_lifeline() -> None:
    names = play(
        """
other, _ = os.pipe()
template.ask(birth("other"), other)
births(template)
template.ask(birth(), readable)
[born] = births(template)
os.close(readable)
os.write(lifeline, b"!")
ended(born.pid)
""",
        run='print(*sorted(os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if os.path.exists('
        'f"/proc/self/fd/{n}") and int(n) > 2), flush=True)',
    ).split()
    assert len([name for name in names if name.startswith("pipe:")]) == 1
    assert [name for name in names if name.startswith("socket:")] == []


def test_the_end_of_the_template_is_told_after_the_births_before_it() -> None:
    play("""
template.ask(birth(), readable)
assert select.select([template.fileno()], [], [], 20)[0]
os.kill(template.pid, signal.SIGSTOP)
template.ask(birth("never"), readable)
os.kill(template.pid, signal.SIGKILL)
ended(template.pid)
first = template.births()
assert first and [born.boot for born in first] == ["b1"], first
# The worker that was born may be about to close its copy of the template's socket.
assert births(template) is None
assert not template.ask(birth("too late"), readable)
template.kill()
""")


def test_a_template_ends_when_its_supervisor_lets_go_and_its_workers_live_on() -> None:
    play(
        """
template.ask(birth(), readable)
[born] = births(template)
os.write(lifeline, b"!")
template.close()
assert template.fileno() == -1
assert ended(template.pid) == 0
assert os.waitpid(born.pid, os.WNOHANG) == (0, 0)
os.close(lifeline)
os.kill(born.pid, signal.SIGKILL)
ended(born.pid)
template.kill()
""",
        run="signal.pause()",
    )


def test_a_worker_that_crashes_never_returns_into_its_supervisors_code() -> None:
    printed = play(
        """
print("started", os.getpid(), flush=True)
template.ask(birth(), readable)
[born] = births(template)
os.write(lifeline, b"!")
assert os.WEXITSTATUS(ended(born.pid)) == 70
""",
        run="1 / 0",
    )
    assert printed.count("started") == 1


def test_a_template_that_can_not_be_started_is_an_error_and_leaks_nothing() -> None:
    play("""
template._again = ("/nonexistent/python",)
template.close()
count = len(os.listdir("/proc/self/fd"))
for _ in range(3):
    try:
        template.renew()
    except FileNotFoundError:
        template.close()
    else:
        raise AssertionError("started")
assert len(os.listdir("/proc/self/fd")) == count
""")


def test_another_template_inherits_what_it_must_and_nothing_else_does() -> None:
    play("""
kept = os.open("/dev/null", os.O_RDONLY)
shown = "import os, sys; s = int(sys.argv[1]); os.readlink(f'/proc/self/fd/{s}'); os.fstat(%d)" % kept
template._again = (sys.executable, "-c", shown)
template._keep = (kept,)
template.close()
template.renew()
assert ended(template.pid) == 0
assert not os.get_inheritable(kept)
""")
