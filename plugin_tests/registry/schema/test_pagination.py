import pytest
from hypothesis import given
from hypothesis import strategies as st

from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.pagination import FOLDER_SORTS, ITEM_SORTS, Listing, check_numbers, page

NUMBERS = st.integers(0, 2**31 - 1)


@given(NUMBERS, NUMBERS, st.sampled_from(sorted(ITEM_SORTS['extension'])), st.sampled_from([1, -1]))
def test_every_order_is_total(limit, offset, key, direction):
    part = page(limit, offset, [(key, direction)], ITEM_SORTS['extension'])
    assert (part.limit, part.offset) == (limit, offset)
    assert part.sort[0] == (key, direction)
    assert part.sort[-1][0] == '_id'
    assert len({one for one, _ in part.sort}) == len(part.sort)


@given(st.integers(max_value=-1) | st.integers(min_value=2**31))
def test_a_number_out_of_range_is_refused(number):
    for limit, offset, field in ((number, 0, 'limit'), (0, number, 'offset')):
        with pytest.raises(Invalid, match=f'{field}: must be a whole number from 0') as caught:
            page(limit, offset, [('name', 1)], FOLDER_SORTS)
        assert caught.value.field == field


@pytest.mark.parametrize('key', ['color', 'meta', 'meta.color', 'spm', 'access', '$where', 'meta.$x', '', 'a\x00b'])
def test_an_unknown_sort_key_is_refused(key):
    with pytest.raises(Invalid, match='sort: must be one of'):
        page(0, 0, [(key, 1)], ITEM_SORTS['package'])


def test_an_unknown_sort_key_is_refused_with_the_known_ones():
    with pytest.raises(Invalid, match=r'sort: must be one of created, name\.'):
        page(0, 0, [('color', 1)], {'name', 'created'})


def test_numbers_are_checked_without_an_order():
    check_numbers(0, 2**31 - 1)
    with pytest.raises(Invalid) as caught:
        check_numbers(-1, 2**31)
    assert [name for name, _ in caught.value.problems] == ['limit', 'offset']


class Model:
    """A model of Girder with the numbers from 0 to 9 as documents, which counts its queries."""

    def __init__(self):
        self.collection, self.counted, self.found = self, 0, []

    def find(self, query, *, offset, limit, sort, fields):
        self.found.append((query, sort, fields))
        self.part = list(range(10))[offset:offset + limit if limit else None]
        return self

    def batch_size(self, _number):
        return self.part

    def count_documents(self, query):
        assert query == self.found[-1][0]
        self.counted += 1
        return 10


@pytest.mark.parametrize(('limit', 'offset', 'documents', 'counted'), [
    (0, 0, list(range(10)), 0), (20, 0, list(range(10)), 0), (3, 0, [0, 1, 2], 1), (3, 8, [8, 9], 1), (0, 9, [9], 1),
    (10, 0, list(range(10)), 1)])
def test_a_listing_counts_only_what_the_page_does_not_show(limit, offset, documents, counted):
    model = Model()
    found = Listing.of(model, {'a': 1}, page(limit, offset, [('name', -1)], {'name'}), fields=['name'])
    assert (found.documents, found.total, model.counted) == (documents, 10, counted)
    assert model.found == [({'a': 1}, [('name', -1), ('created', -1), ('_id', -1)], ['name'])]


def test_all_problems_are_reported_together():
    with pytest.raises(Invalid) as caught:
        page(-1, -1, [('color', 1)], FOLDER_SORTS)
    assert [name for name, _ in caught.value.problems] == ['limit', 'offset', 'sort']


@pytest.mark.parametrize(('package_type', 'key'), [('extension', 'meta.baseName'), ('package', 'meta.revision'),
                                           ('package', 'meta.build_date'), ('extension', 'created')])
def test_clients_sort_by_metadata(package_type, key):
    assert key in ITEM_SORTS[package_type]
