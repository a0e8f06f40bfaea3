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
        self._of_all = None
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

    @contextlib.contextmanager
    def counting_all(self):
        """The same for the round trips of all threads."""
        self._of_all = found = []
        self._log.setLevel(logging.DEBUG)
        try:
            yield found
        finally:
            self._log.setLevel(logging.NOTSET)
            self._of_all = None

    def emit(self, record):
        lists = [one for one in (getattr(self._counting, 'commands', None), self._of_all) if one is not None]
        if lists:
            event = json.loads(record.getMessage())
            if event['message'] == _STARTED:
                for found in lists:
                    found.append(f'{event["commandName"]} {_FIRST_VALUE.match(event["command"])[1]}')


_READER = _Reader()
counting, counting_all = _READER.counting, _READER.counting_all
