"""What an administrator does with applications, releases and drafts."""
import re

import pytest

HOSTILE = '5.9 <img src=x onerror=alert(1)> "\'&amp; %2F/ ünï'
SYSTEMS = (('linux', 'amd64'), ('macosx', 'arm64'))


@pytest.fixture
def girder(open_girder, app):
    return open_girder().go(f'packages/{app["_id"]}')


def release_by_name(summary, name):
    return next((one for one in summary()['releases'] if one['name'] == name), None)


def test_an_application_is_created_where_it_is_wanted(open_girder, site):
    girder = open_girder().go('packages')
    dialog = girder.dialog('Create application')
    assert dialog.get_by_role('button', name='Create').is_disabled()
    dialog.get_by_label('Name').fill(HOSTILE)
    dialog.get_by_label('Everyone may read it').uncheck()
    dialog.get_by_role('button', name='Create').click()
    girder.page.locator('h1', has_text=HOSTILE).wait_for()
    girder.alerted(HOSTILE)
    made, = site.client.get('/app', params={'name': HOSTILE}).json()
    try:
        assert (made['_id'] in girder.page.url, made['public']) == (True, False)
        dialog = girder.go('packages', '.spm-table').dialog('Create application')
        dialog.get_by_label('Name').fill(HOSTILE)
        dialog.get_by_role('button', name='Create').click()
        dialog.locator('.g-validation-failed-message', has_text='there is an application').wait_for()
        girder.forgive(400)
    finally:
        site.client.delete(f'/app/{made["_id"]}').raise_for_status()


def test_a_release_is_created_and_refused_with_the_servers_words(girder, summary):
    dialog = girder.dialog('Create release')
    dialog.get_by_label('Name').fill('draft')
    dialog.get_by_label('Revision').fill('33300')
    dialog.get_by_role('button', name='Create').click()
    dialog.locator('.g-validation-failed-message', has_text='has a meaning of its own').wait_for()
    girder.forgive(400)
    dialog.get_by_label('Name').fill(HOSTILE)
    dialog.get_by_label('Description').fill('Only <b>text</b>')
    dialog.get_by_role('button', name='Create').click()
    girder.row(HOSTILE).wait_for()
    assert release_by_name(summary, HOSTILE)['revision'] == '33300'
    assert 'Only text' in girder.row(HOSTILE).inner_text()


def test_gaps_of_the_matrix_stand_out(open_girder, site, app, release, fill):
    release()
    fill('33241', extensions=2, systems=SYSTEMS)
    fill('33300', extensions=0, systems=SYSTEMS[:1])
    site.count(app['_id'], 'Slicer', {'2026-11-01': 1234}, kind='package', release='5.8.1')
    girder = open_girder().go(f'packages/{app["_id"]}')
    cells = {name: girder.row(name).locator('.spm-system') for name in ('5.8.1', '33300')}
    assert cells['5.8.1'].all_inner_texts() == ['1 package\n2 ext.'] * 2
    assert cells['33300'].all_inner_texts() == ['1 package\nno ext.', 'no package\nno ext.']
    assert [('spm-gap' in one.get_attribute('class'), 'spm-half' in one.get_attribute('class'))
            for one in cells['33300'].all()] == [(False, True), (True, False)]
    assert girder.row('5.8.1').locator('.spm-number').all_inner_texts() == ['804.9 MB', '1,234']
    assert '2 packages' not in girder.page.locator('.spm-totals').inner_text()
    assert '3 packages' in girder.page.locator('.spm-totals').inner_text()


@pytest.mark.parametrize('width', ['wide', 'narrow'])
def test_tables_with_four_systems_fit_into_the_window(open_girder, app, release, fill, width, album):
    release()
    for revision in ('33241', '33300'):
        fill(revision, systems=(*SYSTEMS, ('win', 'amd64'), ('macosx', 'amd64')))
    girder = open_girder(width=width, dark=width == 'narrow').go(f'packages/{app["_id"]}', '.spm-releases')
    wider = '(all) => all.map((one) => one.scrollWidth - one.clientWidth)'
    assert girder.page.locator('.spm-scroll').evaluate_all(wider) == [0, 0]
    assert (girder.window.accessibility('.spm-page'), girder.window.sideways()) == ({}, 0)
    album.keep(girder.window, f'admin-tables-{width}', full_page=True)


