"""Prepare the database for writes when the server starts: indexes, and data of earlier versions."""
from __future__ import annotations

import logging
import threading

import pymongo
from girder.models import getDbConnection
from pymongo.errors import PyMongoError

from slicer_package_manager.registry import indexes, usable
from slicer_package_manager.registry.downloads import counter
from slicer_package_manager.registry.news import history
from slicer_package_manager.registry.promotion import earlier_form
from slicer_package_manager.registry.server import database_outage, write_gate
from slicer_package_manager.registry.storage import uploads
from slicer_package_manager.registry.webhooks import delivery

logger = logging.getLogger(__name__)

#: How long the start of the server waits for the preparation, in seconds; usually there is nothing to do.
_WAIT = 15
#: Between attempts to reach the database, in seconds.
_PAUSE = 1
#: How long the preparation may take, in seconds; operations of requests have less time.
_LONGEST = 24 * 3600


class _Preparation(threading.Thread):
    """:func:`prepare` the database, again and again until it can be reached, and then start periodic work."""

    def __init__(self) -> None:
        super().__init__(name='prepare-database', daemon=True)
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self._prepare()
        except Exception as error:
            self.error = error
            write_gate.refuse(str(error))
            logger.exception('The server does not accept writes: the database could not be prepared.')

    def _prepare(self) -> None:
        while True:
            try:
                with pymongo.timeout(_LONGEST):
                    prepare()
            except PyMongoError as error:
                if not database_outage.passes(error):
                    raise
                logger.warning('The database cannot be reached; its preparation is retried: %s', error)
                threading.Event().wait(_PAUSE)
            else:
                uploads.start_cleanup()
                counter.start_upkeep()
                history.start()
                delivery.start()
                return


def prepare() -> None:
    """Create the indexes, allow writes as soon as that is safe, and finish what earlier servers have left.

    :raises PyMongoError: the database cannot be reached, or something in it prevents an index.
    """
    usable.require(getDbConnection().get_database())
    indexes.ensure()
    earlier_form.convert()
    write_gate.allow()


def require_usable() -> None:
    """Make sure, before anything is written, that this server may work on the database.

    A database that cannot be reached is checked again before the preparation.

    :raises UnusableDatabaseError: this version cannot use it.
    """
    try:
        usable.require(getDbConnection().get_database())
    except PyMongoError as error:
        if not database_outage.passes(error):
            raise
        logger.warning('The database cannot be reached; it is checked later: %s', error)


def begin() -> None:
    """Prepare the database. After some seconds, the preparation continues in the background while the server starts.

    Until the unique indexes exist, the server does not accept writes.

    :raises Exception: what has failed within that time.
    """
    write_gate.refuse()
    preparation = _Preparation()
    preparation.start()
    preparation.join(_WAIT)
    if preparation.error:
        raise preparation.error
