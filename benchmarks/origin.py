"""A server on loopback that stands for the place where the files of URL-only packages are hosted."""
import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_BLOCK = bytes(1024 * 1024)


class _Handler(BaseHTTPRequestHandler):
    """Answer ``/1073741824`` with so many zero bytes."""

    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        left = int(self.path.strip('/'))
        self.send_response(200)
        self.send_header('Content-Length', str(left))
        self.send_header('Content-Type', 'application/octet-stream')
        self.end_headers()
        while left:
            left -= self.wfile.write(_BLOCK[:min(left, len(_BLOCK))])

    def log_message(self, *_args):
        pass


@contextlib.contextmanager
def running():
    """Yield its URL, without a slash at the end."""
    with ThreadingHTTPServer(('127.0.0.1', 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()
