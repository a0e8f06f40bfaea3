"""Statistics that are published in a fake GitHub."""
from types import SimpleNamespace

import pytest
from pytest_httpserver import HTTPServer

from plugin_tests.logs.conftest import line
from plugin_tests.logs.fake_github import FakeGitHub
from slicer_package_manager.logs.countries import Countries
from slicer_package_manager.logs.rules.raw_lines import Kind

HOSTS = [f'198.51.100.{number}' for number in range(1, 7)]


@pytest.fixture
def github(httpserver):
    with HTTPServer('127.0.0.1') as uploads:
        yield FakeGitHub(httpserver, uploads)


def lines(day='01/Nov/2026', hosts=HOSTS, **values):
    """A line for each of the addresses ``hosts``."""
    return [line(address=host, time=f'{day}:10:00:0{number} +0000', **values) for number, host in enumerate(hosts)]


@pytest.fixture
def pauses():
    """The pauses before repeated requests, in seconds, which take no time."""
    return []


@pytest.fixture
def api(github, pauses):
    """Makes an API for the repository."""
    from slicer_package_manager.logs.github.api import Access, GitHub
    made = []

    def make(**access):
        made.append(GitHub(Access(**{
            'repository': github.repo, 'token': github.token, 'api_url': github.url, 'uploads': (github.uploads,),
            'sleep': pauses.append, **access})))
        return made[-1]
    yield make
    for one in made:
        one.close()


@pytest.fixture(autouse=True)
def report(monkeypatch):
    """The options of the reports, in place of which a page is made at once that has their number."""
    from slicer_package_manager.logs.publication import small_files
    made = []

    def create(_place, output, options):
        made.append(options)
        (output / 'report.html').write_text(f'Report {len(made)}')
        return SimpleNamespace(path=output / 'report.html')
    monkeypatch.setattr(small_files.create, 'create', create)
    return made


@pytest.fixture
def publish(directory, api):
    """Publishes the statistics of the directory."""
    from slicer_package_manager.logs.publication.options import Options
    from slicer_package_manager.logs.publication.run import Publication
    from slicer_package_manager.logs.statistics import locked
    from slicer_package_manager.progress import silent

    def run(access=None, **options):
        with locked(directory.path) as place:
            return Publication(place, api(**access or {}), Options(**options), silent).run()
    return run


@pytest.fixture
def ingest(directory, monkeypatch):
    """Reads lines as a log; addresses in 198.51.100.0/24 are in Germany, others in Malta."""
    monkeypatch.setattr(Countries, 'are_known', True)
    monkeypatch.setattr(Countries, 'of', lambda _, address: 'DE' if address.startswith('198.51.100.') else 'MT')

    def read(*given, name='access.log', **options):
        raw = options.pop('raw_logs', 'pseudonyms')
        return directory.ingest(directory.log(*given, name=name), raw_logs=raw and Kind(raw),
                                **{'threshold': 5, **options})
    return read
