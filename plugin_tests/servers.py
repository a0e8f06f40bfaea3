"""``slicer-package-manager serve`` in processes of its own, for the tests."""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx

from plugin_tests.waiting import PATIENCE, poll

_READY = re.compile(r'is ready: (http://\S+)')
_PASSWORD = re.compile(r'^Admin password: (\S+)$', re.MULTILINE)
_COMMAND = [sys.executable, '-m', 'slicer_package_manager.cli', 'serve']
_WEB_SERVER = 'slicer_package_manager.cli.web_server'
#: The folder of a ``sitecustomize`` with which passwords cost little.
_STARTUP = Path(__file__).parent / 'startup'
# Whatever the developer has set for a server of his own is not for the tests.
_NOT_INHERITED = ('SLICER_PACKAGE_MANAGER_', 'GIRDER_', 'GUNICORN_', 'LOGLEVEL')


def alive(pid):
    """Whether the process ``pid`` runs; one that ended with all its threads, and was not waited for, does not."""
    try:
        threads = len(list(Path(f'/proc/{pid}/task').iterdir()))
        return threads > 1 or Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


def descendants(pid):
    """The processes that ``pid`` started, and those they started, parents first, with their command lines."""
    found = {}
    for stat in Path('/proc').glob('[0-9]*/stat'):
        with contextlib.suppress(OSError):
            parent = int(stat.read_text().rpartition(')')[2].split()[1])
            found.setdefault(parent, []).append(int(stat.parent.name))
    children = {}
    todo = [pid]
    while todo:
        for child in found.get(todo.pop(), ()):
            with contextlib.suppress(OSError):
                children[child] = Path(f'/proc/{child}/cmdline').read_bytes().replace(b'\0', b' ').decode()
            todo.append(child)
    return children


class Server:
    """A server on ``data_dir`` and on a free port, unless ``args`` have ``--port``.

    It answers when ``ready()`` returns. ``url``, ``password`` (of the admin account, when it was generated
    now), ``output`` and ``errors`` (what it printed) can be read then; ``exit_code`` is None while it runs.
    ``within`` is a command that runs the one it is given as arguments.
    """

    def __init__(self, data_dir, *args, env=None, within=()):
        self.data_dir, self.env = Path(data_dir), env
        self._output, self._errors = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - closed in end()
        self._tokens = {}
        self._temporary = tempfile.mkdtemp(prefix='spm-')  # a server that is killed leaves something there
        port = [] if '--port' in args else ['--port', '0']
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
        path = os.pathsep.join(filter(None, (str(_STARTUP), os.environ.get('PYTHONPATH'))))
        self.process = subprocess.Popen(
            [*within, *_COMMAND, '--data-dir', str(data_dir), *port, *args],
            env={**inherited, 'PYTHONPATH': path, 'TMPDIR': self._temporary,
                 'GIRDER_FILESYSTEMASSETSTORE_RESERVED_MBYTES': '64', **(env or {})},
            stdin=subprocess.DEVNULL, stdout=self._output, stderr=self._errors)

    def ready(self):
        """Wait until the server has printed its URL, and return the server."""
        poll(lambda: self.url or self.exit_code is not None, 'the URL is printed')
        assert self.url, f'The server ended with {self.exit_code}:\n{self.errors}'
        return self

    @property
    def pid(self):
        return self.process.pid

    @property
    def exit_code(self):
        return self.process.poll()

    @property
    def output(self):
        return _read(self._output)

    @property
    def errors(self):
        return _read(self._errors)

    @property
    def url(self):
        found = _READY.search(self.output)
        return found and found[1]

    @property
    def password(self):
        found = _PASSWORD.search(self.output)
        return found and found[1]

    @property
    def address(self):
        host, port = self.url.removeprefix('http://').split(':')
        return host, int(port)

    def answers(self):
        return httpx.get(f'{self.url}/api/v1/system/version').is_success

    def mongods(self):
        """The processes that use the server's own database."""
        return [pid for pid, command in descendants(1).items() if f'--dbpath {self.data_dir}/db' in command]

    def web_processes(self):
        """The processes of the web server that run: the first one, and then those that serve, its workers."""
        # Numbers of processes begin anew after the largest one, so they say nothing about their order.
        return [pid for pid, command in descendants(self.pid).items() if _WEB_SERVER in command and alive(pid)]

    def client(self, login=None, password=None):
        """A client of the API, logged in when ``login`` is given; a context manager."""
        headers = {'Girder-Token': self._token(login, password)} if login else {}
        return httpx.Client(base_url=f'{self.url}/api/v1', headers=headers, timeout=PATIENCE)

    def _token(self, login, password):
        """The token of the first login with these."""
        if (login, password) not in self._tokens:
            answer = httpx.get(f'{self.url}/api/v1/user/authentication', auth=(login, password), timeout=PATIENCE)
            self._tokens[login, password] = answer.raise_for_status().json()['authToken']['token']
        return self._tokens[login, password]

    def stop(self, number=signal.SIGTERM):
        """Ask for the end with a signal; returns the exit code."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self):
        """Wait for the end; returns the exit code."""
        return self.process.wait(PATIENCE)

    def kill(self):
        """``kill -9`` of the one process that the user started; returns the processes it leaves."""
        left = descendants(self.pid)
        self.process.kill()
        self.process.wait()
        return left

    def kill_all(self):
        """``kill -9`` of every process at once, as in a power cut."""
        pids = [*descendants(self.pid), self.pid]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        self.process.wait()
        poll(lambda: not any(map(alive, pids)), 'all processes are gone')

    def end(self):
        """Leave nothing behind, whatever state the server is in; a clean end would only take its time."""
        if self.exit_code is None:
            self.kill_all()
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._output.close()
        self._errors.close()


@contextlib.contextmanager
def starter(directory):
    """A maker of servers, all ended in the end; without ``data_dir`` they share one below ``directory``."""
    servers = []

    def start(*args, data_dir=None, env=None):
        servers.append(Server(data_dir or Path(directory, 'data'), *args, env=env))
        return servers[-1]
    try:
        yield start
    finally:
        for server in servers:
            server.end()


def _read(file):
    # By position: the server process writes at the file's own.
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(errors='replace')
