"""What builds have is read once after a change, of the builds that have changed, also for requests at the same time."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from plugin_tests.waiting import PATIENCE

pytestmark = pytest.mark.database


@pytest.fixture
def known(app):
    from girder.models.folder import Folder

    from slicer_package_manager.registry.expected import present

    def read():
        found = present.in_builds(Folder().load(app['_id'], force=True))
        return sorted((*system, sorted(one.names), one.number) for build in found.values()
                      for system, one in build.get('extension', {}).items())
    return read


def test_extensions_are_read_once_until_one_changes(known, make, reads):
    make('extension', baseName='A', content=b'x')
    make('extension', baseName='B')
    assert known() == known() == [('linux', 'amd64', ['A'], 1)]
    assert len(reads) == 1
    make('extension', baseName='B', content=b'x')
    make('extension', baseName='A', os='win', content=b'x')
    assert known() == [('linux', 'amd64', ['A', 'B'], 2), ('win', 'amd64', ['A'], 1)]
    assert len(reads) == 2


def test_requests_at_the_same_time_share_what_is_read(known, make, reads):
    make('extension', baseName='A', content=b'x')
    with ThreadPoolExecutor(4) as pool:
        found = [one.result(PATIENCE) for one in [pool.submit(known) for _ in range(8)]]
    assert found == [[('linux', 'amd64', ['A'], 1)]] * 8
    assert len(reads) == 1


def test_the_summary_and_the_lookup_share_it(make, anonymous, app, reads):
    make('package', content=b'x')
    make('extension', baseName='A', content=b'x')
    for path, params in (('summary', {'fields': 'extensions,ready'}),
                         ('package/find', {'os': 'linux', 'revision': '33000'})):
        anonymous.get(f'/app/{app["_id"]}/{path}', params=params).raise_for_status()
    assert len(reads) == 1
