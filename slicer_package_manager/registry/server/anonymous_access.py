"""Whether those who have not logged in may read: Girder's setting ``core.disable_anonymous_access``.

Girder asks for it at each check of access, and where ``core.cache.enabled`` is on, uses for good what a process
read once. Here it is read from the database once for each request, together with the version of the data.
"""
from __future__ import annotations

from typing import Any, NamedTuple

from girder.models.setting import Setting
from girder.settings import SettingKey

from slicer_package_manager.registry.server import data_version, settings

KEY = SettingKey.DISABLE_ANONYMOUS_ACCESS
#: Settings of cached responses and of old addresses, which are read with the data version.
SETTINGS = (settings.LIST_MAX_AGE, settings.LIST_CACHE, settings.MIDAS)


class State(NamedTuple):
    """The data version, see :func:`data_version.version`, and settings that the database had then, or later.

    :param closed: whether only users could read.
    :param settings: the stored values of :data:`SETTINGS`.
    """

    version: data_version.Version
    closed: bool
    settings: dict[str, Any]


def read() -> State:
    """What the database states, by one query.

    The version is read first: an answer that is kept with it falls as soon as the setting is changed.
    """
    found = list(data_version.primary().aggregate([
        {'$project': {'version': True}},
        {'$unionWith': {'coll': Setting().name, 'pipeline': [{'$match': {'key': {'$in': [KEY, *SETTINGS]}}}]}}]))
    stored = {one['key']: one['value'] for one in found if 'key' in one}
    return State(data_version.version_of(found), bool(stored.pop(KEY, False)), stored)
