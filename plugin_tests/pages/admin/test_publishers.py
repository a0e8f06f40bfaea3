"""Publishers on the page of an application, for site administrators."""
import pytest

REPOSITORY = 'SlicerIGT/SlicerIGT'


@pytest.fixture
def publishers(site, app):
    return lambda: site.client.get(f'/app/{app["_id"]}/publisher').raise_for_status().json()


def test_a_publisher_is_registered_refused_listed_and_removed(open_girder, app, publishers, album):
    girder = open_girder().go(f'packages/{app["_id"]}')
    page = girder.page
    page.get_by_text('No workflow of a CI service may upload').wait_for()
    form = girder.dialog('Register publisher')
    submit = form.get_by_role('button', name='Register')
    assert submit.is_disabled()
    for label, value in (('Repository', REPOSITORY), ('Number of the repository', '58719283'),
                         ('File of the workflow', 'package.yml'), ('Extensions', 'SlicerIGT, Other'),
                         ('Account', 'unknown')):
        form.get_by_label(label, exact=True).fill(value)
    submit.click()
    form.get_by_text('or environment is required').wait_for()
    girder.forgive(400)
    form.get_by_label('Branch').fill('main')
    submit.click()
    form.get_by_text('there is no user "unknown"').wait_for()
    girder.forgive(400)
    album.keep(girder.window, 'admin-publisher')
    form.get_by_label('Account', exact=True).fill('admin')
    form.get_by_label('It may upload packages').check()
    submit.click()
    girder.alerted(f'{REPOSITORY} may upload now')
    row = girder.row(REPOSITORY)
    row.wait_for()
    for text in ('package.yml', 'branch main', 'SlicerIGT, Other and packages', 'admin',
                 'number 58719283 at token.actions.githubusercontent.com'):
        assert text in row.inner_text()
    one, = publishers()
    assert (one['issuer'], one['extensions'], one['packages'], one['created_by']) == (
        'https://token.actions.githubusercontent.com', ['SlicerIGT', 'Other'], True, 'admin')
    page.reload()  # without the alert, which is Girder's
    row.wait_for()
    assert girder.window.accessibility() == {}
    album.keep(girder.window, 'admin-publishers', full_page=True)
    form = girder.dialog(f'Remove {REPOSITORY}, package.yml')
    form.get_by_role('button', name='Remove', exact=True).click()
    girder.alerted('The publisher is removed')
    page.get_by_text('No workflow of a CI service may upload').wait_for()
    assert publishers() == []


def test_editors_do_not_see_publishers(open_girder, app, grant):
    grant(app['_id'], level=2)
    girder = open_girder('editor').go(f'packages/{app["_id"]}')
    girder.page.get_by_role('heading', name='Names').wait_for()
    assert girder.page.get_by_role('heading', name='Publishers').count() == 0
