"""Sums and seals as earlier versions stored them, brought to the present form at the start of the server.

There was one document of the kind ``rollup`` for each application, and documents of the kind ``sums`` for each
revision. The sums are made anew, see :mod:`rollup`. Seals were marked with ``done`` when all their counts were moved.
"""
from __future__ import annotations

from slicer_package_manager.registry.downloads.counts import Download
from slicer_package_manager.registry.downloads.sealing import Seal

_ANY_DAY = '9999'


def convert() -> None:
    """Remove the former sums, and have the rest of seals moved that were not done. Idempotent."""
    for app_id in Download().collection.distinct('app'):
        Download().collection.delete_many({'app': app_id, 'kind': {'$in': ['rollup', 'sums']}})
    for done, values in ((False, {'$set': {'left': _ANY_DAY}}), (True, {})):
        Seal().collection.update_many({'done': done}, {'$unset': {'done': ''}, **values})
