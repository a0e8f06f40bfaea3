"""A server that does not know which application to show."""
import httpx
import pytest

from plugin_tests import servers
from plugin_tests.browser import Window
from plugin_tests.site import Site

pytestmark = pytest.mark.process


@pytest.fixture(scope='module')
def fresh(tmp_path_factory, mongo_uri):
    """A server without applications."""
    uri = mongo_uri.rpartition('/')[0] + '/fresh'
    with servers.starter(tmp_path_factory.mktemp('fresh')) as start:
        site = Site(start('--database', uri, '--workers', '1').ready(), uri)
        yield site
        site.close()


def test_an_empty_server_says_what_to_do_next(fresh, chromium, album):
    window = Window(chromium, fresh.url)
    window.page.goto('/')
    assert window.page.locator('h2').inner_text() == 'What to do next'
    assert window.page.get_by_role('link', name='Packages').get_attribute('href') == './admin#packages'
    assert window.accessibility() == {}
    assert window.problems == []
    album.keep(window, 'start')
    window.close()


def test_a_server_with_several_applications_lets_people_choose(fresh):
    made = {name: fresh.application(name) for name in ('One', 'Two <b>')}
    fresh.application('Secret', public='false')
    page = httpx.get(f'{fresh.url}/').raise_for_status().text
    assert all(f'?app={identifier}' in page for identifier in made.values())
    assert 'Two &lt;b&gt;' in page
    assert 'Secret' not in page
