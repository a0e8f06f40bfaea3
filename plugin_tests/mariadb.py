"""A real MariaDB with a socket file only, for the tests of imports from MIDAS."""
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pymysql

from plugin_tests.waiting import PATIENCE, poll

#: Where Debian has the server, which is not on the PATH of all users.
_PATH = os.pathsep.join((os.environ.get('PATH', os.defpath), '/usr/sbin'))
_SIZES = ('--innodb-log-file-size=8M', '--innodb-data-file-path=ibdata1:4M:autoextend')


def executable():
    """The server program; ``None`` if it is not installed."""
    return shutil.which('mariadbd', path=_PATH)


@contextlib.contextmanager
def running():
    """Start a server without passwords; yield the path of its socket file."""
    program = Path(executable())
    folder = tempfile.mkdtemp(prefix='spm-mariadb-')  # the path of a socket file has at most 107 bytes
    base = (f'--basedir={program.parent.parent}', f'--datadir={folder}/data',
            *(('--user=root',) if os.geteuid() == 0 else ()), *_SIZES)
    subprocess.run([shutil.which('mariadb-install-db', path=_PATH), '--no-defaults', *base, '--skip-test-db',
                    '--auth-root-authentication-method=normal', '--skip-name-resolve'],
                   check=True, capture_output=True, timeout=PATIENCE)
    process = subprocess.Popen([
        program, '--no-defaults', *base, f'--socket={folder}/s', f'--pid-file={folder}/pid', '--skip-networking',
        '--skip-log-bin', '--performance-schema=OFF', '--innodb-buffer-pool-size=32M',
        '--innodb-flush-log-at-trx-commit=0', f'--log-error={folder}/log'], stdout=subprocess.DEVNULL)
    try:
        poll(lambda: _answers(f'{folder}/s') or process.poll() is not None, 'MariaDB answers')
        assert process.poll() is None, Path(folder, 'log').read_text()
        yield f'{folder}/s'
    finally:
        process.terminate()
        process.wait(PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)


def _answers(path):
    with socket.socket(socket.AF_UNIX) as tried:  # the driver leaves the socket of a failed attempt open
        if tried.connect_ex(path):
            return False
    connected(path).close()
    return True


def connected(path):
    return pymysql.connect(unix_socket=path, user='root', charset='utf8mb4', autocommit=True)
