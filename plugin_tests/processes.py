"""Real server processes on loopback, for what one process cannot show."""
import contextlib
import os
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import httpx

from plugin_tests import web_server as program
from plugin_tests.waiting import PATIENCE, poll


@contextlib.contextmanager
def web_server(mongo_uri, *, threads=16, workers=1, access_log='', quiet=False, test_origin=None):
    """Run the server of the database ``mongo_uri`` and yield the URL of its API.

    :param quiet: whether it does its periodic work only once, at its start.
    :param test_origin: an origin on loopback that it may link to and fetch from.
    """
    with socket.create_server(('127.0.0.1', 0), backlog=128) as listener, \
            tempfile.TemporaryDirectory(prefix='spm-web-server-') as folder:
        log = Path(folder, 'log')
        with log.open('w') as output:
            process = subprocess.Popen(
                program.command(listener, workers=workers, threads=threads, access_log=access_log,
                                quiet=quiet, origin=test_origin),
                pass_fds=[listener.fileno()], stdout=output, stderr=output, start_new_session=True,
                env={**os.environ, **program.variables(mongo_uri)})
        url = f'http://127.0.0.1:{listener.getsockname()[1]}/api/v1'
        try:
            _wait(url, process, log)
            yield url
        finally:
            # A clean end would only take its time.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)


def _wait(url, process, log):
    def answers():
        with contextlib.suppress(httpx.HTTPError):
            # A server that ends instead of starting leaves its socket open: whether it runs is asked again and again.
            return httpx.get(f'{url}/system/version', timeout=5).is_success
    poll(lambda: process.poll() is not None or answers(), 'the server answers')
    if process.poll() is not None:
        raise RuntimeError(f'The server did not start:\n{log.read_text()[-3000:]}')
