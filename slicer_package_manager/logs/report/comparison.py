"""The server's own counts beside those from logs, as ``logs check`` has saved them."""
from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from slicer_package_manager.logs import check
from slicer_package_manager.logs.errors import LogsError
from slicer_package_manager.logs.report.daily_files import Span
from slicer_package_manager.logs.report.tables import Table
from slicer_package_manager.logs.rules.comparison import Numbers

_NUMBERS = (*Numbers._fields, 'difference')
_TITLES = {'server': 'Server', 'logs': 'Logs', 'robots': 'Robots', 'incomplete': 'Incomplete',
           'difference': 'Difference', 'reasons': 'What may explain it'}
_PACKAGE = {'kind': 'Type', 'baseName': 'Name', 'os': 'System', 'arch': 'Architecture', 'revision': 'Revision'}


class Comparison:
    """What the file ``path`` has of the days in ``period``.

    :raises LogsError: it is no comparison.
    """

    def __init__(self, path: Path, period: Span) -> None:
        self._path, self._period = path, period
        try:
            found = json.loads(path.read_text(encoding='utf-8'))
            self.days = Table({'day': 'Day', **_TITLES}, self._rows(found['days'], ()))
            self.packages = Table({'day': 'Day', **_PACKAGE, **_TITLES}, self._rows(found['packages'], check.PACKAGE))
        except (ValueError, TypeError, KeyError) as error:
            raise LogsError(f'{path} has no comparison: get it by "slicer-package-manager logs check --save", or with '
                            '--json.') from error

    def _rows(self, found: list[dict[str, Any]], package: tuple[str, ...]) -> list[tuple[Any, ...]]:
        return [(day, *(str(one[name]) for name in package), *(int(one[name]) for name in _NUMBERS),
                 '; '.join(map(str, one['reasons'])))
                for one in found if self._period.first <= (day := date.fromisoformat(one['day'])) <= self._period.last]


def found(path: Path, period: Span) -> Comparison | None:
    """Return what the file ``path`` has of ``period``; ``None`` if it does not exist, or has no such day."""
    comparison = Comparison(path, period) if path.exists() else None
    return comparison if comparison and comparison.days.rows else None
