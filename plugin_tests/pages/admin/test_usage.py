"""How the server is used, as an administrator sees it."""
import pytest


@pytest.mark.parametrize('width', ['wide', 'narrow'])
def test_the_usage_of_the_server_is_shown(open_girder, site, app, fill, width, album):
    fill(extensions=2)
    site.client.put('/system/setting', params={
        'key': 'slicer_package_manager.upload_quotas', 'value': f'{{"{app["_id"]}": 804938268}}'}).raise_for_status()
    girder = open_girder(width=width).go('packages')
    girder.page.get_by_role('link', name='Usage').click()
    girder.page.get_by_role('heading', name='Usage of the server').wait_for()
    row = girder.page.locator('tr', has=girder.page.locator('.spm-name', has_text=app['name']))
    row.wait_for()
    assert [text.strip() for text in row.locator('td').all_inner_texts()] == ['402.5 MB', '804.9 MB', '50.0 %']
    sections = girder.page.locator('h2').all_inner_texts()
    assert sections == ['Storage', 'Applications', 'Uploads of the last 90 days', 'Unfinished uploads', 'Broken links']
    assert (girder.window.accessibility('.spm-page'), girder.window.sideways()) == ({}, 0)
    album.keep(girder.window, f'admin-usage-{width}', full_page=True)
    site.client.delete('/system/setting', params={'key': 'slicer_package_manager.upload_quotas'}).raise_for_status()


def test_others_do_not_see_it(open_girder):
    girder = open_girder('reader').go('packages/server/usage', 'p')
    girder.page.get_by_text('Must be logged in as admin').wait_for()
