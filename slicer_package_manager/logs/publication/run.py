"""All steps of a publication."""
from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from slicer_package_manager.logs import dashboard
from slicer_package_manager.logs.days import Days
from slicer_package_manager.logs.errors import LogsError
from slicer_package_manager.logs.github import commits
from slicer_package_manager.logs.github.api import GitHub
from slicer_package_manager.logs.github.commits import Branch
from slicer_package_manager.logs.github.releases import File, Releases
from slicer_package_manager.logs.ledger import Ledger
from slicer_package_manager.logs.place import Place
from slicer_package_manager.logs.publication.options import Options, Result, yesterday
from slicer_package_manager.logs.publication.raw_assets import RawAssets
from slicer_package_manager.logs.publication.small_files import README, SmallFiles
from slicer_package_manager.logs.raw_logs import RawLogs, described
from slicer_package_manager.logs.rules.raw_lines import Kind
from slicer_package_manager.progress import Steps

_DASHBOARD = 'dashboard'


class Publication:
    """The publication of the statistics in ``place``, which is locked, in the repository of ``github``."""

    def __init__(self, place: Place, github: GitHub, options: Options, steps: Steps) -> None:
        self._place, self._github, self._options, self._steps = place, github, options, steps
        self._releases = Releases(github)
        self._days = Days(place, Ledger(place))
        self._last = yesterday()

    def run(self) -> Result:
        """Publish what is missing in the repository, and delete raw logs that are too old.

        :raises LogsError: the repository is not private, GitHub refuses something, or there are no statistics.
        """
        if not self._options.dry:
            self._days.clean()
        result = Result()
        small = SmallFiles(self._place, self._last, self._options, self._steps)
        small.require_any()
        branch = Branch(self._github, self._require_private()['default_branch'], README)
        small.publish(self._github, branch, result)
        self._publish_dashboard(result)
        if self._options.raw_logs:
            self._publish_raw(self._options.raw_logs, result)
        return result

    def _require_private(self) -> dict[str, Any]:
        """Return what GitHub states about the repository.

        :raises LogsError: it is not private, or cannot be written to.
        """
        found = commits.repository(self._github)
        name, visibility = self._github.repository, found.get('visibility', 'private')
        if not found.get('private') or visibility != 'private':
            shown = 'public' if not found.get('private') else visibility
            raise LogsError(f'The repository {name} is {shown}, so that others can read it. Statistics are published '
                            'in private repositories only: make it private, or choose another one. If it has raw '
                            'logs already, delete its releases first.')
        if found.get('archived'):
            raise LogsError(f'The repository {name} is archived, so that nothing can be added to it.')
        if found.get('permissions', {}).get('push') is False:
            raise LogsError(f'The owner of the token may only read {name}. Give that account the role "Write".')
        return found

    def _publish_dashboard(self, result: Result) -> None:
        path = self._place.scratch / dashboard.NAME
        dashboard.write(self._place, path, self._last)
        try:
            self._send_dashboard(path, result)
        finally:
            path.unlink()

    def _send_dashboard(self, path: Path, result: Result) -> None:
        file = File(*described(path))
        release = self._releases.find(_DASHBOARD)
        if self._options.dry:
            if not release or not self._releases.has(release, dashboard.NAME, file):
                result.assets.append(dashboard.NAME)
            return
        release = release or self._releases.create(_DASHBOARD, 'Dashboard')
        if self._releases.put(release, dashboard.NAME, path, file, self._steps):
            result.assets.append(dashboard.NAME)

    def _publish_raw(self, kind: Kind, result: Result) -> None:
        logs = RawLogs(self._place, kind)
        if next(iter(logs), None) is None:
            result.notices.append(f'There are no raw logs to publish. "slicer-package-manager logs ingest" keeps them '
                                  f'with --raw-logs {kind.value}.')
        raw = RawAssets(logs, self._releases, self._options, self._steps, self._require_private)
        raw.publish(self._last, result)
        raw.prune(self._last - timedelta(days=self._options.keep_raw_days - 1), set(self._days), result)
