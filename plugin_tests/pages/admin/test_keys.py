"""API keys of build machines, as a site administrator creates and revokes them."""
import httpx
import pytest
from playwright.sync_api import expect as eventually

PATH = '/slicer_package_manager/key'


@pytest.fixture
def keys(site):
    """The keys that the server has; none are left afterwards."""
    def get():
        return site.client.get(PATH).raise_for_status().json()
    yield get
    for one in get():
        site.client.delete(f'{PATH}/{one["_id"]}').raise_for_status()


def test_a_key_is_created_with_the_command_that_uses_it_and_revoked(open_girder, site, app, grant, keys, album):
    grant(app['_id'])
    girder = open_girder().go('packages')
    page = girder.page
    page.get_by_role('link', name='API keys').click()
    page.get_by_text('There is no key yet.').wait_for()
    form = girder.dialog('Create key')
    submit = form.get_by_role('button', name='Create')
    assert submit.is_disabled()
    form.get_by_label('Name').fill('Nightly build')
    form.get_by_label('What it may do').select_option(label=f'Upload packages to {app["name"]}')
    form.get_by_label('Account', exact=True).fill('reader')
    assert form.get_by_label('Expires after').input_value() == '365'
    submit.click()
    form.get_by_text('may not write').wait_for()
    girder.forgive(400)
    account = form.get_by_label('Account', exact=True)
    account.fill('nobody')
    submit.click()
    form.get_by_text('no user with the login "nobody"').wait_for()
    girder.forgive(404)
    account.fill('')
    page.keyboard.type('EDITOR x')  # the name
    option = form.get_by_role('option', name='editor editor x')
    option.wait_for()
    assert girder.window.accessibility('.spm-dialog') == {}
    page.keyboard.press('ArrowDown')
    eventually(option).to_have_attribute('aria-selected', 'true')
    page.keyboard.press('Enter')
    eventually(account).to_have_value('editor')
    eventually(option).to_have_count(0)
    form.get_by_label('Expires after').select_option('90')
    submit.click()
    made = page.locator('#spm-made')
    made.wait_for()
    secret, *commands = made.locator('code').all_inner_texts()
    assert f'--api-url {site.url}/api/v1' in commands[-1]
    answer = httpx.post(f'{site.url}/api/v1/api_key/token', data={'key': secret}).raise_for_status().json()
    assert (answer['apiKey']['login'], answer['authToken']['scope']) == ('editor', ['slicer_package_manager.upload'])
    row = girder.row('Nightly build')
    for text in ('of editor', f'Upload packages to {app["name"]}'):
        assert text in row.inner_text()
    album.keep(girder.window, 'admin-key-created', full_page=True)
    page.reload()  # the secret is gone
    row.wait_for()
    assert secret not in page.content()
    assert (girder.window.accessibility('.spm-page'), girder.window.sideways()) == ({}, 0)
    form = girder.dialog('Revoke Nightly build')
    form.get_by_role('button', name='Revoke', exact=True).click()
    girder.alerted('The key is revoked')
    page.get_by_text('There is no key yet.').wait_for()
    assert keys() == []


def test_suggested_accounts_are_chosen_and_left_out(open_girder, album):
    girder = open_girder(width='narrow', dark=True).go('packages/server/keys')
    form = girder.dialog('Create key')
    account, options = form.get_by_label('Account', exact=True), form.locator('.spm-options > li')
    account.fill('rea')
    eventually(options).to_have_text(['reader reader x'])
    assert (girder.window.accessibility('.spm-dialog'), girder.window.sideways()) == ({}, 0)
    album.keep(girder.window, 'admin-key-account-narrow-dark')
    girder.page.keyboard.press('Escape')
    eventually(options).to_have_count(0)
    eventually(account).to_have_value('rea')  # the dialog stays
    account.fill('')
    eventually(options.first).to_be_visible()  # without a text, the first ones
    account.fill('READER')
    eventually(options).to_have_text(['reader reader x'])
    options.first.click()
    eventually(account).to_have_value('reader')
    account.fill('nobody at all')
    eventually(options).to_have_count(0)


def test_keys_fit_into_a_narrow_window_and_the_dark(open_girder, site, keys, album):
    for purpose, login in (('upload', 'editor'), ('read', 'reader'), ('full', 'admin')):
        site.post(PATH, login=login, name=f'For {purpose}', purpose=purpose)
    girder = open_girder(width='narrow', dark=True).go('packages/server/keys', '.spm-table')
    assert (girder.window.accessibility('.spm-page'), girder.window.sideways()) == ({}, 0)
    for text in ('wherever its account may write', 'Read what its account', 'Everything that its account'):
        girder.page.get_by_text(text).wait_for()
    album.keep(girder.window, 'admin-keys-narrow-dark', full_page=True)


def test_others_do_not_see_them(open_girder):
    girder = open_girder('editor').go('packages/server/keys', 'p')
    girder.page.get_by_text('Must be logged in as admin').wait_for()
