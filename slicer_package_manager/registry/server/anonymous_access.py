"""Whether those who have not logged in may read: Girder's setting ``core.disable_anonymous_access``.

Girder asks for it at each check of access, and where ``core.cache.enabled`` is on, uses for good what a process
read once. Here it is read from the database once for each request, together with the version of the data.
"""
from __future__ import annotations

from typing import NamedTuple

from girder.models.setting import Setting
from girder.settings import SettingKey

from slicer_package_manager.registry.server import data_version

KEY = SettingKey.DISABLE_ANONYMOUS_ACCESS


class State(NamedTuple):
    """The data version, see :func:`data_version.version`, and whether then, or later, only users could read."""

    version: data_version.Version
    closed: bool


def read() -> State:
    """What the database states, by one query.

    The version is read first: an answer that is kept with it falls as soon as the setting is changed.
    """
    found = list(data_version.primary().aggregate([
        {'$project': {'version': True}},
        {'$unionWith': {'coll': Setting().name, 'pipeline': [{'$match': {'key': KEY}}]}}]))
    closed = next((one['value'] for one in found if 'value' in one), False)
    return State(data_version.version_of(found), bool(closed))
