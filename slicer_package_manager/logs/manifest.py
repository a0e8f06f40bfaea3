"""The manifest of the published files: ``manifest.json``.

It has the version of the definitions, and for each day its totals, the checksums of its files, the hours in which each
source has requests, and whether it is final.
"""
from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from slicer_package_manager.logs.errors import LogsError
from slicer_package_manager.logs.place import Place, replaced
from slicer_package_manager.logs.rules.counting import DEFINITIONS

if TYPE_CHECKING:
    from slicer_package_manager.logs.daily import DayFiles

NAME = 'manifest.json'
#: Totals of a day that are added up over all days; clients are those of one day only.
_SUMS = ('requests', 'robots', 'incomplete', 'private', 'unknown')
_HOURS = 24


def read(place: Place) -> dict[str, Any]:
    """Return the manifest in ``place``, an empty one if there is none.

    :raises LogsError: it is damaged.
    """
    path = place.published / NAME
    try:
        found: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else {'days': {}}
    except ValueError as error:
        raise LogsError(f'{path} is damaged: {error}. Copy it from the repository, or from a backup.') from error
    return found


def entry(files: DayFiles, hours: dict[str, dict[str, int]], threshold: int, *, final: bool) -> dict[str, Any]:
    """Return what the manifest has of a day.

    :param hours: by source and day, the hours with requests, see :class:`ledger.Flush`.
    :param threshold: see :mod:`privacy`.
    """
    day = files.day.isoformat()
    return {'final': final, 'threshold': threshold, **files.totals,
            'hours': {source: _shown(days[day]) for source, days in sorted(hours.items()) if day in days},
            'files': {name: {'sha256': digest, 'size': size} for name, (digest, size) in files.files.items()}}


def _shown(hours: int) -> str:
    """The hours as 24 digits, the first one for midnight (UTC): ``1`` if there were requests."""
    return ''.join(str(hours >> hour & 1) for hour in range(_HOURS))


def text(days: dict[str, Any]) -> str:
    """Return the manifest of all ``days``."""
    totals = {name: sum(one[name] for one in days.values()) for name in _SUMS}
    found = {'definitions': DEFINITIONS, 'totals': totals, 'days': dict(sorted(days.items()))}
    return json.dumps(found, indent=1) + '\n'


def write(place: Place, days: dict[str, Any]) -> None:
    """Write the manifest of all ``days``."""
    with replaced(place.published / NAME) as new:
        new.write_text(text(days))
