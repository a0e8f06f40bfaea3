"""The files that are committed: the daily files of days that have ended, their report, and the manifest.

Many days are committed in parts, so that a process that is killed has to send little again. The manifest is in the last
part: it never names a file that is missing. Days that only the repository has stay, also in the manifest.
"""
from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from slicer_package_manager.logs import manifest
from slicer_package_manager.logs.check import Period
from slicer_package_manager.logs.errors import LogsError
from slicer_package_manager.logs.github.api import GitHub
from slicer_package_manager.logs.github.commits import Branch, Head, checksum
from slicer_package_manager.logs.place import Place
from slicer_package_manager.logs.publication.checked_files import CheckedFiles
from slicer_package_manager.logs.publication.options import Options, Result
from slicer_package_manager.logs.report import create
from slicer_package_manager.progress import Steps

#: How many files a commit has.
_BATCH = 200
README = """# Download statistics

This repository gets the statistics of a Slicer Package Manager every day, by `slicer-package-manager logs publish`.

- `YYYY/MM/DD.parquet` and `YYYY/MM/DD.csv.gz` have the downloads of a day.
- `manifest.json` has their totals and checksums, and `report.html` plots and tables of all days. Open it in a browser.
- The release `dashboard` has the file for the dashboard of downloads.
- The releases `raw-logs-YYYY-MM` have the requests of each day. They are deleted after some time.

The files and their columns are described in the documentation of the Slicer Package Manager, as is what they contain
about people. Keep this repository private.
"""


class SmallFiles:
    """The files in ``place`` up to the day ``last``, for ``branch``."""

    def __init__(self, place: Place, last: date, options: Options, steps: Steps) -> None:
        self._place, self._last, self._options, self._steps = place, last, options, steps
        known = manifest.read(place)['days']
        self._days: dict[str, Any] = {day: entry for day, entry in known.items() if day <= last.isoformat()}
        self._files = CheckedFiles(place, self._days)

    def require_any(self) -> None:
        """Check that there are daily files with their facts, and that all of them may be published.

        :raises LogsError: there are none, or some were made with a smaller threshold.
        """
        if not self._days or not self._place.facts.exists():
            raise LogsError(f'There are no daily files of days that have ended in {self._place.published}. Run '
                            '"slicer-package-manager logs ingest" first.')
        low = [day for day, entry in self._days.items() if entry.get('threshold', 0) < self._options.threshold]
        if low:
            raise LogsError(f'The daily files of {len(low)} days, {low[0]} to {low[-1]}, show combinations that fewer '
                            f'than {self._options.threshold} clients share. Run "slicer-package-manager logs ingest" '
                            f'with --threshold {self._options.threshold}; days that are sealed stay as they are, and '
                            'can be published with a smaller --threshold only.')

    def publish(self, github: GitHub, branch: Branch, result: Result) -> None:
        """Commit what differs."""
        head = branch.head(create=not self._options.dry)
        there = head or Head('', '', {})
        changed = [name for name in self._files if there.files.get(name) != self._files.checksum(name)]
        if not self._options.dry:
            self._files.note()
        last = self._last_files(github, there)
        result.files += [*changed, *last]
        if head is None or self._options.dry or not result.files:
            return
        for start in range(0, max(len(changed), 1), _BATCH):
            files = {name: self._files.content(name) for name in changed[start:start + _BATCH]}
            if start + _BATCH >= len(changed):
                files |= last
            before = head.commit
            head = branch.commit(files, _message(files), head, self._steps)
            result.commits += [head.commit] if head.commit != before else []

    def _last_files(self, github: GitHub, there: Head) -> dict[str, bytes]:
        """Return the manifest and the report, if they differ; a report is made if the manifest does."""
        found = {}
        whole = self._manifest(github, there)
        if not there.has(manifest.NAME, whole):
            found[manifest.NAME] = whole
        if (found or create.NAME not in there.files) and self._has_downloads():
            found[create.NAME] = b'' if self._options.dry else self._report()
        return found

    def _has_downloads(self) -> bool:
        return any(entry[name] for entry in self._days.values() for name in ('requests', 'robots'))

    def _report(self) -> bytes:
        """Return the report of all days."""
        with tempfile.TemporaryDirectory() as directory, self._steps('Making the report', 1, False) as advance:
            made = create.create(self._place, Path(directory), create.Options(
                Period(last=self._last), notice=self._options.notice))
            advance(1)
            return made.path.read_bytes()

    def _manifest(self, github: GitHub, head: Head) -> bytes:
        own = manifest.text(self._days).encode()
        found = head.files.get(manifest.NAME)
        if found in (None, checksum(own)):
            return own
        return manifest.text({**_days(github, str(found)), **self._days}).encode()


def _days(github: GitHub, blob: str) -> dict[str, Any]:
    """Return the days in the manifest of the repository.

    :raises LogsError: it has none.
    """
    try:
        days = json.loads(base64.b64decode(github.get(f'/git/blobs/{blob}')['content']))['days']
    except (ValueError, KeyError, TypeError):
        days = None
    if not isinstance(days, dict):
        raise LogsError(f'The file {manifest.NAME} in {github.repository} is not that of statistics. Choose a '
                        'repository that has nothing else.')
    return days


def _message(files: Mapping[str, bytes]) -> str:
    days = sorted({name.partition('.')[0].replace('/', '-') for name in files if '/' in name})
    if not days:
        return 'Update the manifest and the report'
    return f'Add {days[0]}' if len(days) == 1 else f'Add {len(days)} days, {days[0]} to {days[-1]}'
