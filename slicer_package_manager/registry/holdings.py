"""Which release holds the things of a draft that was promoted.

An item's ``spm.channel`` is that of the release or draft in which it came to be, and stays the same when its draft
is promoted. The application's folder says in ``spm.promoted`` which drafts' things are held by which release: a list
of ``{'draft': id, 'release': id, 'state': ...}``, see :mod:`promotion` for the states. So one write to one document,
which every request reads first, turns all things of a draft into things of the release.
"""
from __future__ import annotations

from typing import Any

ANNOUNCED = 'announced'
MOVING = 'moving'
DONE = 'done'


def entries(app, *states) -> list[dict[str, Any]]:
    """The promotions of ``app``, as it was read, that are in one of ``states``."""
    return [one for one in app['spm'].get('promoted', ()) if one['state'] in states]


def holder(app) -> dict[Any, Any]:
    """The release that holds the things of each promoted draft: ids of releases by ids of drafts."""
    return {one['draft']: one['release'] for one in entries(app, MOVING, DONE)}


def keys(app, channel_id) -> list[Any]:
    """The values of ``spm.channel`` of the things that the release or draft ``channel_id`` holds."""
    held_by = holder(app)
    if channel_id in held_by:
        return []
    return [channel_id, *(draft for draft, release in held_by.items() if release == channel_id)]


def emptied(app) -> list[Any]:
    """The ids of drafts whose folders may still be there, but whose things a release holds already."""
    return [one['draft'] for one in entries(app, MOVING)]
