"""Which tests a worker of pytest-xdist runs one after the other, since they share what takes long to start."""
from xdist.scheduler import LoadFileScheduling

_PAGES = 'plugin_tests/pages/'


class Scheduling(LoadFileScheduling):
    """The tests of a file together, and all tests of pages: each worker that runs one fills a site of its own."""

    def _split_scope(self, nodeid):
        return _PAGES if nodeid.startswith(_PAGES) else super()._split_scope(nodeid)
