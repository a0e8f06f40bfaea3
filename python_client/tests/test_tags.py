import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager_client import tags
from slicer_package_manager_client.errors import InvalidRequest

VALUES = {'app_name': 'Slicer', 'app_revision': '33000', 'os': 'linux', 'arch': 'amd64', 'name': 'Foo',
          'revision': 'ab12', 'version': '5.9'}


@pytest.mark.parametrize(('template', 'tag'), [
    (tags.DEFAULT, '33000-linux-amd64'),
    ('{app_name}-{version}', 'Slicer-5.9'),
    ('nightly/{name}', 'nightly/Foo'),
    ('fixed', 'fixed'),
    ('{{x}} {name}', '-x-Foo'.lstrip('-')),
    ('a..b.lock', 'a.b'),
])
def test_fills_a_template(template, tag):
    assert tags.tag(template, VALUES) == tag


@pytest.mark.parametrize('template', [
    '{colour}', '{name.__class__}', '{name[0]}', '{name!r}', '{name:>9}', '{', '}', '{}', '{0}', '', '...', '{version'])
def test_refuses_templates_that_name_anything_else(template):
    with pytest.raises(InvalidRequest):
        tags.tag(template, VALUES)


@given(st.text())
def test_a_tag_is_one_that_git_takes(text):
    tag = tags.fit(text)
    assert not re.search(r'[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.lock(/|$)|\.$|^[-/.]|/$|/\.|\./', tag)
    assert tags.fit(tag) == tag
