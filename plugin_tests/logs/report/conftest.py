"""Daily files, without the logs that they would be made from."""
from datetime import date

import duckdb
import pytest

from slicer_package_manager.logs import facts, place
from slicer_package_manager.logs.report.images import Images

#: The types of the columns of the daily files.
COLUMNS = {
    'day': 'DATE', 'kind': 'VARCHAR', 'app': 'VARCHAR', 'baseName': 'VARCHAR', 'os': 'VARCHAR', 'arch': 'VARCHAR',
    'revision': 'VARCHAR', 'app_revision': 'VARCHAR', 'version': 'VARCHAR', 'release': 'VARCHAR',
    'pre_release': 'BOOLEAN', 'item': 'VARCHAR', 'file': 'VARCHAR',
    'content': 'VARCHAR', 'country': 'VARCHAR', 'client': 'VARCHAR',
    'client_os': 'VARCHAR', 'requests': 'BIGINT', 'clients': 'BIGINT', 'incomplete': 'BIGINT'}


def package(requests=1, **values):
    """A row about a package of a release."""
    return {'kind': 'package', 'app': 'Slicer', 'baseName': 'Slicer', 'os': 'linux', 'arch': 'amd64',
            'revision': '33000', 'app_revision': '33000', 'version': '5.8.1', 'release': '5.8.1', 'pre_release': False,
            'item': 'a1', 'file': 'f1', 'content': 'c1', 'country': 'DE', 'client': 'browser', 'client_os': 'linux',
            'requests': requests, 'clients': 1, 'incomplete': 0, **values}


def extension(name, requests=1, **values):
    """A row about an extension of a preview."""
    return package(requests, **{'kind': 'extension', 'baseName': name, 'item': f'e-{name}', 'version': None,
                                'release': '', 'pre_release': None, 'client': 'slicer', **values})


class Files:
    """Statistics in a directory that has daily files only."""

    def __init__(self, path):
        self.path = path / 'statistics'
        self.published = self.path / 'published'
        self.output = path / 'report'

    def write(self, day, *rows):
        """Write the rows of a day, such as ``2026-11-01``."""
        target = self.published / f'{day.replace("-", "/")}.parquet'
        target.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(':memory:') as database:
            database.execute(f'CREATE TABLE rows ({", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())})')
            columns = [[{'day': date.fromisoformat(day), **row}[name] for row in rows] for name in COLUMNS]
            # One statement, as each takes some milliseconds.
            lists = ', '.join(f'unnest(?::{kind}[])' for kind in COLUMNS.values())
            database.execute(f'INSERT INTO rows SELECT {lists}', columns)
            database.execute(f"COPY rows TO '{facts.quoted(target)}' (FORMAT parquet)")

    def opened(self, first=None, last=None):
        from slicer_package_manager.logs.check import Period
        from slicer_package_manager.logs.report import daily_files
        days = (one and date.fromisoformat(one) for one in (first, last))
        return daily_files.opened(self.published, Period(*days))

    def report(self, first=None, last=None, *, plots=False, **options):
        """Make a report; return its page. To draw its ``plots`` takes seconds."""
        from slicer_package_manager.logs.check import Period
        from slicer_package_manager.logs.report import create
        days = (one and date.fromisoformat(one) for one in (first, last))
        with pytest.MonkeyPatch.context() as patch:
            if not plots:
                patch.setattr(create, 'images', lambda _: Images('<svg/>', '<svg/>', b'PNG'))
            made = create.create(place.for_reading(self.path), self.output,
                                 create.Options(Period(*days), **options))
        return made.path.read_text(encoding='utf-8')


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)
