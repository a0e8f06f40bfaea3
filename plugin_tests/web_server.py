"""The web server that ``serve`` starts, on a database that is ready, for tests and benchmarks.

It may link to and fetch from origins on loopback.
"""
import socket
import sys
from pathlib import Path

from plugin_tests import periodic_work
from plugin_tests.loopback import Loopback
from slicer_package_manager.cli.workers import Workers


def command(listener, *, workers, threads, access_log='', quiet=False, origin=None):
    """Return the command that serves on the socket ``listener``."""
    return [sys.executable, '-m', 'plugin_tests.web_server',
            *map(str, (listener.fileno(), workers, threads, access_log, int(quiet))),
            *([origin] if origin else [])]


def variables(mongo_uri):
    """Return the environment variables of the command, with a path on which Python finds it."""
    return {'GIRDER_MONGO_URI': mongo_uri, 'GIRDER_SERVER_MODE': 'production', 'LOGLEVEL': 'WARNING',
            'PYTHONPATH': str(Path(__file__).parents[1])}


def main(listener, workers, threads, access_log, quiet, *origins):
    """Serve until a signal requests the end."""
    def serve(alive):
        if int(quiet):
            periodic_work.postpone()
        # Girder connects to the database when it is imported: each worker has its own connections.
        from girder.wsgi import app

        from slicer_package_manager.front import server
        from slicer_package_manager.registry.links import policy
        policy.use(Loopback(*origins))
        server.run(socket.socket(fileno=int(listener)), app, int(threads), int(workers),
                   Path(access_log) if access_log else None, alive)
    return Workers(int(workers), serve, int(listener)).run()


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
