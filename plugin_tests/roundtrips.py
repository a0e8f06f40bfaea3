"""Count the round trips to the database that the server in this process makes."""
import contextlib
import threading

from pymongo import monitoring


class Listener(monitoring.CommandListener):
    """Record the commands that a thread sends while it counts; heartbeats are no commands."""

    def __init__(self):
        self._counting = threading.local()

    @contextlib.contextmanager
    def counting(self):
        """A list that gets one entry, such as ``find item``, for each round trip of this thread."""
        self._counting.commands = found = []
        try:
            yield found
        finally:
            self._counting.commands = None

    def started(self, event):
        found = getattr(self._counting, 'commands', None)
        if found is not None:
            found.append(f'{event.command_name} {event.command[event.command_name]}')

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass


LISTENER = Listener()
counting = LISTENER.counting


def listen():
    """Report the commands of each new client of the database to the listener."""
    monitoring.register(LISTENER)
