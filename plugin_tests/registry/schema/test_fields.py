import pytest

from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE, PACKAGE_TYPES, operating_system

PACKAGE_KEYS = {'app_id', 'baseName', 'os', 'arch', 'repository_type', 'repository_url', 'revision', 'version',
                'pre_release', 'build_date', 'sha512', 'release'}
EXTENSION_KEYS = {'app_id', 'baseName', 'os', 'arch', 'repository_type', 'repository_url', 'revision',
                  'app_revision', 'description', 'sha512', 'icon_url', 'category', 'homepage', 'screenshots',
                  'contributors', 'dependency', 'recommends', 'license', 'development_status', 'enabled', 'tier',
                  'dicom_support_rule', 'keywords'}


@pytest.mark.parametrize(('package_type', 'keys'), [(PACKAGE, PACKAGE_KEYS), (EXTENSION, EXTENSION_KEYS)],
                         ids=PACKAGE_TYPES)
def test_a_package_type_has_exactly_the_keys_that_clients_know(package_type, keys):
    assert package_type.keys == keys


def test_identities_are_those_of_the_contract():
    assert PACKAGE.identity == ('baseName', 'os', 'arch', 'revision')
    assert EXTENSION.identity == ('baseName', 'os', 'arch', 'app_revision')


@pytest.mark.parametrize('package_type', PACKAGE_TYPES.values(), ids=PACKAGE_TYPES)
def test_every_example_is_a_valid_value(package_type):
    for field in package_type.fields:
        assert field.clean(field.example) != '', field.name


@pytest.mark.parametrize('package_type', PACKAGE_TYPES.values(), ids=PACKAGE_TYPES)
def test_the_fields_of_the_identity_are_required(package_type):
    required = {field.name for field in package_type.fields if field.required}
    assert {*package_type.identity, package_type.app_revision, 'revision'} <= required


@pytest.mark.parametrize(('name', 'type_'), [('os', 'string'), ('tier', 'integer'), ('enabled', 'boolean'),
                                             ('icon_url', 'string')])
def test_a_field_states_the_type_of_its_parameter(name, type_):
    assert next(field.type for field in EXTENSION.fields if field.name == name) == type_


@pytest.mark.parametrize(('name', 'system'), [
    ('windows', 'win'), ('Mac', 'macosx'), ('macOS', 'macosx'), ('osx', 'macosx'), (' LINUX ', 'linux')])
def test_an_operating_system_has_other_names(name, system):
    assert operating_system(name) == system


def test_another_operating_system_is_refused():
    with pytest.raises(ValueError, match='"beos" is not one of linux, win, macosx'):
        operating_system('beos')
