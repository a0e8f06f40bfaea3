import importlib.util
import re
from pathlib import Path

import pytest

from slicer_package_manager_client import errors

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'python_client' / 'tools' / 'reference.py'

pytestmark = pytest.mark.skipif(not (ROOT / 'docs').is_dir(), reason='the documentation is in the repository only')


@pytest.fixture(scope='module')
def reference():
    spec = importlib.util.spec_from_file_location('reference', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_up_to_date(reference):
    page = reference.PAGE.read_text('utf-8')
    assert page == reference.updated(page), 'run python python_client/tools/reference.py'


def test_the_first_page_lists_each_exit_status():
    page = (ROOT / 'python_client' / 'README.md').read_text('utf-8')
    assert re.findall(r'^\| (\d+) \|', page, re.MULTILINE) == [str(code) for code, _name, _meaning in errors.EXIT_CODES]


@pytest.mark.parametrize('name', ['upload-from-cmake', 'upload-from-github-actions', 'publish-on-github',
                                  'publish-without-a-secret', 'attest-a-build'])
def test_guides_name_only_options_that_exist(name, reference):
    text = (ROOT / 'docs' / 'how-to' / f'{name}.md').read_text('utf-8')
    blocks = '\n'.join(re.findall(r'```.*?```', text, re.DOTALL))
    ours = '\n'.join(re.findall(r'slicer_package_manager_client(?:\s+(?:[^\n\\]|\\\n)*)', blocks))
    known = set(re.findall(r'`(--[\w-]+)`', reference.commands()))
    assert set(re.findall(r'(?<!\S)--[\w-]+', ours)) <= known
