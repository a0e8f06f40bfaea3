"""The statistics of an application in the administration, and who has a file."""
import pytest
from playwright.sync_api import expect

CONTENT = b'a bad build'


@pytest.fixture
def logged(site, app):
    """Downloads of an extension that the server has counted, and that logs have; the item."""
    from plugin_tests.conftest import upload
    item = site.extension(app['_id'], url='', size='')
    file = upload(site.client, item['_id'], CONTENT)
    sha512 = site.client.get(f'/item/{item["_id"]}').json()['meta']['sha512']
    site.count(app['_id'], 'SlicerIGT', {'2026-10-01': 3, '2026-11-01': 5})
    site.log(app['_id'], 'SlicerIGT', {'DE': 6, 'other': 2}, item=file['_id'], content=sha512[:16])
    yield item, sha512
    site.forget_logs()


def table(girder, caption):
    """The rows of a table: names and numbers."""
    found = girder.page.locator('.spm-statistics table', has=girder.page.locator('caption', has_text=caption))
    return [[cell.strip() for cell in row.locator('th, td').all_text_contents()]
            for row in found.locator('tbody tr').all()]


@pytest.mark.parametrize('width', ['wide', 'narrow'])
def test_downloads_by_month_system_and_country(open_girder, app, logged, width, album):
    girder = open_girder(width=width).go(f'packages/{app["_id"]}')
    girder.page.get_by_role('link', name='Statistics').click()
    girder.page.wait_for_selector('.spm-statistics')
    assert table(girder, 'By month') == [['2026-11', '5', '', '62.5 %'], ['2026-10', '3', '', '37.5 %']]
    assert table(girder, 'By system') == [['Linux amd64', '8', '', '100.0 %']]
    assert table(girder, 'By country') == [['Germany', '6', '', '75.0 %'],
                                           ['Other (rare combinations)', '2', '', '25.0 %']]
    assert girder.window.accessibility('.spm-page') == {}
    assert girder.window.sideways() <= 0
    album.keep(girder.window, f'admin-statistics-{width}', full_page=True)
    girder.page.get_by_label('Downloads of').select_option('package')
    girder.page.locator('.spm-page', has_text='There are no downloads yet.').wait_for()


def test_without_logs_the_page_states_what_is_missing(open_girder, site, app):
    site.extension(app['_id'])
    site.count(app['_id'], 'SlicerIGT', {'2026-10-01': 3})
    girder = open_girder().go(f'packages/{app["_id"]}/statistics', '.spm-statistics')
    expect(girder.page.locator('.spm-statistics')).to_contain_text('no logs of the web server were loaded')


@pytest.mark.parametrize('width', ['wide', 'narrow'])
def test_who_has_a_file_that_was_deleted(open_girder, site, app, logged, width, album):
    item, sha512 = logged
    site.client.delete(f'/app/{app["_id"]}/extension/{item["_id"]}').raise_for_status()
    girder = open_girder(width=width).go(f'packages/{app["_id"]}/statistics', '#spm-checksum')
    girder.page.fill('#spm-checksum', f' {sha512} ')
    girder.button('Find downloads').click()
    answer = girder.page.locator('[aria-live=polite]', has_text='by robots')
    expect(answer).to_contain_text('file.tar.gz (extension SlicerIGT), published')
    expect(answer).to_contain_text('replaced or deleted')
    expect(answer).to_contain_text('8 downloads, and 0 by robots, in the logs of 1 day, 2026-10-01 to 2026-10-01.')
    assert table(girder, 'Downloads by day') == [['2026-10-01', '8', '8', '', '100.0 %']]
    assert table(girder, 'Downloads by country')[0] == ['Germany', '6', '6', '', '75.0 %']
    assert table(girder, 'Downloads by system') == [['Windows', '8', '8', '', '100.0 %']]
    assert girder.window.accessibility('.spm-page') == {}
    assert girder.window.sideways() <= 0
    album.keep(girder.window, f'admin-who-{width}', full_page=True)


def test_a_wrong_checksum_is_explained(open_girder, app):
    girder = open_girder().go(f'packages/{app["_id"]}/statistics', '#spm-checksum')
    girder.page.fill('#spm-checksum', 'xyz')
    girder.button('Find downloads').click()
    expect(girder.page.locator('.alert-danger')).to_contain_text('is no checksum')
    girder.forgive(400)


def test_only_those_who_administer_the_application_are_offered_it(open_girder, app, grant, logged):
    grant(app['_id'], 1)
    girder = open_girder('editor').go(f'packages/{app["_id"]}/statistics', '.spm-statistics')
    expect(girder.page.locator('#spm-checksum')).to_have_count(0)