def test_readiness_is_overridden_and_reset(open_girder, app, release, fill, summary):
    release()
    fill()
    girder = open_girder().go(f'packages/{app["_id"]}')
    for choice, shown, held in (('not ready', 'not ready', True), ('ready', 'ready', False),
                                ('automatic', 'ready', None)):
        with girder.page.expect_response(lambda answer: answer.request.method == 'PUT') as said:
            girder.row('5.8.1').get_by_role('combobox').select_option(choice)
        assert said.value.ok
        girder.page.wait_for_function(
            "([shown, choice]) => document.querySelector('.spm-ready-cell .label').textContent === shown && "
            "document.querySelector('.spm-ready').selectedOptions[0].textContent === choice", arg=[shown, choice])
        assert release_by_name(summary, '5.8.1')['held'] is held


def test_a_draft_is_promoted_to_a_new_release(open_girder, app, fill, summary):
    fill('33300', extensions=2)
    girder = open_girder().go(f'packages/{app["_id"]}')
    dialog = girder.dialog('Promote 33300')
    assert '1 package and 2 extensions' in dialog.inner_text()
    dialog.get_by_label('Name of the release').fill(HOSTILE)
    dialog.get_by_role('button', name='Promote').click()
    girder.row(HOSTILE).get_by_text('2 ext.').wait_for()
    girder.alerted('is the release')
    assert girder.row('33300').count() == 0
    assert summary()['drafts'] == []


def test_a_draft_is_promoted_to_the_release_of_its_revision(open_girder, app, release, fill, summary):
    fill('33300')
    release('5.9', '33300')
    girder = open_girder().go(f'packages/{app["_id"]}')
    dialog = girder.dialog('Promote 33300')
    assert dialog.get_by_role('textbox').count() == 0
    dialog.get_by_role('button', name='Promote').click()
    girder.row('33300').wait_for(state='detached')
    assert release_by_name(summary, '5.9')['packages'] == {'linux': {'amd64': 1}}


def test_a_promotion_that_the_server_refuses_is_reported(open_girder, site, app, release, fill):
    fill('33300')
    release('5.9', '33300')
    girder = open_girder().go(f'packages/{app["_id"]}')
    dialog = girder.dialog('Promote 33300')
    draft, = site.client.get(f'/app/{app["_id"]}/draft').json()
    site.client.post('/item', params={'folderId': draft['_id'], 'name': 'a stranger'}).raise_for_status()
    dialog.get_by_role('button', name='Promote').click()
    girder.alerted('"a stranger" in the draft is no package or extension')
    girder.forgive(409)
    assert girder.row('33300').count() == 1


def test_a_release_is_deleted_after_its_name_was_typed(open_girder, app, release, fill, summary):
    release(HOSTILE)
    release('5.6', '1')
    fill()
    girder = open_girder().go(f'packages/{app["_id"]}')
    dialog = girder.dialog(f'Delete {HOSTILE}')
    assert '1 package and 1 extension' in dialog.inner_text()
    confirm = dialog.get_by_role('button', name='Delete')
    dialog.get_by_role('textbox').fill(HOSTILE[:-1])
    assert confirm.is_disabled()
    dialog.get_by_role('textbox').fill(HOSTILE)
    confirm.click()
    girder.row(HOSTILE).wait_for(state='detached')
    assert [one['name'] for one in summary()['releases']] == ['5.6']


def test_an_application_is_deleted_after_its_name_was_typed(girder, site, app):
    girder.settle()  # else what the page still asks about the application is not found any more
    dialog = girder.dialog('Delete application')
    dialog.get_by_role('textbox').fill(app['name'])
    dialog.get_by_role('button', name='Delete').click()
    girder.page.wait_for_url(re.compile('#packages$'))
    girder.alerted('is deleted')
    assert site.client.get(f'/app/{app["_id"]}').status_code == 404
    assert girder.row(app['name']).count() == 0


