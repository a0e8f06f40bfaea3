from slicer_package_manager.registry.downloads import sums

KEY = {'kind': 'extension', 'revision': '1', 'baseName': 'A', 'os': 'linux', 'arch': 'amd64'}


def test_rows_are_nested_by_package_and_counts_of_the_same_package_add_up():
    found = {}
    for count in (2, 3):
        sums.add(found, KEY, count)
        sums.add(found, {**KEY, 'kind': 'package'}, 1)
    assert found == {'extensions': {'A': {'linux': {'amd64': 5}}}, 'applications': {'linux': {'amd64': 2}}}


def test_merged_sums_have_the_counts_of_both():
    found = {'applications': {'linux': {'amd64': 1}}}
    more = {'applications': {'linux': {'amd64': 2, 'arm64': 3}, 'win': {'amd64': 4}}}
    sums.merge(found, more)
    assert found == {'applications': {'linux': {'amd64': 3, 'arm64': 3}, 'win': {'amd64': 4}}}


def test_packages_without_downloads_are_left_out():
    found = {'extensions': {'A': {'linux': {'amd64': 0}}, 'B': {'linux': {'amd64': 0, 'arm64': 1}}}, 'applications': {}}
    assert sums.without_zeros(found) == {'extensions': {'B': {'linux': {'arm64': 1}}}}


def test_equal_sums_have_equal_texts():
    assert sums.as_json({'b': {'d': 1, 'c': 2}, 'a': {}}) == sums.as_json({'a': {}, 'b': {'c': 2, 'd': 1}})


def test_the_text_of_an_application_is_ordered_by_revision_and_leaves_out_empty_sums():
    assert sums.joined([('b"', b'{"x":1}'), ('c', b'{}'), ('a', b'{"y":2}')]) == b'{"a":{"y":2},"b\\"":{"x":1}}'
    assert sums.joined([]) == b'{}'
