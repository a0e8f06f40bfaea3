"""Rows of daily files, and rows that are loaded into the database of the tests."""
from plugin_tests.logs.conftest import FILE, ITEM

DAY = '2026-11-01'


def row(**values):
    """A row of a daily file."""
    return {'day': DAY, 'kind': 'package', 'app': 'Slicer', 'baseName': 'Slicer', 'os': 'linux', 'arch': 'amd64',
            'revision': '33000', 'app_revision': '33000', 'release': '', 'item': ITEM, 'file': FILE,
            'content': 'ab' * 8, 'country': 'DE', 'client': 'browser', 'client_os': 'linux', 'requests': '1',
            'clients': '1', 'incomplete': '0', **values}


def load(*rows):
    """Load ``rows``, each into its day."""
    from slicer_package_manager.registry.downloads import logged
    for day in sorted({one['day'] for one in rows}):
        logged.replace(day, 'checksum', [one for one in rows if one['day'] == day])


def add_up():
    """Make the sums of the months whose days were loaded or removed; return these months."""
    from slicer_package_manager.registry.downloads import logged_sums
    for month in (months := logged_sums.outdated()):
        logged_sums.update(month)
    return months


def of_item(item, file=None, **values):
    """A row about the package ``item``, a document of REST, with its ``file``."""
    meta = item['meta']
    kind = 'extension' if 'app_revision' in meta else 'package'
    return row(**{
        'item': item['_id'], 'file': file['_id'] if file else FILE, 'content': meta.get('sha512', '')[:16],
        'kind': kind, **{key: meta[key] for key in ('baseName', 'os', 'arch', 'revision')},
        'app_revision': meta.get('app_revision', meta['revision']), 'release': meta.get('release', ''), **values})