def test_drafts_are_paged_pruned_by_a_plan_and_deleted(open_girder, site, app, fill, summary):
    for number in range(27):
        site.package(app['_id'], revision=str(number))
    girder = open_girder().go(f'packages/{app["_id"]}')
    assert (girder.row('26').count(), girder.row('1').count()) == (1, 0)
    girder.button('Older').click()
    girder.row('1').wait_for()
    assert '26 to 27 of 27' in girder.page.inner_text('.spm-pager')

    dialog = girder.dialog('Delete 1')
    dialog.get_by_role('button', name='Delete').click()
    girder.row('1').wait_for(state='detached')

    dialog = girder.dialog('Prune drafts…')
    confirm = dialog.get_by_role('button', name='Delete these drafts')
    dialog.get_by_label('Keep the newest').fill('2')
    dialog.get_by_role('button', name='Show drafts to delete').click()
    dialog.get_by_text('24 drafts').wait_for()
    assert dialog.locator('.spm-plan tbody th').all_inner_texts() == [*(str(one) for one in range(24, 1, -1)), '0']
    dialog.get_by_label('Keep the newest').fill('3')
    assert confirm.is_disabled()  # what was shown is not what would be done
    assert dialog.locator('.spm-plan').count() == 0
    dialog.get_by_role('button', name='Show drafts to delete').click()
    dialog.get_by_text('23 drafts').wait_for()
    confirm.click()
    girder.alerted('23 drafts deleted')
    assert [one['name'] for one in summary()['drafts']] == ['26', '25', '24']
    girder.row('24').wait_for()


#: The page's requests for a deletion wait until the test lets them go.
_HOLD = """() => {
    const {ajax} = girder.$;
    window.held = [];
    girder.$.ajax = (options) => {
        if (options.method !== 'DELETE') {
            return ajax(options);
        }
        const later = girder.$.Deferred();
        window.held.push(() => ajax(options).then(later.resolve, later.reject));
        return later.promise();
    };
}"""


def test_work_without_a_socket_shows_how_much_is_left(open_girder, app, release, fill):
    release()
    fill(extensions=3)
    girder = open_girder().go(f'packages/{app["_id"]}')
    girder.page.evaluate(_HOLD)
    dialog = girder.dialog('Delete 5.8.1')
    dialog.get_by_role('textbox').fill('5.8.1')
    dialog.get_by_role('button', name='Delete').click()
    progress = girder.page.locator('.g-progress-widget-container')
    progress.get_by_text('4 left').wait_for()
    assert 'Deleting release 5.8.1' in progress.inner_text()
    girder.page.evaluate('window.held[0]()')
    progress.get_by_text('Done').wait_for()
    girder.row('5.8.1').wait_for(state='detached')


def test_work_with_a_socket_leaves_the_progress_to_the_server(open_girder, app, release):
    release()
    girder = open_girder().go(f'packages/{app["_id"]}')
    girder.page.evaluate('girder.utilities.eventStream._websocket = {readyState: WebSocket.OPEN, close: () => 0}')
    dialog = girder.dialog('Delete 5.8.1')
    dialog.get_by_role('textbox').fill('5.8.1')
    with girder.page.expect_request(lambda request: request.method == 'DELETE') as asked:
        dialog.get_by_role('button', name='Delete').click()
    assert asked.value.url.endswith('?progress=true')
    girder.row('5.8.1').wait_for(state='detached')
    assert girder.page.locator('.g-progress-widget-container').count() == 0


def test_drafts_have_their_version_and_build_date(open_girder, site, app):
    site.package(app['_id'], revision='34108', version='5.11.0-2026-11-27', build_date='2026-11-27 04:00:00')
    site.extension(app['_id'], app_revision='34109')
    girder = open_girder().go(f'packages/{app["_id"]}')
    assert 'version 5.11.0-2026-11-27' in girder.row('34108').inner_text()
    assert girder.row('34108').locator('[data-label=Built]').inner_text().startswith('2026-11-27\ncreated ')
    assert girder.row('34109').locator('[data-label=Built]').inner_text().startswith('unknown\ncreated ')


@pytest.mark.parametrize('width', ['wide', 'narrow'])
def test_the_administration_is_dark_where_the_system_is(open_girder, app, fill, width, album):
    fill()
    girder = open_girder(width=width, dark=True).go(f'packages/{app["_id"]}')
    assert 'invert' in girder.page.evaluate("getComputedStyle(document.documentElement).filter")
    assert girder.window.sideways() == 0
    album.keep(girder.window, f'admin-dark-{width}')
