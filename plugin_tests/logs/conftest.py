"""Statistics of a directory, and lines of logs."""
import csv
import gzip
import io
import json

import pytest

ITEM, OTHER_ITEM = '64b000000000000000000001', '64b000000000000000000002'
FILE, OTHER_FILE = '64b0000000000000000000f1', '64b0000000000000000000f2'
SIZE = 1_000_000
BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0'


def fact(**values):
    """What "logs facts" exports of a file."""
    return {'file': FILE, 'item': ITEM, 'app': 'Slicer', 'kind': 'package', 'name': 'Slicer.zip', 'baseName': 'Slicer',
            'os': 'linux', 'arch': 'amd64', 'revision': '33000', 'app_revision': '33000', 'version': '5.8.1',
            'release': '5.8.1', 'pre_release': False, 'build_date': '2026-10-31T04:00:00+00:00', 'sha512': 'ab' * 64,
            'size': SIZE, 'object': '', 'created': '2026-10-31T05:00:00+00:00', 'public': True, 'aliases': [], **values}


EXTENSION = fact(file=OTHER_FILE, item=OTHER_ITEM, kind='extension', baseName='SlicerIGT', revision='ab12cd3',
                 release='', version=None, sha512='cd' * 64)


def line(target=f'/api/v1/item/{ITEM}/download', *, address='198.51.100.7', time='01/Nov/2026:10:00:01 +0000',
         method='GET', status=200, size=SIZE, agent=BROWSER, rest=''):
    """A line in the combined format."""
    return f'{address} - - [{time}] "{method} {target} HTTP/1.1" {status} {size} "-" "{agent}"{rest}\n'


class Directory:
    """Statistics in a directory, with the facts of a package and an extension."""

    def __init__(self, path):
        self.path = path / 'statistics'
        self.logs = path / 'logs'
        self.logs.mkdir(exist_ok=True)
        self.facts = path / 'facts.jsonl'
        self.use(fact(), EXTENSION)

    def use(self, *facts):
        self.facts.write_text(''.join(json.dumps(one) + '\n' for one in facts))

    def log(self, *lines, name='access.log'):
        """A log with these lines, which are texts with line breaks, or bytes."""
        path = self.logs / name
        path.write_bytes(b''.join(one if isinstance(one, bytes) else one.encode() for one in lines))
        return path

    def ingest(self, *paths, dry=False, publish=True, **options):
        from slicer_package_manager.logs.statistics import Options, Statistics, locked
        from slicer_package_manager.progress import silent
        with locked(self.path) as place:
            statistics = Statistics(place, Options(**{'threshold': 1, **options}), silent)
            if not dry:
                statistics.use_facts(self.facts)
            reports = statistics.ingest(paths, dry=dry)
            if publish and not dry:
                statistics.publish()
            return reports

    def rows(self, day='2026/11/01'):
        """The rows of a day, as dictionaries of texts."""
        text = gzip.decompress((self.path / 'published' / f'{day}.csv.gz').read_bytes()).decode()
        return list(csv.DictReader(io.StringIO(text)))

    def counts(self, day='2026/11/01', by=('baseName',)):
        """The numbers of requests of a day."""
        found = {}
        for row in self.rows(day):
            key = tuple(row[name] for name in by) if len(by) > 1 else row[by[0]]
            found[key] = found.get(key, 0) + int(row['requests'])
        return found

    def published(self):
        """All files that are published, with their contents."""
        root = self.path / 'published'
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob('*') if path.is_file()}

    def manifest(self):
        path = self.path / 'published' / 'manifest.json'
        return json.loads(path.read_text()) if path.exists() else {'days': {}}

    def everything(self):
        """The contents of all files in the directory."""
        return b'\n'.join(path.read_bytes() for path in sorted(self.path.rglob('*')) if path.is_file())


@pytest.fixture
def directory(tmp_path):
    return Directory(tmp_path)
