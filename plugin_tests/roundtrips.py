"""Count the round trips to the database that the server in this process makes."""
import contextlib
import json
import logging
import re
import threading

_STARTED = 'Command started'
_FIRST_VALUE = re.compile(r'\{"\w+": "?([^",}]*)')


class _Reader(logging.Handler):
    """Record the commands that a thread sends while it counts; heartbeats are no commands.

    They are in the log of the driver. Unlike a listener to its events, it costs nothing while no test counts.
    """

    def __init__(self):
        super().__init__()
        self._counting = threading.local()
        self._log = logging.getLogger('pymongo.command')
        self._log.propagate = False
        self._log.addHandler(self)

    @contextlib.contextmanager
    def counting(self):
        """A list that gets one entry, such as ``find item``, for each round trip of this thread."""
        self._counting.commands = found = []
        self._log.setLevel(logging.DEBUG)
        try:
            yield found
        finally:
            self._log.setLevel(logging.NOTSET)
            self._counting.commands = None

    def emit(self, record):
        found = getattr(self._counting, 'commands', None)
        if found is not None:
            event = json.loads(record.getMessage())
            if event['message'] == _STARTED:
                found.append(f'{event["commandName"]} {_FIRST_VALUE.match(event["command"])[1]}')


counting = _Reader().counting
