"""Several server processes on the test database."""
import contextlib
import os
import socket
import subprocess
import sys


@contextlib.contextmanager
def running(mongo_uri, number=2):
    """Start ``number`` servers on one database and yield their URLs; requests wait until they are ready."""
    environment = {**os.environ, 'GIRDER_MONGO_URI': mongo_uri, 'GIRDER_SERVER_MODE': 'production',
                   'LOGLEVEL': 'ERROR', 'GIRDER_WORKER_TASK_ALWAYS_EAGER': 'true',
                   'GIRDER_FILESYSTEMASSETSTORE_RESERVED_MBYTES': '64'}
    with contextlib.ExitStack() as stack:
        urls = []
        for _ in range(number):
            listener = stack.enter_context(socket.create_server(('127.0.0.1', 0), backlog=128))
            process = subprocess.Popen(
                [sys.executable, '-W', 'ignore', '-m', 'gunicorn', 'girder.wsgi:app', '-k', 'gthread',
                 '--threads', '16', '-b', f'fd://{listener.fileno()}', '--log-level', 'error', '--timeout', '120'],
                env=environment, pass_fds=[listener.fileno()], stdout=subprocess.DEVNULL)
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)
            urls.append(f'http://127.0.0.1:{listener.getsockname()[1]}')
        yield urls
