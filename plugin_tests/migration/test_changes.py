import pytest
from bson.objectid import ObjectId

from slicer_package_manager.migration.changes import Change, parts
from slicer_package_manager.registry.server import transactions


def change(folder):
    item = {'_id': ObjectId(), 'folderId': folder, 'name': 'a', 'meta': {}}
    return Change('item', item, {**item, 'name': 'b'})


@pytest.mark.parametrize(('numbers', 'expected'), [
    ((1200, 800), [2000]), ((1200, 1200, 700), [1200, 1900]), ((3000,), [3000]), ((100, 3000, 100), [100, 3000, 100])])
def test_a_transaction_has_as_many_changes_as_mongodb_takes_in_time_unless_one_folder_has_more(numbers, expected):
    assert transactions.DOCUMENTS == 2000
    changes = [change(folder) for folder, number in enumerate(numbers, 1) for _ in range(number)]
    found = list(parts(changes))
    assert [len(part) for part in found] == expected
    assert [one for part in found for one in part] == changes
    folders = [one.after['folderId'] for part in found for one in {one.after['folderId']: one for one in part}.values()]
    assert len(folders) == len(numbers)
