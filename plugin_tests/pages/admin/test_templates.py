"""Templates of names in the browser: the same rules as on the server, and an example while they are typed."""
import pytest

from slicer_package_manager.registry.schema import name_templates
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES

TEMPLATES = [
    '{baseName}_{os}_{arch}_{revision}', '{app_revision}', ' {version} ', 'a{{b}}c', '{{{os}}}', '{os:}',
    'ünï {os}\t{arch}', '', '   ', '{', '}', '{os', 'os}', '{os}}', '{}', '{ os }', '{foo}', '{os!r}', '{os:>3}',
    '{os.x}', '{os[0]}', '{os:{arch}}', '{constructor}', '{toString}', '{dicom_support_rule}', 'x' * 4097,
    '{description}' * 20]


@pytest.fixture(scope='module')
def page(chromium, site):
    """A page with Girder's client in it; it is only asked for the rules."""
    from plugin_tests import browser
    window = browser.Window(chromium, site.url)
    window.page.goto('/')
    window.page.wait_for_selector('.g-global-nav-li')
    yield window.page
    window.close()


@pytest.mark.parametrize('package_type', PACKAGE_TYPES)
def test_the_example_has_every_key(page, package_type):
    shown = page.evaluate('kind => girder.plugins.slicer_package_manager.KINDS[kind]', package_type)
    assert set(shown['example']) == PACKAGE_TYPES[package_type].keys
    assert shown['key'] == PACKAGE_TYPES[package_type].template


@pytest.mark.parametrize('package_type', PACKAGE_TYPES)
def test_browser_and_server_agree(page, package_type):
    shown = page.evaluate("""([kind, templates]) => templates.map((template) => {
        try {
            return girder.plugins.slicer_package_manager.renderTemplate(template, kind);
        } catch (failure) {
            return null;
        }
    })""", [package_type, TEMPLATES])
    example = page.evaluate('kind => girder.plugins.slicer_package_manager.KINDS[kind].example', package_type)
    assert dict(zip(TEMPLATES, shown, strict=True)) == {
        one: rendered(one, PACKAGE_TYPES[package_type], example) for one in TEMPLATES}


def rendered(template, package_type, example):
    try:
        return name_templates.render(template, package_type, example)
    except ValueError:
        return None


def test_templates_are_saved_with_an_example_before_eyes(open_girder, app, summary):
    girder = open_girder().go(f'packages/{app["_id"]}')
    dialog = girder.dialog('Edit')
    save = dialog.get_by_role('button', name='Save')
    packages = dialog.get_by_label('Packages')
    assert dialog.locator('.spm-example').all_inner_texts() == [
        'Example: Slicer_linux_amd64_33241', 'Example: 33241_SlicerIGT_linux_amd64_ab12cd3']
    packages.fill('{baseName}<b>{foo}')
    dialog.get_by_text('“{foo}” is none of').wait_for()
    assert save.is_disabled()
    packages.fill('{baseName}<b>{version}')
    dialog.get_by_text('Example: Slicer<b>5.8.1').wait_for()
    save.click()
    girder.told('The templates are saved')
    girder.page.locator('dd', has_text='{baseName}<b>{version}').wait_for()
    assert summary()['app']['templates']['package'] == '{baseName}<b>{version}'


def test_the_server_has_the_last_word(open_girder, app, summary):
    girder = open_girder().go(f'packages/{app["_id"]}')
    girder.page.evaluate("girder.plugins.slicer_package_manager.KINDS.package.example.tomorrow = 'x'")
    dialog = girder.dialog('Edit')
    dialog.get_by_label('Packages').fill('{tomorrow}')
    dialog.get_by_role('button', name='Save').click()
    dialog.locator('.g-validation-failed-message', has_text='"{tomorrow}" is not one of').wait_for()
    girder.forgive(400)
    assert 'tomorrow' not in summary()['app']['templates']['package']
