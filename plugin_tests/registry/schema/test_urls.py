import pytest

from slicer_package_manager.registry.schema import urls


def test_credentials_are_removed_from_each_string_of_a_json_value():
    given = {'a': 'https://u:p@host', 'b': [{'c': 'see https://u:p@host/x'}, 1, None, True], 'https://u:p@host': 2.5}
    assert urls.without_credentials_in(given) == {
        'a': 'https://host', 'b': [{'c': 'see https://host/x'}, 1, None, True], 'https://u:p@host': 2.5}


@pytest.mark.parametrize(('text', 'cleaned'), [
    ('ssh://git:pw@host', 'ssh://git@host'), ('ssh://:pw@host', 'ssh://host'),
    ('ssh%3A%2F%2Fgit%3Apw%40host/x', 'ssh%3A%2F%2Fgit%40host/x'), ('ssh%3A%2F%2F%3Apw%40host', 'ssh%3A%2F%2Fhost'),
    ('https%3A%2F%2Fu%3Ap%40host', 'https%3A%2F%2Fhost')])
def test_the_user_name_of_an_ssh_url_stays(text, cleaned):
    assert urls.without_credentials(text) == cleaned


def test_in_markup_user_information_ends_at_a_tag():
    assert urls.without_credentials('https://u:p<b@host') == 'https://host'
    assert urls.without_credentials('https://u:p<b@host', markup=True) == 'https://u:p<b@host'
    assert urls.without_credentials('<b>https://u:p@host</b>', markup=True) == '<b>https://host</b>'
