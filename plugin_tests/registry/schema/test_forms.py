import pytest

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.forms import Given, cleaned


def test_values_go_through_their_rules():
    given = {'a': Given(' x ', validators.name), 'b': Given(None, validators.text, required=False)}
    assert cleaned(**given) == {'a': 'x', 'b': ''}


@pytest.mark.parametrize('value', ['', None, ' \n '])
def test_a_required_value_must_not_be_empty(value):
    with pytest.raises(Invalid, match='a: must not be empty'):
        cleaned(a=Given(value, validators.name))


def test_all_problems_are_reported_together_and_the_first_field_is_named():
    with pytest.raises(Invalid, match=r'a: is longer .*; b: must not be empty') as caught:
        cleaned(a=Given('x' * 256, validators.name), b=Given('', validators.name), c=Given('ok', validators.name))
    assert caught.value.field == 'a'
