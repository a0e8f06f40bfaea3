"""Remove old backups by rule, and the objects that no other backup has."""
from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from slicer_package_manager.backup import verify
from slicer_package_manager.backup.directory import Backup, Directory


@dataclass(frozen=True)
class Rule:
    """Which backups to keep: the newest ``last``, and the newest one of each of so many days, weeks and months.

    Only days, weeks (from Monday) and months that have a backup count; they are in UTC. ``0`` keeps none.
    """

    last: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0

    def __bool__(self) -> bool:
        return any((self.last, self.daily, self.weekly, self.monthly))


def kept(moments: Sequence[datetime], rule: Rule) -> set[datetime]:
    """The ``moments`` of the backups that ``rule`` keeps."""
    newest_first = sorted(moments, reverse=True)
    keep: set[datetime] = set()
    for form, count in (('%Y-%m-%dT%H:%M:%S', rule.last), ('%Y-%m-%d', rule.daily), ('%G-%V', rule.weekly),
                        ('%Y-%m', rule.monthly)):
        newest: dict[str, datetime] = {}
        for moment in newest_first:
            newest.setdefault(moment.strftime(form), moment)
        keep.update(list(newest.values())[:count])
    return keep


def prune_backups(directory: Directory, rule: Rule) -> tuple[list[Backup], int]:
    """Remove the backups that ``rule`` does not keep, and the objects that no other backup has.

    The caller holds the locks for writing and for exclusive reading.

    :returns: the backups that were removed, and the number of objects that were.
    :raises BackupError: a backup that is kept is damaged; then no object is removed.
    """
    backups = directory.backups()
    keep = kept([one.moment for one in backups], rule)
    removed = [one for one in backups if one.moment not in keep]
    for one in removed:
        directory.remove(one)
    unused = list(_unused(directory, [one for one in backups if one.moment in keep]))
    for digest in unused:
        directory.objects.path(digest).unlink()
    return removed, len(unused)


def _unused(directory: Directory, backups: Sequence[Backup]) -> Iterator[str]:
    used = heapq.merge(*((one.digest for one in verify.contents(backup)) for backup in backups))
    current = next(used, None)
    for digest in directory.objects.digests():
        while current is not None and current < digest:
            current = next(used, None)
        if digest != current:
            yield digest
