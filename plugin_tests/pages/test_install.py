"""How to install an extension, and what its page links to."""
import ast
import shlex

import pytest

from slicer_package_manager.pages import extensions, install, license_links
from slicer_package_manager.registry.schema import contributors


@pytest.mark.parametrize('name', ['SlicerIGT', 'a"b\'c $(x) `y` \\ é\nz'])
def test_no_name_ends_a_command(name):
    found = install.commands(name, "My 'Slicer'")
    *start, script = shlex.split(found.shell)
    assert start == ['xvfb-run', '-a', "My 'Slicer'", '--no-splash', '--no-main-window', '--python-code']
    for code in (found.python, script):
        strings = [node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)]
        assert name in strings


@pytest.mark.parametrize(('license_name', 'url'), [
    ('MIT', 'https://spdx.org/licenses/MIT.html'), ('apache-2.0', 'https://spdx.org/licenses/Apache-2.0.html'),
    ('BSD', ''), ('MIT OR Apache-2.0', ''), ('LicenseRef-Mine', ''), ('', ''), ('<b>', ''),
    ('https://example.org/license', 'https://example.org/license'), ('javascript:alert(1)', '')])
def test_a_license_is_linked_if_it_is_known(license_name, url):
    assert license_links.url(license_name) == url


@pytest.mark.parametrize(('repository', 'url'), [
    ('https://github.com/SlicerIGT/SlicerIGT.git', 'https://github.com/SlicerIGT/SlicerIGT/issues'),
    ('git://github.com/SlicerIGT/SlicerIGT/', 'https://github.com/SlicerIGT/SlicerIGT/issues'),
    ('https://gitlab.com/a/b', 'https://gitlab.com/a/b/-/issues'), ('https://example.org/a', ''), ('', '')])
def test_problems_are_reported_where_the_sources_are(repository, url):
    assert extensions.issues(repository) == url


def test_names_are_linked_in_the_text_of_contributors():
    text = 'Ada  Example (Lab, Town), Ben Sample; et al.'
    found = contributors.parts(text)
    assert ''.join(part for part, _ in found) == text
    assert [one for one in found if one[1]] == [('Ada  Example', 'Ada Example'), ('Ben Sample', 'Ben Sample')]
    assert contributors.parts('') == []
    assert contributors.parts('(none)') == [('(none)', '')]
