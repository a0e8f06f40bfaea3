"""What the plugin adds to Girder's own pages of folders and items."""
import pytest

from plugin_tests.conftest import upload

PANEL = '.spm-panel'


def facts(girder):
    panel = girder.page.locator(PANEL)
    return dict(zip(panel.locator('dt').all_inner_texts(), panel.locator('dd').all_inner_texts(), strict=True))


def test_the_panel_of_an_item_has_identity_link_and_count(open_girder, site, app, release):
    release('5.8 <b>')
    item = site.package(app['_id'], sha512='ab' * 64)
    site.count(app['_id'], 'Slicer', {'2026-11-01': 7}, kind='package', release='5.8 <b>')
    girder = open_girder().go(f'item/{item["_id"]}', PANEL)
    assert facts(girder) == {
        'Application': app['name'], 'Identity': 'Slicer for linux amd64, revision 33241', 'Version': '5.8.1',
        'In': 'release 5.8 <b>', 'SHA-512': 'ab' * 64, 'Downloads': '7',
        'File': 'Slicer.tar.gz, hosted at https://github.com/Slicer/Slicer/releases/download/x/Slicer.tar.gz'}
    girder.page.click(f'{PANEL} >> text=Manage')
    girder.row('5.8 <b>').wait_for()


def test_readers_see_the_file_of_an_extension(open_girder, site, app):
    item = site.extension(app['_id'], url=None, size=None)
    upload(site.client, item['_id'], b'content', name='Extension.tar.gz')
    girder = open_girder('reader').go(f'item/{item["_id"]}', PANEL)
    shown = facts(girder)
    assert shown['Identity'] == 'SlicerIGT for linux amd64, revision 33241 of the application'
    assert shown['File'] == 'Extension.tar.gz, stored on this server'
    assert len(shown['SHA-512']) == 128
    assert girder.page.locator(PANEL).get_by_text('Manage').count() == 0


def test_an_item_without_a_file_says_so(open_girder, site, app):
    item = site.extension(app['_id'], url=None, size=None)
    girder = open_girder().go(f'item/{item["_id"]}', PANEL)
    assert facts(girder)['File'].startswith('none yet')


def test_strangers_items_and_folders_have_no_panel(open_girder, site, app, fill):
    fill('33300')
    draft, = site.client.get(f'/app/{app["_id"]}/draft').json()
    stranger = site.post('/item', folderId=draft['_id'], name='stranger')
    girder = open_girder().go(f'item/{stranger["_id"]}', '.g-item-info')
    girder.settle()
    assert girder.page.locator(PANEL).count() == 0
    girder.go(f'folder/{draft["parentId"]}', '.g-folder-list-link')
    girder.settle()
    assert girder.page.locator(PANEL).count() == 0


@pytest.mark.parametrize('width', ['wide', 'narrow'])
def test_folders_have_a_panel_while_a_user_opens_one_after_the_other(open_girder, app, release, fill, album, width):
    release()
    fill('33241', extensions=2)
    fill('33300')
    girder = open_girder(width=width).go(f'folder/{app["_id"]}', PANEL)
    assert facts(girder)['Contents'] == '1 release, 1 draft, 2 packages, 3 extensions'
    girder.page.get_by_text('5.8.1', exact=True).click()
    girder.page.locator(f'{PANEL}[aria-label="Release"]').wait_for()
    contents = girder.row('5.8.1').locator('.spm-system').all_inner_texts()
    assert [one.split() for one in contents] == [['1', 'package', '2', 'ext.']]
    assert girder.page.locator(PANEL).count() == 1
    assert girder.window.sideways() == 0
    album.keep(girder.window, f'admin-folder-{width}')
    girder.page.locator('.g-breadcrumb-link', has_text=app['name']).click()
    girder.page.locator('.g-folder-list-link', has_text='draft').click()
    girder.page.locator('.g-folder-list-link', has_text='33300').click()
    girder.page.locator(f'{PANEL}[aria-label="Draft"]').wait_for()
    assert girder.row('33300').count() == 1


@pytest.mark.parametrize('width', ['wide', 'narrow'])
def test_pages_fit_and_can_be_used_by_everyone(open_girder, app, release, fill, album, width):
    release()
    release('5.6.2', '32448')
    systems = [('linux', 'amd64'), ('win', 'amd64'), ('macosx', 'amd64'), ('macosx', 'arm64')]
    fill('33241', extensions=2, systems=systems)
    fill('33300', systems=systems[:3])
    girder = open_girder(width=width)
    for route, name in (('packages', 'list'), (f'packages/{app["_id"]}', 'application')):
        girder.go(route, '.spm-table')
        assert girder.window.sideways() == 0
        assert girder.window.accessibility('.spm-page') == {}
        album.keep(girder.window, f'admin-{name}-{width}')
    for button in ('Edit', 'Prune drafts…', 'Promote 33300', 'Delete application', 'Create release'):
        dialog = girder.dialog(button)
        assert girder.window.accessibility('#g-dialog-container form') == {}
        album.keep(girder.window, f'admin-dialog-{button}-{width}')
        dialog.get_by_role('button', name='Cancel').click()
        girder.page.locator('.modal-backdrop').wait_for(state='detached')
