import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager_client import metadata
from slicer_package_manager_client.errors import InvalidRequest

S4EXT = """#
# First token of each non-comment line is the keyword and the rest of the line
# (including spaces) is the value.
scm git
scmurl git://github.com/example/Foo.git
scmrevision 31c6782

depends     NA
build_subdirectory inner-build
Homepage    https://example.org/foo
contributors Jane Roe (Superware), John Doe (Lab1, Nowhere)
category Segmentation
iconurl https://example.org/foo.png
status
description The description, with several words
screenshoturls https://example.org/1.png https://example.org/2.png
enabled 1
"""


def test_reads_an_s4ext_file(tmp_path):
    path = tmp_path / 'Foo.s4ext'
    path.write_text(S4EXT, encoding='utf-8')
    assert metadata.read(str(path)) == {
        'name': 'Foo', 'repo_type': 'git', 'repo_url': 'git://github.com/example/Foo.git', 'revision': '31c6782',
        'dependency': '', 'homepage': 'https://example.org/foo',
        'contributors': 'Jane Roe (Superware), John Doe (Lab1, Nowhere)', 'category': 'Segmentation',
        'icon_url': 'https://example.org/foo.png', 'development_status': '',
        'desc': 'The description, with several words',
        'screenshots': 'https://example.org/1.png https://example.org/2.png', 'enabled': True}


def test_reads_a_catalog_entry(tmp_path):
    path = tmp_path / 'Foo.json'
    path.write_text(json.dumps({
        '$schema': 'https://example.org/slicer-extension-catalog-entry-schema-v1.0.1.json#',
        'build_dependencies': ['SlicerIGT', 'SlicerIGSIO'], 'build_subdirectory': '.', 'category': 'IGT',
        'scm_revision': 'main', 'scm_url': 'https://github.com/example/Foo', 'tier': 3, 'enabled': False}),
        encoding='utf-8')
    assert metadata.read(str(path)) == {
        'name': 'Foo', 'repo_type': 'git', 'repo_url': 'https://github.com/example/Foo', 'revision': 'main',
        'dependency': 'SlicerIGT SlicerIGSIO', 'category': 'IGT', 'tier': 3, 'enabled': False}


@pytest.mark.parametrize(('name', 'text', 'said'), [
    pytest.param('a.json', '[]', 'JSON object', id='no object'),
    pytest.param('a.json', '{', 'Expecting', id='no JSON'),
    pytest.param('a.json', '{"colour": "red"}', '"colour" is no key', id='unknown key'),
    pytest.param('a.json', '{"tier": "high"}', 'no.* number', id='tier'),
    pytest.param('a.json', '{"enabled": "perhaps"}', 'neither yes nor no', id='enabled'),
    pytest.param('a.json', '{"category": {}}', 'not a text', id='object'),
    pytest.param('a.s4ext', 'colour red', '"colour" is no key', id='unknown keyword'),
    pytest.param('a.s4ext', b'\xff\xfe', 'utf-8', id='binary'),
])
def test_says_what_is_wrong_in_which_file(name, text, said, tmp_path):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidRequest, match=said) as raised:
        metadata.read(str(path))
    assert str(path) in str(raised.value)


def test_a_missing_file_is_a_usage_error(tmp_path):
    with pytest.raises(InvalidRequest):
        metadata.read(str(tmp_path / 'none.json'))


@given(st.dictionaries(st.sampled_from(['category', 'homepage', 'description', 'contributors']),
                       st.text(st.characters(exclude_categories=['C', 'Z']), min_size=1)))
def test_an_s4ext_file_gives_back_what_was_written_to_it(values):
    text = '\n'.join(f'{key}   {value}  ' for key, value in values.items())
    found = metadata.parse_s4ext(text)
    assert found == {('desc' if key == 'description' else key): value for key, value in values.items()}


@given(st.text())
def test_any_text_is_read_or_refused_as_a_value_error(text):
    for parse in (metadata.parse_s4ext, metadata.parse_entry):
        with contextlib.suppress(ValueError):
            assert isinstance(parse(text), dict)
