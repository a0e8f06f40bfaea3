"""READMEs become HTML that is safe in a page, and whose links lead to the sources."""
import re

import pytest

from slicer_package_manager.registry.schema import readmes

REPOSITORY, REVISION = 'https://github.com/SlicerIGT/SlicerIGT.git', 'ab12cd3'
BLOB = 'https://github.com/SlicerIGT/SlicerIGT/blob/ab12cd3/'
RAW = 'https://raw.githubusercontent.com/SlicerIGT/SlicerIGT/ab12cd3/'


def html(text, repository=REPOSITORY, revision=REVISION):
    return readmes.as_html(text, repository, revision)


def addresses(text, **place):
    """The links and pictures of a README."""
    return re.findall(r' (?:href|src)="([^"]*)"', html(text, **place))


def test_markdown_becomes_html():
    found = html('# Title\n\nA *b* `<c>`\n\n| a |\n| - |\n| 1 |\n\n~~old~~\n\n```python\nx < 1\n```\n')
    assert '<h3>Title</h3>\n<p>A <em>b</em> <code>&lt;c&gt;</code></p>' in found
    assert '<td>1</td>' in found
    assert '<s>old</s>' in found
    assert '<pre tabindex="0"><code>x &lt; 1\n</code></pre>' in found


@pytest.mark.parametrize(('level', 'shown'), [(1, 3), (2, 4), (3, 5), (4, 6), (5, 6), (6, 6)])
def test_headings_are_below_those_of_the_page(level, shown):
    assert html(f'{"#" * level} A') == f'<h{shown}>A</h{shown}>\n'
    assert html(f'<h{level} align="center" id="x">A</h{level}>').strip() == f'<h{shown}>A</h{shown}>'


@pytest.mark.parametrize('text', [
    '<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '[a](javascript:alert(1))', '[a](JAVASCRIPT:alert(1))',
    '<a href="java\tscript:alert(1)">a</a>', '<a href="&#106;avascript:alert(1)">a</a>', '![a](data:image/svg+xml,x)',
    '<iframe src="https://example.org"></iframe>', '<svg onload=alert(1)></svg>', '<p style="color: red">a</p>',
    '<a href="vbscript:x">a</a>', '<form action="https://example.org"><input name="a"></form>', '<style>p { }</style>',
    '<p id="x" class="y" onclick="alert(1)">a</p>', '<base href="https://example.org">', '<math href="javascript:x">a',
    '[a]: javascript:alert(1)\n\n[a]', '<object data="x"></object>', '<meta http-equiv="refresh" content="0">'])
def test_what_is_dangerous_is_removed(text):
    found = re.sub('&lt;.*?&gt;|<code>.*?</code>', '', html(f'before\n\n{text}')).replace('[a](', '')
    assert not re.search(r'<[^>]*(?:script|on\w+=|data:|style|class|id=|iframe|svg|form|input|base|object|meta|math)',
                         found)
    assert not re.search(r'(?:href|src)="(?!https?://)', found)
    assert '<p>before</p>' in found


def test_relative_addresses_lead_to_the_sources_at_the_revision():
    assert addresses('[a](docs/a.md#x) [b](/LICENSE) [c](<a b.md>) [d](./x/../y)') == [
        f'{BLOB}docs/a.md#x', f'{BLOB}LICENSE', f'{BLOB}a%20b.md', f'{BLOB}y']
    assert addresses('![a](img/1.png) <img src="/2.png">') == [f'{RAW}img/1.png', f'{RAW}2.png']
    assert addresses('[a](b)', revision='feature/x') == ['https://github.com/SlicerIGT/SlicerIGT/blob/feature%2Fx/b']


@pytest.mark.parametrize('repository', [
    'http://github.com/SlicerIGT/SlicerIGT/', 'git://github.com/SlicerIGT/SlicerIGT',
    'https://www.github.com/SlicerIGT/SlicerIGT'])
def test_a_repository_has_several_spellings(repository):
    assert addresses('[a](b)', repository=repository) == [f'{BLOB}b']


@pytest.mark.parametrize('text', [
    '[a](../../../x)', '[a](#part)', '[a](//example.org/x)', '[a](%2e%2e/%2e%2e/x)', '![a]()'])
def test_what_leads_out_of_the_repository_is_no_link(text):
    assert addresses(text) == []
    assert '>a<' in html(text) or 'alt="a"' in html(text)


@pytest.mark.parametrize('place', [
    {'repository': 'https://gitlab.com/a/b'}, {'repository': 'git@github.com:a/b.git'}, {'repository': 'NA'},
    {'repository': 'https://github.com/a'}, {'repository': 'https://github.com.example.org/a/b'}, {'revision': ''}])
def test_without_a_known_place_only_absolute_addresses_stay(place):
    assert addresses('[a](b) ![c](d.png) [e](https://example.org/) [f](mailto:a@example.org)', **place) == [
        'https://example.org/', 'mailto:a@example.org']


def test_links_do_not_count_for_search_engines_and_pictures_load_late():
    assert 'rel="nofollow noopener noreferrer"' in html('[a](https://example.org/)')
    assert 'loading="lazy"' in html('![a](https://example.org/a.png)')


def test_pictures_keep_sizes_that_are_numbers():
    assert 'width="40%"' in html('<img src="https://example.org/a.png" width="40%">')
    assert 'width' not in html('<img src="https://example.org/a.png" width="expression(1)">')


@pytest.mark.parametrize('text', [
    '[' * 30000, '![](' * 15000, '<a ' * 20000, '*a ' * 20000, '> ' * 30000, '|a' * 20000])
def test_what_is_nested_deeply_ends(text):
    assert isinstance(html(text), str)


def test_a_text_is_cleaned():
    assert readmes.cleaned(b'\xef\xbb\xbf# A\r\n\tb\0\rhttps://u:secret@example.org/x\n\n') == (
        '# A\n\tb\nhttps://example.org/x')
    assert readmes.cleaned(b' \n') == ''
    with pytest.raises(ValueError, match='UTF-8'):
        readmes.cleaned(b'\xff\xfe')
