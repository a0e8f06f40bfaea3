"""The example of a name template, as the administration shows it while a template is typed."""
import pytest

from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES

pytestmark = pytest.mark.database

PATH = '/slicer_package_manager/name_template_example'


def example(client, template, package_type='package'):
    return client.get(PATH, params={'package_type': package_type, 'template': template})


@pytest.mark.parametrize(('package_type', 'name'), [
    ('package', 'Slicer_linux_amd64_33241'), ('extension', '33241_SlicerIGT_linux_amd64_ab12cd3')])
def test_the_default_template_with_the_keys_that_it_may_contain(api, package_type, name):
    found = PACKAGE_TYPES[package_type]
    assert example(api, found.default_template, package_type).json() == {'name': name, 'keys': sorted(found.keys)}


@pytest.mark.parametrize('template', [
    '', '   ', '{', '}', '{os', 'os}', '{os}}', '{}', '{ os }', '{foo}', '{os!r}', '{os:>3}', '{os.x}', '{os[0]}',
    '{os:{arch}}', 'x' * 4097])
def test_an_invalid_template_has_the_message_of_saving_it(api, app, template):
    saved = api.put(f'/folder/{app["_id"]}/metadata', json={'applicationPackageNameTemplate': template})
    shown = example(api, template)
    assert shown.status_code == saved.status_code == 400
    if template != 'x' * 4097:  # which Girder's limit of texts refuses before
        assert shown.json()['message'] == saved.json()['message']


def test_a_template_whose_name_is_unusable_is_refused(api):
    answer = example(api, '{baseName}' * 60)
    assert (answer.status_code, answer.json()['field']) == (400, 'applicationPackageNameTemplate')


@pytest.mark.parametrize('params', [
    {}, {'template': 'x'}, {'package_type': 'package'}, {'package_type': 'x', 'template': 'x'}])
def test_missing_and_unknown_parameters_are_refused(api, params):
    assert api.get(PATH, params=params).status_code == 400


def test_only_users_ask_for_it(anonymous):
    assert example(anonymous, '{os}').status_code == 401
