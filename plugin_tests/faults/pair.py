"""Two servers on one database that can be halted and killed, and clients that use both at the same time."""
import os
import signal
import threading
from collections import Counter

import httpx

from plugin_tests.faults.database import Database
from plugin_tests.faults.wire import Wire
from plugin_tests.ports import free_ports
from plugin_tests.servers import poll
from plugin_tests.threads import Threads
from plugin_tests.waiting import PATIENCE

PASSWORD = 'a-password-for-tests'
#: Seconds that operations wait for the database: longer than any outage here. So a refusal during one is quick.
OPERATION_SECONDS = 2 * PATIENCE
#: How many characters of what a server has logged a failure shows.
_SHOWN = 5000


class Pair:
    """The servers, the first of them with a ``wire`` to the database, and the headers of the administrator.

    :param start: starts a server.
    """

    def __init__(self, folder, start):
        (folder / 'db').mkdir()
        self.database = Database(folder / 'db', *free_ports(1))
        self.database.start()
        self.wire = Wire(self.database.port)
        self.servers = [_started(start, port) for port in (self.wire.port, self.database.port)]
        self.urls = [f'{server.url}/api/v1' for server in self.servers]
        answer = httpx.get(f'{self.urls[0]}/user/authentication', auth=('admin', PASSWORD)).raise_for_status()
        self.admin = {'Girder-Token': answer.json()['authToken']['token']}

    def new_app(self, name):
        """The path of a new application."""
        answer = httpx.post(f'{self.urls[0]}/app', params={'name': name}, headers=self.admin)
        assert answer.is_success, '\n'.join([answer.text, *(server.errors[-_SHOWN:] for server in self.servers)])
        return f'/app/{answer.json()["_id"]}'

    def halt(self):
        """Halt the database: its connections stay, and nothing is answered."""
        self.database.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        """Let the database go on."""
        self.database.process.send_signal(signal.SIGCONT)

    def end(self):
        """End the database."""
        self.wire.end()
        self.database.kill()

    def kill_worker(self, number):
        """Kill the process of a server that serves; the server starts another one."""
        (worker,) = poll(lambda: self.servers[number].web_processes()[1:], 'a worker runs')
        os.kill(worker, signal.SIGKILL)


def _started(start, port):
    # A direct connection, since the replica set knows its member by another address than that of the wire.
    uri = f'mongodb://127.0.0.1:{port}/girder?directConnection=true&timeoutMS={OPERATION_SECONDS * 1000}'
    env = {'SLICER_PACKAGE_MANAGER_ADMIN_PASSWORD': PASSWORD}
    return start('--no-embedded', '--database', uri, '--workers', '1', env=env).ready()


class Crowd(Threads):
    """Threads of clients that do their ``tasks`` again and again, each with the URLs of both servers in turns.

    A task is a function of a client and a URL; it counts what was answered by :meth:`count`, and returns whether it was
    refused. ``may_break`` says whether servers may close connections.
    """

    def __init__(self, pair, tasks, *, may_break=False):
        self._urls, self._servers, self._may_break = pair.urls, pair.servers, may_break
        self._lock, self._counts, self._seen = threading.Lock(), Counter(), None
        super().__init__(tasks)

    def __exit__(self, *_):
        super().__exit__()
        self._fail()

    def count(self, what):
        with self._lock:
            self._counts[what] += 1

    def counted(self, what):
        return self._counts[what]

    def until(self, what, more):
        """Wait until so many more of ``what`` were counted."""
        before = self._counts[what]
        poll(lambda: self._failures or self._counts[what] >= before + more, f'{more} more of {what}')
        self._fail()

    def _fail(self):
        if self._failures:
            raise AssertionError('\n'.join([*self._failures, *(server.errors[-_SHOWN:] for server in self._servers)]))

    def waits(self):
        """Whether no client has been answered since the last time that this was called."""
        seen, self._seen = self._seen, sum(self._counts.values())
        return seen == self._seen

    def is_over(self):
        return self._done.is_set() or bool(self._failures)

    def _work(self, number, task):
        try:
            while not self.is_over():
                with httpx.Client() as client:
                    self._use(client, number, task)
        except Exception as error:  # noqa: BLE001 - reported by the thread of the test
            self._failures.append(repr(error))

    def _use(self, client, turn, task):
        try:
            while not self.is_over():
                turn += 1
                answer = task(client, self._urls[turn % 2])
                if answer is not None:
                    self._check(answer)
        except httpx.TransportError:
            if not self._may_break:
                raise
            self.count('broken')

    def _check(self, answer):
        """Nothing but success, and refusals that say when to try again."""
        if answer.status_code == 503:
            assert int(answer.headers['Retry-After']) > 0, answer.headers
            self.count('refused')
        else:
            assert answer.is_success, (answer.request.method, str(answer.url), answer.status_code, answer.text)
