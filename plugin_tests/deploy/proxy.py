"""A real nginx with the configuration of ``deploy/nginx``, on loopback, in front of servers."""
import contextlib
import os
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import httpx

from plugin_tests.ports import free_ports
from plugin_tests.servers import poll
from plugin_tests.waiting import PATIENCE

CONFIGURATION = Path(__file__).parents[2] / 'deploy' / 'nginx'
NAME = 'packages.example.org'
_MAIN = """
{user}
worker_rlimit_nofile 16384;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


def program():
    """The nginx of this machine, which may be outside of a user's ``PATH``; ``None`` if there is none."""
    return shutil.which('nginx') or shutil.which('nginx', path='/usr/sbin:/usr/local/sbin')


def beyond_buffers():
    """A number of bytes, in MiB, that the network does not hold between a server, nginx and a client."""
    received, sent = (int(Path(f'/proc/sys/net/ipv4/tcp_{one}mem').read_text().split()[-1]) for one in 'rw')
    return (received + 2 * sent) * 5 // 4 // 2**20 + 8


class Proxy:
    """nginx in front of the servers with these ``urls``; what it keeps and logs is in ``folder``."""

    def __init__(self, folder, urls):
        self.folder = Path(folder)
        self.plain_port, self.port = free_ports(2)
        self.url = f'https://localhost:{self.port}'
        self.tls = ssl.create_default_context(cafile=_certificate(self.folder))
        self.write(urls)

    def write(self, urls):
        """Write the configuration: the one of ``deploy``, with the names and places of this machine."""
        text = (CONFIGURATION / 'slicer-packages.conf').read_text(encoding='utf-8')
        for there, here in {
                '    listen [::]:80;\n': '', '    listen [::]:443 ssl default_server;\n': '',
                '    listen [::]:443 ssl;\n': '',
                'listen 80;': f'listen 127.0.0.1:{self.plain_port};',
                'listen 443 ': f'listen 127.0.0.1:{self.port} ',
                f'/etc/letsencrypt/live/{NAME}/fullchain.pem': f'{self.folder}/certificate.pem',
                f'/etc/letsencrypt/live/{NAME}/privkey.pem': f'{self.folder}/key.pem',
                '/etc/nginx/slicer-packages.upstream': f'{self.folder}/upstream',
                '/var/cache/slicer-packages-nginx': f'{self.folder}/cache',
                '/var/log/nginx/access.log': f'{self.folder}/access.log',
                NAME: 'localhost'}.items():
            assert there in text, there
            text = text.replace(there, here)
        (self.folder / 'site.conf').write_text(text)
        user = 'user root;' if os.geteuid() == 0 else ''
        (self.folder / 'nginx.conf').write_text(_MAIN.format(user=user, folder=self.folder))
        model = (CONFIGURATION / 'slicer-packages.upstream').read_text(encoding='utf-8')
        (line,) = [line for line in model.splitlines() if line.startswith('server ')]
        (self.folder / 'upstream').write_text(''.join(
            line.replace('127.0.0.1:8080', url.removeprefix('http://')) + '\n' for url in urls))

    @contextlib.contextmanager
    def running(self):
        with (self.folder / 'output').open('wb') as output:
            process = subprocess.Popen([program(), '-p', str(self.folder), '-c', str(self.folder / 'nginx.conf')],
                                       stdout=output, stderr=output)
        try:
            poll(lambda: process.poll() is not None or _listens(self.port), 'nginx listens')
            assert process.poll() is None, (self.folder / 'output').read_text()
            yield self
        finally:
            process.terminate()
            process.wait(PATIENCE)

    def client(self, **headers):
        """A client of the site, which trusts its certificate; a context manager."""
        return httpx.Client(base_url=self.url, verify=self.tls, headers=headers)

    def leave_early(self, path, agent):
        """Request ``path``, and close the connection after some of the response."""
        with socket.create_connection(('127.0.0.1', self.port)) as plain:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            with self.tls.wrap_socket(plain, server_hostname='localhost') as connection:
                connection.sendall(f'GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {agent}\r\n\r\n'.encode())
                assert connection.recv(100).startswith(b'HTTP/1.1 200')

    @property
    def log(self):
        """What the access log has now."""
        return (self.folder / 'access.log').read_text(encoding='utf-8')


def _listens(port):
    with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', port), timeout=PATIENCE):
        return True
    return False


def _certificate(folder):
    subprocess.run([
        'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30',
        '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
        '-keyout', str(folder / 'key.pem'), '-out', str(folder / 'certificate.pem')], capture_output=True, check=True)
    return str(folder / 'certificate.pem')
