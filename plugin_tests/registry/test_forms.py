import pytest

from slicer_package_manager.registry import values
from slicer_package_manager.registry.errors import Invalid
from slicer_package_manager.registry.forms import Given, cleaned


def test_values_go_through_their_rules():
    assert cleaned(a=Given(' x ', values.name), b=Given(None, values.text, required=False)) == {'a': 'x', 'b': ''}


@pytest.mark.parametrize('value', ['', None, ' \n '])
def test_a_required_value_must_not_be_empty(value):
    with pytest.raises(Invalid, match='a: must not be empty'):
        cleaned(a=Given(value, values.name))


def test_all_problems_are_reported_together_and_the_first_field_is_named():
    with pytest.raises(Invalid, match=r'a: is longer .*; b: must not be empty') as caught:
        cleaned(a=Given('x' * 256, values.name), b=Given('', values.name), c=Given('ok', values.name))
    assert caught.value.field == 'a'
