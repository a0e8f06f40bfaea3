from pathlib import Path

import pytest

from plugin_tests import browser as browsers
from plugin_tests import site as sites


@pytest.hookimpl(tryfirst=True)  # before the hook of the folder above, which reads the marker
def pytest_collection_modifyitems(items):
    folder = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(folder) and {'site', 'chromium'} & set(item.fixturenames):
            item.add_marker(pytest.mark.process)
    # First, since one worker runs all of them, for longer than any other one works on a file.
    items.sort(key=lambda item: not item.path.is_relative_to(folder))


@pytest.fixture(scope='session')
def server(mongo_uri, tmp_path_factory):
    """A server, which :func:`site` fills when the first test wants that."""
    with sites.running(tmp_path_factory.mktemp('site'), mongo_uri) as running:
        yield running


@pytest.fixture(scope='session')
def site(server):
    """A server with all extensions; a test that changes something uses an application of its own."""
    sites.fill(server)
    return server


@pytest.fixture(scope='session')
def chromium():
    with browsers.running() as running:
        yield running


@pytest.fixture
def open_window(chromium, site):
    """Open windows: ``open_window('/catalog', width='narrow', dark=True)``. Any problem in one fails the test."""
    windows = []

    def make(path=None, **options):
        window = browsers.Window(chromium, site.url, **options)
        windows.append(window)
        if path is not None:
            window.page.goto(path)
        return window
    yield make
    for window in windows:
        window.close()
    assert [problem for window in windows for problem in window.problems] == []


@pytest.fixture(scope='session')
def album(request):
    """Folder of screenshots, for inspection by people."""
    return browsers.Album(request.config.rootpath / request.config.getoption('--screenshots'))
