import codecs
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager_client import metadata
from slicer_package_manager_client.errors import InvalidRequest
from slicer_package_manager_client.fields import EXTENSION

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


@pytest.mark.parametrize('field', EXTENSION.fields, ids=lambda field: field.key)
def test_a_catalog_entry_may_have_every_field(field):
    value = {str: 'x', int: 3, bool: True}[field.type]
    assert metadata.parse_entry(json.dumps({field.key: value}))[field.option] == value


@pytest.mark.parametrize(('name', 'text', 'said'), [
    pytest.param('a.json', '[]', 'JSON object', id='no object'),
    pytest.param('a.json', '{', 'Expecting', id='no JSON'),
    pytest.param('a.json', '{"tier": "high"}', 'no.* number', id='tier'),
    pytest.param('a.json', '{"enabled": "perhaps"}', 'neither yes nor no', id='enabled'),
    pytest.param('a.json', '{"category": {}}', 'not a text', id='object'),
    pytest.param('a.s4ext', 'colour red\nHello, world', 'no line begins', id='no keyword'),
    pytest.param('a.s4ext', b'\x1f\x8b\x08\x00', 'no text', id='binary'),
    pytest.param('a.json', '[' * 100_000, 'nested|recursion|Expecting', id='deep'),
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


@pytest.mark.parametrize('encode', [
    pytest.param(lambda text: text.encode(), id='UTF-8'),
    pytest.param(lambda text: text.encode('utf-8-sig'), id='byte order mark'),
    pytest.param(lambda text: text.encode('latin-1'), id='Latin-1'),
    pytest.param(lambda text: codecs.BOM_UTF8 + text.encode('latin-1'), id='byte order mark before Latin-1'),
    pytest.param(lambda text: text.encode('utf-16'), id='UTF-16'),
    pytest.param(lambda text: text.replace('\n', '\r\n').encode(), id='CRLF'),
    pytest.param(lambda text: text.replace('\n', '\r').encode(), id='CR'),
])
@pytest.mark.parametrize(('name', 'text'), [
    ('Foo.s4ext', 'scm git\ncontributors J\u00e9r\u00f4me Mu\u00f1oz (Universit\u00e4t)\n'),
    ('Foo.json', '{"scm_type": "git",\n "contributors": "J\u00e9r\u00f4me Mu\u00f1oz (Universit\u00e4t)"}')])
def test_reads_what_editors_write(name, text, encode, tmp_path):
    (tmp_path / name).write_bytes(encode(text))
    found = metadata.read(str(tmp_path / name))
    assert (found['repo_type'], found['contributors']) == ('git', 'J\u00e9r\u00f4me Mu\u00f1oz (Universit\u00e4t)')


def test_lines_without_a_keyword_are_ignored_with_a_warning():
    warnings = []
    found = metadata.parse_s4ext('scm git\ncontributors A. Author (Lab),\nB. Author (Status Lab)\n\n'
                                 '  https://example.org/2.png\nStatus of this is odd\nstatus beta\n', warnings.append)
    assert found == {'repo_type': 'git', 'contributors': 'A. Author (Lab),', 'development_status': 'beta'}
    assert [said.split(' has')[0] for said in warnings] == ['line 3', 'line 5']


def test_other_keys_of_an_entry_are_ignored_with_a_warning():
    warnings = []
    assert metadata.parse_entry('{"colour": {"a": []}, "category": "IGT", "build_subdirectory": "x"}',
                                warnings.append) == {'category': 'IGT'}
    assert warnings == ['"colour" is no key of an extension and is ignored']


@pytest.mark.parametrize('text', ['depends {}\nrecommends {}\nscreenshoturls {}\nhomepage {}\nstatus {}\ntier {}\n'
                                  'enabled {}\nscmrevision {}'.replace('{}', value) for value in ('NA', '', ' NA ')])
def test_na_means_nothing(text):
    assert metadata.parse_s4ext(text) == {'dependency': '', 'recommends': '', 'screenshots': '', 'homepage': '',
                                          'development_status': ''}


def test_na_in_the_lists_of_an_entry_means_nothing():
    assert metadata.parse_entry('{"build_dependencies": ["NA"], "recommends": "NA", "screenshots": [], "tier": "NA"}'
                                ) == {'dependency': '', 'recommends': '', 'screenshots': ''}


def test_what_is_missing_is_as_slicer_has_it(tmp_path):
    (tmp_path / 'a.s4ext').write_text('scm git\ntier 3\nenabled 0')
    (tmp_path / 'b.json').write_text('{"category": "IGT"}')
    both = metadata.read_all((str(tmp_path / 'a.s4ext'), str(tmp_path / 'b.json')))
    assert (both['tier'], both['enabled'], both['category']) == (3, False, 'IGT')
    alone = metadata.read_all((str(tmp_path / 'b.json'),))
    assert (alone['tier'], alone['enabled']) == (1, True)
    assert metadata.read_all(()) == {}
