"""The process that watches those that serve: what it does when one ends, hangs or cannot start."""
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile

import pytest

from plugin_tests.servers import alive, descendants
from plugin_tests.waiting import PATIENCE, poll
from slicer_package_manager.cli import workers

pytestmark = pytest.mark.process

#: Its arguments replace constants of the module. What ``serve`` does depends on the variable ``BEHAVIOR``.
PROGRAM = """
import os, signal, socket, sys, time
from pathlib import Path
from slicer_package_manager.cli import workers

for argument in sys.argv[1:]:
    name, _, value = argument.partition('=')
    setattr(workers, name, float(value))

def serve(alive):
    behavior = os.environ.get('BEHAVIOR')
    if behavior == 'cannot start':
        sys.exit(workers.CANNOT_START)
    if behavior == 'does not end':
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
    if folder := os.environ.get('PROMETHEUS_MULTIPROC_DIR'):
        Path(folder, f'gauge_livesum_{os.getpid()}.db').touch()
    print('serves', os.getpid(), flush=True)
    while True:
        alive()
        time.sleep(0.05)

listener = socket.create_server(('127.0.0.1', 0))
print('listens', listener.getsockname()[1], flush=True)
sys.exit(workers.Workers(2, serve, listener.detach()).run())
"""


class Master:
    """The process that watches two workers, and what all of them print."""

    def __init__(self, *constants, **env):
        self.output = tempfile.TemporaryFile('w+')  # noqa: SIM115 - closed in end()
        self.process = subprocess.Popen([sys.executable, '-c', PROGRAM, *constants], env={**os.environ, **env},
                                        stdout=self.output, stderr=self.output, start_new_session=True)

    def printed(self):
        return os.pread(self.output.fileno(), 10**6, 0).decode()

    def workers(self):
        """The workers that have begun to serve, and still run."""
        return [int(pid) for pid in re.findall(r'serves (\d+)', self.printed()) if alive(int(pid))]

    def ready(self):
        poll(lambda: len(self.workers()) == 2, 'two workers serve')
        return self

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def end(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        self.output.close()


@pytest.fixture
def master():
    """A maker of masters: ``master('_HUNG=2', BEHAVIOR='cannot start')``."""
    made = []

    def start(*constants, **env):
        made.append(Master(*constants, **env))
        return made[-1]
    yield start
    for one in made:
        one.end()


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_workers_and_the_watcher(master, number):
    one = master().ready()
    started = descendants(one.process.pid)
    assert one.stop(number) == 0
    assert not any(map(alive, started))
    assert 'ended by itself' not in one.printed()


def test_a_worker_that_is_killed_is_replaced(master):
    one = master().ready()
    killed, other = one.workers()
    os.kill(killed, signal.SIGKILL)
    poll(lambda: len(one.workers()) == 2 and not alive(killed), 'another one serves')
    assert other in one.workers()
    poll(lambda: 'A worker ended by itself (status -9), and is replaced.' in one.printed(), 'it is reported')
    assert one.stop() == 0


def test_a_worker_that_hangs_is_replaced(master):
    one = master('_HUNG=3').ready()
    hanging, other = one.workers()
    os.kill(hanging, signal.SIGSTOP)
    poll(lambda: len(one.workers()) == 2 and not alive(hanging), 'another one serves')
    assert other in one.workers()
    assert 'A worker has hung' in one.printed()


def test_a_worker_has_as_much_time_as_a_database_needs_to_come_back():
    assert workers._HUNG == 120


def test_workers_that_cannot_start_are_not_replaced(master):
    one = master(BEHAVIOR='cannot start')
    assert one.process.wait(PATIENCE) == 1
    assert 'ended by itself' not in one.printed()


def test_workers_that_do_not_end_are_killed(master):
    one = master('_GRACE=1', BEHAVIOR='does not end').ready()
    assert one.stop() == 0


def test_a_second_signal_shortens_the_wait_for_workers(master):
    one = master('_GRACE=100000', '_HASTENED_GRACE=0.1', BEHAVIOR='does not end').ready()
    one.process.send_signal(signal.SIGTERM)
    assert one.stop(signal.SIGINT) == 0


def test_workers_end_with_the_watcher(master):
    one = master().ready()
    left = one.workers()
    one.process.kill()
    poll(lambda: not any(map(alive, left)), 'they have ended')


def test_the_signal_that_rotates_logs_elsewhere_is_harmless(master):
    one = master().ready()
    before = one.workers()
    for pid in (one.process.pid, *before):
        os.kill(pid, signal.SIGUSR1)
    assert one.stop() == 0
    assert 'ended by itself' not in one.printed()


def test_the_metrics_of_a_worker_that_ended_vanish(master, tmp_path):
    one = master(PROMETHEUS_MULTIPROC_DIR=str(tmp_path)).ready()
    killed, other = one.workers()
    os.kill(killed, signal.SIGKILL)
    poll(lambda: len(one.workers()) == 2 and not alive(killed), 'another one serves')
    files = {path.name for path in tmp_path.iterdir()}
    assert f'gauge_livesum_{killed}.db' not in files
    assert f'gauge_livesum_{other}.db' in files
