"""What servers repeat in the background, which in tests would happen between any two steps."""
import logging
import threading
from functools import partial

from plugin_tests.waiting import poll

logger = logging.getLogger(__name__)
#: Longer than any run of the tests, in seconds.
_NEVER = 24 * 3600


def postpone():
    """Let a server that starts in this process do its periodic work once, as the end of its preparation."""
    from slicer_package_manager.registry.downloads import counter
    from slicer_package_manager.registry.news import history
    from slicer_package_manager.registry.server import background
    from slicer_package_manager.registry.storage import uploads
    from slicer_package_manager.registry.webhooks import delivery
    for module in counter, uploads, history, delivery:
        module._PAUSE = _NEVER
    background.repeat = partial(_once_or_again, background.repeat)


def _once_or_again(repeat, step, pause, name, failure):
    if pause != _NEVER:
        repeat(step, pause, name, failure)
        return
    try:
        step()
    except Exception:
        logger.exception(failure)


def wait_for_preparation():
    """Wait until a server that has started in this process is prepared, which may take longer than its start."""
    poll(lambda: 'prepare-database' not in [thread.name for thread in threading.enumerate()], 'it is prepared')
