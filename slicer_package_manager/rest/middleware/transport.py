"""A warning for the web server that hides aborted downloads."""
import logging
import sys

logger = logging.getLogger(__name__)

ASGI_WARNING = (
    "Aborted downloads are counted as complete: Girder's ASGI server (girder serve) does not report them to the "
    'application. For exact counts, run "slicer-package-manager serve", or '
    '"gunicorn girder.wsgi:app --worker-class gthread --threads 32".')


def warn_if_aborts_are_hidden() -> None:
    """Log a warning if the web server does not report aborted downloads to the application."""
    if 'girder.asgi' in sys.modules:
        logger.warning(ASGI_WARNING)
