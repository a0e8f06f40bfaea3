"""The pages about missing extensions, in a real browser."""
from datetime import datetime, timezone

import pytest
from bson.objectid import ObjectId


@pytest.fixture(scope='module')
def lacking(site):
    """An application with a build that lacks an extension with a long name; the ids of the application and its name."""
    app, name = site.application('Lacking'), 'An extension with a & and a name that is long enough to be broken'
    site.database['slicer_package_expected'].insert_one({
        'app': ObjectId(app), 'branch': '5.9', 'synced': datetime.now(timezone.utc), 'entries': [
            {'name': one, 'category': '', 'tier': 1, 'repository_url': ''} for one in ('SlicerIGT', name)]})
    site.package(app, revision='33850', version='5.9.0-2026-11-01')
    return app, name


@pytest.mark.parametrize(('width', 'dark'), [('wide', False), ('narrow', True)])
def test_people_find_what_an_extension_lacks(open_window, lacking, album, width, dark):
    app, name = lacking
    window = open_window(f'/status?app={app}', width=width, dark=dark)
    assert window.accessibility() == {}
    album.keep(window, f'status-{width}')
    window.page.get_by_role('link', name=name).click()
    window.page.get_by_role('heading', name='Missing').wait_for()
    assert window.accessibility() == {}
    image = window.page.get_by_role('img', name='Badge of')
    assert image.evaluate('one => one.naturalWidth') > 100
    album.keep(window, f'status-extension-{width}')
    assert window.page.evaluate('document.documentElement.scrollWidth <= innerWidth')
