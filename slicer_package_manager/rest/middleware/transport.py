"""Warnings about web servers that can do less than ``slicer-package-manager serve``."""
import logging
import sys

logger = logging.getLogger(__name__)

#: What a web server cannot do, by a module that it has imported.
_LIMITS = {
    'girder.asgi':
        "Aborted downloads are counted as complete: Girder's ASGI server (girder serve) does not report them to the "
        'application. Slow clients can occupy all of its threads, and it refuses requests with more than 64 KiB of '
        'metadata in the query. Run "slicer-package-manager serve", which has none of these limits.',
    'gunicorn':
        'Slow clients can occupy all threads of gunicorn. Without "--limit-request-line 0", it refuses requests with '
        'more than 4 KiB of metadata in the query. Run "slicer-package-manager serve", which has none of these limits.',
}


def warn_of_limits() -> None:
    """Log a warning about what the web server cannot do."""
    for module, warning in _LIMITS.items():
        if module in sys.modules:
            logger.warning(warning)
