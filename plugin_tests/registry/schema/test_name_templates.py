import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager.registry.schema import name_templates, validators
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE, PACKAGE_TYPES

META = {'baseName': 'Slicer', 'os': 'linux', 'arch': 'amd64', 'revision': '33000', 'version': '5.8.0',
        'pre_release': False}


@pytest.mark.parametrize('package_type', PACKAGE_TYPES.values(), ids=PACKAGE_TYPES)
def test_the_default_template_is_valid(package_type):
    assert name_templates.problem(package_type.default_template, package_type) is None


@pytest.mark.parametrize(('package_type', 'meta', 'name'), [
    (PACKAGE, META, 'Slicer_linux_amd64_33000'),
    (EXTENSION, {**META, 'app_revision': '32000'}, '32000_Slicer_linux_amd64_33000')], ids=PACKAGE_TYPES)
def test_the_default_template_has_the_identity(package_type, meta, name):
    assert name_templates.render(package_type.default_template, package_type, meta) == name


@pytest.mark.parametrize(('template', 'name'), [
    pytest.param('{baseName}-{version}', 'Slicer-5.8.0', id='any key'),
    pytest.param('{baseName}{pre_release}', 'SlicerFalse', id='no text'),
    pytest.param('{baseName}[{release}]', 'Slicer[]', id='absent keys leave nothing behind'),
    pytest.param('{{{baseName}}}', '{Slicer}', id='doubled braces are braces'),
    pytest.param('just text', 'just text', id='no key'),
    pytest.param('{baseName}\n', 'Slicer', id='one line')])
def test_a_template_is_text_with_metadata(template, name):
    assert name_templates.render(template, PACKAGE, META) == name


@pytest.mark.parametrize('key', sorted(PACKAGE.keys))
def test_a_template_may_have_every_key_of_its_package_type(key):
    assert name_templates.problem(f'{{{key}}}', PACKAGE) is None


@pytest.mark.parametrize('template', [
    pytest.param('{baseName.__class__}', id='attribute'), pytest.param('{baseName[0]}', id='index'),
    pytest.param('{baseName.__class__.__mro__[1].__subclasses__}', id='attributes'),
    pytest.param('{0}', id='position'), pytest.param('{}', id='next position'),
    pytest.param('{baseName!r}', id='conversion'), pytest.param('{baseName:>1000000000}', id='width'),
    pytest.param('{baseName:{os}}', id='nested'),
    pytest.param('{baseName:{baseName.__class__}}', id='nested attribute'),
    pytest.param('{unknown}', id='unknown key'), pytest.param('{app_revision}', id='key of extensions'),
    pytest.param('{ baseName }', id='spaces'), pytest.param('{BASENAME}', id='capitals'),
    pytest.param('{', id='open'), pytest.param('}', id='closed'), pytest.param('{{{', id='three open'),
    pytest.param('{baseName', id='unclosed'), pytest.param('baseName}', id='unopened'),
    pytest.param('{base{Name}', id='opened twice'),
    pytest.param('', id='empty'), pytest.param(' \n', id='blank'), pytest.param('x' * 5000, id='long'),
    pytest.param(None, id='null'), pytest.param(['{baseName}'], id='list'), pytest.param(1, id='number'),
    pytest.param('\ud800', id='half a character')])
def test_an_invalid_template_is_refused_when_saved_and_when_used(template):
    assert name_templates.problem(template, PACKAGE)
    with pytest.raises(ValueError, match=r'.'):
        name_templates.render(template, PACKAGE, META)


def test_an_empty_template_is_reported():
    assert name_templates.problem(' ', PACKAGE) == 'must not be empty'


def test_a_problem_names_the_key_and_the_possible_ones():
    problem = name_templates.problem('{baseName.__class__}', PACKAGE)
    assert '{baseName.__class__}' in problem
    assert 'baseName, build_date' in problem


@pytest.mark.parametrize(('template', 'why'), [
    ('{release}', '^results in an empty name$'), ('{sha512}', 'empty name'), ('x' * 256, 'longer than 255')])
def test_a_template_without_a_name_as_result_is_refused(template, why):
    with pytest.raises(ValueError, match=why):
        name_templates.render(template, PACKAGE, META)


@given(st.text('{}!:.[]_0abseNam', max_size=40) | st.text(max_size=40))
def test_a_template_gives_a_name_or_is_refused(template):
    try:
        name = name_templates.render(template, PACKAGE, META)
    except ValueError:
        return
    assert name == validators.name(name) != ''


@pytest.mark.parametrize(('package_type', 'name'), [
    (PACKAGE, 'Slicer_linux_amd64_33241'), (EXTENSION, '33241_SlicerIGT_linux_amd64_ab12cd3')], ids=PACKAGE_TYPES)
def test_an_example_shows_what_a_template_gives(package_type, name):
    assert name_templates.render(package_type.default_template, package_type, package_type.examples) == name
    for key in package_type.keys:
        assert name_templates.render(f'{{{key}}}', package_type, package_type.examples) != ''


def test_an_example_of_an_invalid_template_is_refused():
    with pytest.raises(ValueError, match='unknown'):
        name_templates.render('{unknown}', PACKAGE, PACKAGE.examples)
