"""Webhooks on the page of an application."""
import json

import pytest

URL = 'https://hooks.invalid/slicer'


@pytest.fixture
def hosts(site):
    """The setting allows the host of the address."""
    key = 'slicer_package_manager.webhook_hosts'
    site.client.put('/system/setting', params={'key': key, 'value': json.dumps(['hooks.invalid'])}).raise_for_status()
    yield
    site.client.delete('/system/setting', params={'key': key}).raise_for_status()


def add(girder, name, url):
    form = girder.dialog('Add webhook')
    form.get_by_label('Extension').fill(name)
    form.get_by_label('Address').fill(url)
    form.get_by_role('button', name='Add', exact=True).click()
    return form


def test_a_webhook_is_added_with_its_secret_tested_and_removed(open_girder, app, expect, hosts, album):
    expect('SlicerIGT')
    girder = open_girder().go(f'packages/{app["_id"]}')
    page = girder.page
    page.get_by_text('No one is notified').wait_for()
    form = add(girder, 'SlicerIGT', 'https://elsewhere.invalid/')
    form.get_by_text('which an administrator has not allowed').wait_for()
    girder.forgive(400)
    form.get_by_label('Address').fill(URL)
    form.get_by_role('button', name='Add', exact=True).click()
    secret = page.locator('#spm-made code').inner_text()
    assert len(secret) == 43
    page.wait_for_function("document.activeElement.id === 'spm-made'")
    album.keep(girder.window, 'admin-webhook-added', full_page=True)
    page.reload()
    row = girder.row('SlicerIGT').filter(has_text=URL)
    row.wait_for()
    assert secret not in page.content()
    row.get_by_role('button', name='Test').click()
    girder.alerted('has not accepted the test: The name hooks.invalid cannot be resolved')
    page.locator('#g-alerts-container .close').first.click()
    assert girder.window.accessibility('.spm-page') == {}
    row.get_by_role('button', name='Remove').click()
    girder.opened_dialog().get_by_role('button', name='Remove', exact=True).click()
    page.get_by_text('No one is notified').wait_for()


@pytest.mark.parametrize('level', [0, 1])
def test_authors_who_may_write_are_offered_it(open_girder, app, release, grant, expect, hosts, level):
    expect('SlicerIGT')
    grant(app['_id'], level)
    grant(release()['_id'])
    girder = open_girder('editor', width='narrow').go(f'packages/{app["_id"]}')
    girder.page.get_by_role('heading', name='Missing extensions').wait_for()
    assert girder.page.get_by_role('heading', name='Webhooks').count() == level
    if level:
        add(girder, 'SlicerIGT', URL)
        girder.page.locator('#spm-made').wait_for()
        assert girder.window.sideways() == 0
