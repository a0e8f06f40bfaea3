"""The page of the plugin's settings."""
import json

import pytest

from slicer_package_manager.pages.assets import PLACE, digest
from slicer_package_manager.registry.server.settings import LINK_HOSTS, READY_SHARE, RULES

ROUTE = 'plugins/slicer_package_manager/config'
#: How the values of settings are asked for, by their types.
CONTROLS = {list: ('lines', 'applications'), bool: ('checkbox',), int: ('number',), float: ('number',),
            str: ('text', 'choice', 'application'), dict: ('quotas', 'issuers')}


@pytest.fixture
def girder(open_girder, site):
    yield open_girder().go('plugins', '.g-plugin-list-container')
    for key in RULES:
        site.client.delete('/system/setting', params={'key': key}).raise_for_status()


def setting(site, key):
    return site.client.get('/system/setting', params={'key': key}).json()


def test_there_is_a_line_for_every_setting(girder):
    shown = girder.page.evaluate(f'import("/{PLACE}/{digest()}/admin/settings.js").then(module => module.SETTINGS)')
    assert {f'slicer_package_manager.{one["name"]}' for one in shown} == set(RULES)
    assert [one['name'] for one in shown
            if one['type'] not in CONTROLS[type(RULES[f'slicer_package_manager.{one["name"]}'][1])]] == []


def test_settings_are_found_changed_refused_and_reset(girder, site, album):
    page = girder.page
    page.locator('[data-name="slicer_package_manager"] .g-plugin-config-link').click()
    hosts = page.get_by_label('Hosts that packages may link to', exact=True)
    share = page.get_by_role('spinbutton', name='Share of extensions')
    assert hosts.input_value() == 'github.com'
    album.keep(girder.window, 'admin-settings', full_page=True)
    hosts.fill('github.com\n*.example.org, GitLab.com')
    share.fill('101')
    girder.button('Save').click()
    page.locator('.form-group', has=share).get_by_text('from 0 to 100').wait_for()
    girder.forgive(400)
    assert setting(site, LINK_HOSTS) == ['github.com', '*.example.org', 'gitlab.com']
    share.fill('90')
    girder.button('Save').click()
    girder.alerted('The settings are saved')
    assert setting(site, READY_SHARE) == 90
    girder.button('Default of Hosts that packages may link to').click()
    girder.alerted('has its default again')
    page.wait_for_function("document.querySelector('textarea').value === 'github.com'")
    assert share.input_value() == '90'
    share.fill('')
    girder.button('Save').click()
    page.wait_for_function("document.querySelector('input[type=number]').value === '0'")


def test_what_is_typed_stays_when_another_setting_is_saved_or_reset(girder, site):
    page = girder.go(ROUTE, 'form').page
    hosts = page.get_by_label('Hosts that packages may link to', exact=True)
    share = page.get_by_role('spinbutton', name='Share of extensions')
    share.fill('90')
    with page.expect_request(lambda request: request.method == 'PUT'):
        page.evaluate("""document.querySelector('form.g-settings-form').requestSubmit();
            document.querySelector('textarea').value = 'example.org';""")
    girder.alerted('The settings are saved')
    assert (hosts.input_value(), setting(site, READY_SHARE)) == ('example.org', 90)
    girder.button('Default of Share of extensions').click()
    girder.alerted('has its default again')
    assert hosts.input_value() == 'example.org'
    page.wait_for_function("document.querySelector('input[type=number]').value === '0'")


def test_an_environment_variable_that_overrides_a_setting_is_reported(girder):
    before = {key: default for key, (_, default) in RULES.items()}
    girder.page.route('**/system/setting?list=*', lambda route: route.fulfill(
        content_type='application/json', body=json.dumps(before)))
    girder.go(ROUTE, 'form')
    girder.page.get_by_role('spinbutton', name='Share of extensions').fill('50')
    girder.button('Save').click()
    girder.alerted('GIRDER_SETTING_SLICER_PACKAGE_MANAGER_READY_SHARE overrides it')


def test_applications_and_services_are_chosen_from_menus(girder, site, app):
    page = girder.go(ROUTE, 'form').page
    page.get_by_role('combobox', name='Default application of the catalog').select_option(app['_id'])
    page.get_by_role('group', name='Applications whose uploads are checked').get_by_label(app['name']).check()
    quotas = page.get_by_role('group', name='Quotas of applications')
    girder.button('Add: Quotas of applications').click()
    quotas.get_by_label('Application', exact=True).select_option('default')
    quotas.get_by_label('Size in GB').fill('1.5')
    issuers = page.get_by_role('group', name='CI services')
    issuers.get_by_role('button', name='Remove').first.click()
    issuers.get_by_label('Issuer', exact=True).fill('https://gitlab.example.org')
    issuers.get_by_label('Service', exact=True).select_option('gitlab')
    girder.button('Save').click()
    girder.alerted('The settings are saved')
    assert [setting(site, f'slicer_package_manager.{name}') for name in (
        'default_app', 'checked_applications', 'upload_quotas', 'oidc_issuers')] == [
        app['_id'], [app['_id']], {'default': 1_500_000_000}, {'https://gitlab.example.org': 'gitlab'}]
    girder.button('Default of Quotas of applications').click()
    girder.alerted('has its default again')
    quotas.get_by_label('Size in GB').wait_for(state='detached')
    assert page.get_by_role('combobox', name='Default application of the catalog').input_value() == app['_id']


def test_a_deleted_application_stays_named_in_settings(girder, site):
    site.client.put('/system/setting', params={
        'key': 'slicer_package_manager.upload_quotas', 'value': '{"64b000000000000000000001": 5}'}).raise_for_status()
    page = girder.go(ROUTE, 'form').page
    quotas = page.get_by_role('group', name='Quotas of applications')
    assert quotas.get_by_label('Application', exact=True).locator('option:checked').inner_text() == (
        'Deleted application (64b000000000000000000001)')
    quotas.get_by_label('Size in GB').fill('-1')
    girder.button('Save').click()
    page.get_by_text('must be a whole number of bytes').wait_for()
    girder.forgive(400)
