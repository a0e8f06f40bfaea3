import pytest

from slicer_package_manager.registry.links import rules
from slicer_package_manager.registry.links.rules import Link
from slicer_package_manager.registry.server import settings

URL = 'https://github.com/a/b%20c.zip?d=e/f'
SHA512 = 'aB' * 64


@pytest.fixture(autouse=True)
def _hosts(monkeypatch):
    monkeypatch.setattr(settings, 'get', {settings.LINK_HOSTS: ['github.com']}.__getitem__)


@pytest.mark.parametrize(('form', 'link'), [
    ({}, None), ({'url': '', 'size': None, 'name': 'x'}, None), ({'url': URL}, Link(URL, 'b c.zip', None, None)),
    ({'url': URL, 'file_name': 'f.zip', 'size': 0, 'sha512': SHA512}, Link(URL, 'f.zip', 0, SHA512.lower())),
    ({'url': URL, 'size': str(2**53)}, Link(URL, 'b c.zip', 2**53, None))])
def test_forms_with_and_without_a_link(form, link):
    assert rules.parse(form) == (link, [])


@pytest.mark.parametrize(('form', 'fields'), [
    ({'size': 1, 'sha512': SHA512}, ['size', 'sha512']), ({'url': 'http://github.com/a'}, ['url']),
    ({'url': 'https://github.com/'}, ['file_name']), ({'url': 'https://github.com/%ff'}, ['file_name']),
    ({'url': URL, 'size': 2**53 + 1}, ['size']), ({'url': URL, 'size': -1}, ['size']),
    ({'url': URL, 'size': '1.0'}, ['size']),
    ({'url': 'https://a/', 'size': 'x', 'sha512': 'x'}, ['file_name', 'url', 'size', 'sha512'])])
def test_all_problems_of_a_form_are_reported_together(form, fields):
    link, problems = rules.parse(form)
    assert (link, sorted(field for field, _ in problems)) == (None, sorted(fields))


def test_a_link_that_is_not_allowed_names_the_setting():
    from slicer_package_manager.registry.schema.errors import Forbidden, Invalid
    with pytest.raises(Forbidden, match=r'slicer_package_manager\.link_hosts'):
        rules.require_allowed('https://example.org/a', ['github.com'])
    rules.require_allowed(URL, ['github.com'])
    with pytest.raises(Invalid, match='linkUrl'):
        rules.check_file({'linkUrl': 'https://example.org/a'})
    for nothing in (None, ''):
        with pytest.raises(Invalid, match='linkUrl: must be made of'):
            rules.check_file({'linkUrl': nothing})
    rules.check_file({'linkUrl': f' {URL} '})


def test_a_form_that_describes_a_file_without_its_url_is_told_to_give_it():
    assert rules.parse({'size': 1})[1] == [('size', 'is only for URL-only packages; give url too')]


@pytest.mark.parametrize('url', ['https://github.com', 'https://github.com/a/', 'https://github.com/%ff'])
def test_the_name_of_a_file_has_to_be_given_if_the_url_has_none(url):
    problem = 'must be the name of a file, without a path'
    assert rules.parse({'url': url}) == (None, [('file_name', problem)])
    assert rules.parse({'url': url, 'file_name': 'a.zip'}) == (Link(url, 'a.zip', None, None), [])
