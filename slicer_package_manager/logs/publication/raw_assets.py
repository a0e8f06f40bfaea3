"""Raw logs as assets: one release for each month, and one asset for each day and source.

Raw logs are deleted when they are too old: those here only if GitHub has the same bytes, and if no more lines of their
day are accepted; those in the repository only if they are not here any more, and have been there as long.
"""
from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, datetime
from itertools import groupby
from typing import Any

from slicer_package_manager.logs.github.releases import File, Releases, is_same
from slicer_package_manager.logs.publication.options import Options, Result
from slicer_package_manager.logs.raw_logs import LOG_NAME, RawLogs
from slicer_package_manager.progress import Steps

_TAG = 'raw-logs-'


class RawAssets:
    """The raw logs ``raw``, for ``releases``.

    :param require_private: raises an error unless the repository is private; called before anything is sent.
    """

    def __init__(self, raw: RawLogs, releases: Releases, options: Options, steps: Steps,
                 require_private: Callable[[], Any]) -> None:
        self._raw, self._releases, self._options, self._steps = raw, releases, options, steps
        self._require_private = require_private
        self._published: set[date] = set()

    def publish(self, last: date, result: Result) -> None:
        """Send the raw logs of all days up to ``last`` that the repository has not, or has otherwise."""
        if not self._options.dry:
            self._raw.clean()
        days = [day for day in self._raw if day <= last]
        for month, found in groupby(days, key=lambda day: f'{day:%Y-%m}'):
            self._publish_month(month, list(found), result)

    def _publish_month(self, month: str, days: list[date], result: Result) -> None:
        release = self._releases.find(f'{_TAG}{month}')
        there = self._releases.assets(release) if release else {}
        for day in days:
            made = self._raw.made(day, self._options.threshold)
            if made is not None and all(name in there and is_same(there[name], File(*log))
                                        for name, log in made.items()):
                self._published.add(day)
            elif self._options.dry:
                result.assets += sorted(made) if made else [f'{day} (raw logs)']
            else:
                release = release or self._releases.create(f'{_TAG}{month}', f'Raw logs of {month}')
                self._publish_day(release, day, result)

    def _publish_day(self, release: dict[str, Any], day: date, result: Result) -> None:
        with self._raw.make(day, self._options.threshold) as files:
            logs = self._raw.made(day, self._options.threshold) or {}
            for name, path in files.items():
                self._require_private()
                if self._releases.put(release, name, path, File(*logs[name]), self._steps):
                    result.assets.append(name)
        self._published.add(day)

    def prune(self, limit: date, open_days: Collection[date], result: Result) -> None:
        """Delete the raw logs of days before ``limit``.

        :param open_days: the days of which more lines are accepted.
        """
        old = sorted(day for day in self._published if day < limit and day not in open_days)
        kept = set(self._raw) - set(old)  # they would be sent again
        for day in old:
            result.deleted_here.append(day.isoformat())
            if not self._options.dry:
                self._raw.delete(day)
        for release in self._releases.all():
            tag = release['tag_name']
            if tag.startswith(_TAG) and tag <= f'{_TAG}{limit:%Y-%m}':
                self._prune_release(release, limit, kept, result)

    def _prune_release(self, release: dict[str, Any], limit: date, kept: Collection[date], result: Result) -> None:
        assets = list(self._releases.assets(release).values())
        old = [one for one in assets if (day := _day_of(one)) and day not in kept
               and day < limit and _moment(one).date() < limit]
        result.deleted_there += sorted(one['name'] for one in old)
        if self._options.dry:
            return
        for asset in old:
            self._releases.remove(asset)
        if len(old) == len(assets) and release['tag_name'] < f'{_TAG}{limit:%Y-%m}':
            self._releases.remove_release(release)


def _day_of(asset: dict[str, Any]) -> date | None:
    """The day of an asset that is a raw log."""
    name = LOG_NAME.fullmatch(asset['name'])
    return date.fromisoformat(name[1]) if name else None


def _moment(asset: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(asset['created_at'].replace('Z', '+00:00'))
