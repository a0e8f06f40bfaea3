import pytest

from slicer_package_manager.registry.downloads import rules

TAIL = 64 * 1024


@pytest.mark.parametrize(('part', 'size', 'counts'), [
    pytest.param(None, 10, True, id='whole file'),
    pytest.param((0, 10), 10, True, id='whole file as a range'),
    pytest.param((0, 5), 10, False, id='first part'),
    pytest.param((5, 10), 10, False, id='probe of the tail'),
    pytest.param((100, 100 + TAIL), 100 + TAIL, True, id='resumed'),
    pytest.param((100, 10**6), 10**6, True, id='resumed early'),
    pytest.param((100, 100 + TAIL - 1), 100 + TAIL - 1, False, id='a byte less than a resumed download'),
    pytest.param((10**6, 2 * 10**6), 3 * 10**6, False, id='part in the middle'),
    pytest.param(None, None, True, id='unknown size'),
])
def test_a_download_is_what_reaches_the_end(part, size, counts):
    assert rules.counts('GET', part, size) is counts


@pytest.mark.parametrize('method', ['HEAD', 'POST', 'OPTIONS', 'DELETE'])
def test_only_get_counts(method):
    assert not rules.counts(method, None, 10)
    assert not rules.redirect_counts(method, None, 10)


@pytest.mark.parametrize(('part', 'counts'), [
    (None, True), ((0, 10**6), True), ((0, 100), False), ((1, 10**6), False), ((10**6 - TAIL, 10**6), False)])
def test_a_redirect_counts_unless_it_is_for_a_part(part, counts):
    assert rules.redirect_counts('GET', part, 10**6) is counts


@pytest.mark.parametrize(('file', 'counts'), [({'assetstoreId': 'a'}, True), ({'assetstoreId': None}, False),
                                              ({'linkUrl': 'https://a'}, False)])
def test_stored_files_count_in_archives(file, counts):
    assert rules.counts_in_archive(file) is counts


@pytest.mark.parametrize(('delivery', 'agent', 'redirected'), [
    ('redirect', 'Mozilla/5.0', True), ('redirect', None, True), ('stream', 'curl/8.0', False), ('stream', None, False),
    ('auto', 'Mozilla/5.0', False), ('auto', ' Mozilla/5.0 ', False), ('auto', 'Mozilla/5.0 (X11)', True),
    ('auto', 'curl/8.0', True), ('auto', '', True), ('auto', None, True)])
def test_who_is_redirected(delivery, agent, redirected):
    assert rules.redirects(delivery, agent) is redirected
