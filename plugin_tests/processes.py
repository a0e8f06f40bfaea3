"""Real server processes on loopback, for what one process cannot show."""
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx

from plugin_tests.waiting import PATIENCE, poll


@contextlib.contextmanager
def gunicorn(mongo_uri, *, threads=16, workers=1, test_origin=None):
    """Run the server of the database ``mongo_uri`` and yield the URL of its API.

    :param test_origin: an origin on loopback that it may link to and fetch from.
    """
    with socket.socket() as listener, tempfile.TemporaryDirectory(prefix='spm-gunicorn-') as folder:
        listener.bind(('127.0.0.1', 0))
        listener.listen(128)
        config = Path(folder, 'config.py')
        config.write_text(
            'def post_worker_init(worker):\n'
            f'    import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n'
            '    from plugin_tests.loopback import Loopback\n'
            '    from slicer_package_manager.registry.links import policy\n'
            f'    policy.use(Loopback({test_origin!r}))\n')
        log = Path(folder, 'log')
        with log.open('w') as output:
            process = subprocess.Popen(
                [sys.executable, '-m', 'gunicorn', 'girder.wsgi:app', '--config', str(config),
                 '--worker-class', 'gthread', '--threads', str(threads), '--workers', str(workers), '--bind', f'fd://{listener.fileno()}',
                 '--keep-alive', '65', '--no-control-socket', '--graceful-timeout', '5'],
                pass_fds=[listener.fileno()], stdout=output, stderr=output, start_new_session=True,
                env={**os.environ, 'GIRDER_MONGO_URI': mongo_uri, 'GIRDER_SERVER_MODE': 'production',
                     'LOGLEVEL': 'WARNING'})
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
