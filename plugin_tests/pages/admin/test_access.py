"""Who sees what: the administrator, an editor of one application, a reader, anonymous visitors."""
import httpx
import pytest

ENTRY = '[g-name="Packages"]'


@pytest.mark.parametrize('person', ['anonymous', 'reader'])
def test_users_who_may_edit_nothing_see_no_entry_and_an_empty_page(open_girder, app, fill, person):
    fill()
    girder = open_girder(person).go('packages')
    girder.settle()
    assert girder.page.locator(ENTRY).count() == 0
    assert girder.page.locator('table').count() == girder.page.locator('.spm-page button').count() == 0
    girder.go('collections', '.g-collection-list-entry').go(f'packages/{app["_id"]}')
    assert girder.page.locator('table').count() == 0
    assert ('Log in' if person == 'anonymous' else 'nothing here') in girder.page.inner_text('.spm-page')
    girder.go('plugins/slicer_package_manager/config', '#g-app-body-container > p')
    assert girder.page.locator('form.g-settings-form').count() == 0


def test_a_private_application_stays_private(open_girder, site):
    secret = site.application('Secret name', public=False)
    try:
        girder = open_girder('reader').go(f'packages/{secret}', '.alert')
        assert 'Secret name' not in girder.page.inner_text('body')
        girder.forgive(403)
    finally:
        site.client.delete(f'/app/{secret}').raise_for_status()


def test_an_editor_sees_what_they_may_edit_and_can_do_with_it(open_girder, app, fill, release, grant):
    release()
    fill('33241')
    fill('33300')
    grant(app['_id'])
    girder = open_girder('editor')
    girder.page.click(ENTRY)
    girder.page.wait_for_selector('.spm-table')
    assert girder.page.locator('.spm-table tbody tr').count() == 1
    assert girder.button('Create application').count() == 0
    assert girder.page.get_by_role('link', name='Settings').count() == 0
    girder.row(app['name']).locator('a').click()
    girder.row('33300').wait_for()
    assert girder.button('Create release').count() == 1
    assert girder.row('33300').get_by_role('button').all_inner_texts() == ['Promote']
    assert girder.row('5.8.1').get_by_role('button').count() == 0
    assert girder.row('5.8.1').get_by_role('combobox').count() == 1
    assert girder.button('Prune drafts').count() == girder.button('Delete application').count() == 0


def test_an_editor_of_one_release_sees_that_one(open_girder, app, release, grant):
    release('5.6', '1')
    grant(release('5.8', '2')['_id'])
    girder = open_girder('editor').go(f'packages/{app["_id"]}')
    assert girder.page.locator('.spm-table tbody tr').count() == 1
    assert girder.row('5.8').count() == 1
    assert girder.button('Create release').count() == girder.button('Edit').count() == 0


def test_the_entry_comes_and_goes_with_the_login(open_girder, app, grant, people):
    grant(app['_id'])
    girder = open_girder('anonymous').go('packages')
    girder.page.get_by_role('link', name='Log in', exact=True).first.click()
    dialog = girder.opened_dialog()
    dialog.locator('#g-login').fill('editor')
    dialog.locator('#g-password').fill('correct horse')
    dialog.locator('#g-password').press('Enter')
    girder.row(app['name']).wait_for()
    assert 'g-active' in girder.page.locator(f'li:has({ENTRY})').get_attribute('class')
    girder.page.click('.g-user-dropdown-link')
    girder.page.click('.g-logout')
    girder.page.locator(ENTRY).wait_for(state='detached')


def test_the_list_of_what_one_may_edit(site, people, app, release, grant):
    def names(person):
        return [one['name'] for one in people[person].client.get('/slicer_package_manager/editable').json()]
    made = release()
    assert app['name'] in names('admin')
    assert app['name'] not in names('editor')
    grant(made['_id'])
    assert app['name'] in names('editor')
    assert app['name'] not in names('reader')
    assert httpx.get(f'{site.url}/api/v1/slicer_package_manager/editable').status_code == 401


@pytest.mark.parametrize('method', ['GET', 'PUT'])
def test_large_requests_of_girders_client_go_out_as_what_they_are(open_girder, method):
    page = open_girder().page
    sent = []
    page.on('request', lambda request: sent.append((request.method, request.headers)))
    found = page.evaluate("""async (method) => {
        const names = JSON.stringify([{key: 'core.brand_name', value: 'x'.repeat(3000)}]);
        await girder.rest.restRequest({url: 'system/setting', method, data: {list: method === 'GET'
            ? JSON.stringify(Array(200).fill('core.brand_name')) : names}, error: null}).catch(() => {});
        return (await girder.rest.restRequest({url: 'system/setting', data: {key: 'core.brand_name'}}));
    }""", method)
    assert [one for one, _ in sent] == [method, 'GET']
    assert not any('x-http-method-override' in headers for _, headers in sent)
    if method == 'PUT':
        assert found == 'x' * 3000
        page.evaluate('girder.rest.restRequest({url: "system/setting?key=core.brand_name", method: "DELETE"})')


def test_the_frame_of_girders_client_is_that_of_this_product(open_girder, site):
    girder = open_girder('anonymous')
    page = girder.page
    assert page.title() == 'Slicer Package Manager'
    assert page.locator('.spm-front h2').inner_text() == 'Slicer Package Manager'
    footer = page.locator('.g-footer-links')
    assert footer.locator('a').all_inner_texts()[:4] == ['First page', 'Extensions', 'Download', 'REST API']
    assert 'Kitware' not in page.locator('#g-app-footer-container').inner_text()
    page.locator('.spm-front button').click()
    page.locator('#g-login').wait_for()
    page.goto('/admin')
    footer.get_by_role('link', name='Extensions').click()
    page.wait_for_url(f'{site.url}/catalog**')
    girder.forgive(404)  # there is no application
