"""Documents of the source that take the name or the identity of another one, which has taken that of a third one."""
import pytest

from plugin_tests.migration.older_server import APP
from plugin_tests.migration.test_girder import (  # noqa: F401 - fixtures
    as_admin,
    filled,
    findings,
    here,
    listed,
    migrate,
    notes,
)
from slicer_package_manager.migration import changes, writer
from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.notes import Outcome
from slicer_package_manager.migration.rules.items import Choices
from slicer_package_manager.registry.catalog import removal

pytestmark = pytest.mark.database


def shuffle(older, items, shift):
    """Give each of ``items`` the name and the metadata of the one ``shift`` places after it."""
    stored = [older.db['item'].find_one({'_id': one['_id']}) for one in items]
    for place, one in enumerate(stored):
        other = stored[(place + shift) % len(stored)]
        meta = {**other['meta'], 'sha512': one['meta']['sha512']}
        older.db['item'].update_one({'_id': one['_id']}, {'$set': {
            'name': other['name'], 'lowerName': other['lowerName'], 'meta': meta}})


def names(items):
    """The base names of ``items`` as this server has them."""
    return [here()['item'].find_one({'_id': one['_id']})['meta']['baseName'] for one in items]


@pytest.fixture
def three(filled):  # noqa: F811
    return [filled.extension(filled.draft_extensions, letter.encode(), baseName=letter) for letter in 'ABC']


@pytest.fixture(params=[True, False], ids=['listed', 'killed'])
def migrated(request, filled, three, monkeypatch):  # noqa: F811
    """An older server after a migration, which was killed before the application was listed, or not."""
    if not request.param:
        monkeypatch.setattr('slicer_package_manager.migration.trees.Trees.show', lambda *_: None)
    migrate(filled)
    monkeypatch.undo()
    return filled


@pytest.mark.parametrize(('shift', 'expected'), [(1, 'BCA'), (2, 'CAB')])
def test_items_get_the_identities_of_others_in_a_cycle(migrated, three, anonymous, shift, expected):
    shuffle(migrated, three, shift)
    assert migrate(migrated, verify=True).undecided == []
    assert names(three) == list(expected)
    found = listed(anonymous)
    for one, letter in zip(three, 'ABC', strict=True):
        assert str(one['_id']) in found
        assert anonymous.get(f'/item/{one["_id"]}/download').content == letter.encode()
    assert findings() == []


def test_items_get_the_identities_of_others_in_a_chain(migrated, three, anonymous):
    last = migrated.extension(migrated.draft_extensions, b'D', baseName='D')
    shuffle(migrated, [*three, last], 1)
    assert migrate(migrated).undecided == []
    assert names([*three, last]) == list('BCDA')
    assert len(listed(anonymous)) == len('ABCD12')
    assert findings() == []


def test_items_are_deleted_and_created_again(migrated, three, anonymous):
    """Each gets another id, and one of them was changed here, where it stays."""
    migrate(migrated)
    for one in three:
        migrated.db['item'].delete_one({'_id': one['_id']})
        migrated.db['file'].delete_many({'itemId': one['_id']})
    here()['item'].update_one({'_id': three[2]['_id']}, {'$set': {'meta.homepage': 'https://here.example.org'}})
    anew = [migrated.extension(migrated.draft_extensions, letter.encode(), baseName=letter) for letter in 'ABC']
    report = migrate(migrated, since_last=True, delete=True)
    assert notes(report, Outcome.DELETED) == {('item', str(one['_id'])) for one in three[:2]}
    assert notes(report, Outcome.UNDECIDED) == {('item', str(three[2]['_id']))}
    assert {str(one['_id']) for one in (*anew[:2], three[2])} < listed(anonymous).keys()
    assert str(anew[2]['_id']) not in listed(anonymous)
    assert anonymous.get(f'/item/{anew[0]["_id"]}/download').content == b'A'
    assert findings() == []


def test_items_are_created_again_where_so_many_are_gone_that_none_is_deleted(filled, three, anonymous):  # noqa: F811
    others = [filled.extension(filled.draft_extensions, b'x', baseName=f'E{number}') for number in range(30)]
    migrate(filled)
    filled.db['item'].delete_many({'_id': {'$in': [one['_id'] for one in others]}})
    filled.extension(filled.draft_extensions, b'x', baseName='E0')
    migrate(filled, since_last=True, delete=True)
    assert listed(anonymous).keys() >= {str(one['_id']) for one in others}


def test_items_swap_their_folders(migrated, three, anonymous):
    """Both folders have an item with the identity of the one that leaves."""
    other = migrated.extension(migrated.release_extensions, b'other', baseName='A', app_revision='29402')
    migrate(migrated)
    for one, folder in (three[0], migrated.release_extensions), (other, migrated.draft_extensions):
        migrated.db['item'].update_one({'_id': one['_id']}, {'$set': {
            'folderId': folder['_id'],
            'meta.app_revision': '29402' if folder is migrated.release_extensions else '29738'}})
    report = migrate(migrated)
    assert report.undecided == []
    assert notes(report, Outcome.NOT_LISTED) == set()
    assert listed(anonymous, app_revision='29402').keys() >= {str(three[0]['_id'])}
    assert listed(anonymous, app_revision='29738').keys() >= {str(other['_id'])}
    assert findings() == []


def test_items_that_swap_their_folders_do_so_in_one_transaction(filled, three, anonymous, monkeypatch):  # noqa: F811
    other = filled.extension(filled.release_extensions, b'other', baseName='A', app_revision='29402')
    migrate(filled)
    for one, folder, revision in ((three[0], filled.release_extensions, '29402'),
                                  (other, filled.draft_extensions, '29738')):
        filled.db['item'].update_one({'_id': one['_id']}, {'$set': {
            'folderId': folder['_id'], 'meta.app_revision': revision}})
    filled.db['item'].update_one({'_id': filled.slicer['_id']}, {'$set': {'meta.version': '5'}})
    monkeypatch.setattr(changes, 'AT_ONCE', 2)
    assert migrate(filled).undecided == []
    assert listed(anonymous, app_revision='29402').keys() >= {str(three[0]['_id'])}
    assert findings() == []


def test_an_item_that_was_changed_here_keeps_its_identity(filled, three, as_admin, anonymous):  # noqa: F811
    migrate(filled)
    as_admin().put(f'/item/{three[1]["_id"]}/metadata', json={'category': 'Here'}).raise_for_status()
    shuffle(filled, three, 1)
    report = migrate(filled)
    assert notes(report, Outcome.UNDECIDED) == {('item', str(three[1]['_id']))}
    assert notes(report, Outcome.NOT_LISTED) == {('item', str(three[0]['_id']))}
    assert names(three) == ['B', 'B', 'A']
    assert listed(anonymous).keys() >= {str(three[1]['_id']), str(three[2]['_id'])}
    assert str(three[0]['_id']) not in listed(anonymous)
    assert anonymous.get(f'/item/{three[0]["_id"]}/download').content == b'A'
    assert findings() == []


def test_twins_of_which_one_was_changed_here(filled, three, as_admin, anonymous):  # noqa: F811
    migrate(filled)
    as_admin().put(f'/item/{three[0]["_id"]}/metadata', json={'category': 'Here'}).raise_for_status()
    twin = filled.extension(filled.draft_extensions, b'twin', baseName='A')
    report = migrate(filled)
    assert (report.undecided, notes(report, Outcome.NOT_LISTED)) == ([], {('item', str(twin['_id']))})
    assert str(three[0]['_id']) in listed(anonymous)
    assert anonymous.get(f'/item/{twin["_id"]}/download').content == b'twin'
    assert findings() == []


def test_another_choice_between_twins(filled, anonymous):  # noqa: F811
    twin = filled.extension(filled.draft_extensions, b'twin')
    for prefer, expected in ('first', filled.one), ('last', twin), ('first', filled.one):
        migrate(filled, choices=Choices(prefer=prefer))
        assert listed(anonymous, baseName='SlicerIGT').keys() == {str(expected['_id'])}


def rename(older, folder, name, revision):
    older.db['folder'].update_one({'_id': folder['_id']}, {'$set': {
        'name': name, 'lowerName': name.lower(), 'meta.revision': revision}})


def test_releases_swap_their_names_and_revisions(migrated, anonymous):
    second, extensions = migrated.release('5.0', '30822')
    item = migrated.extension(extensions, b'x', app_revision='30822')
    migrate(migrated)
    rename(migrated, migrated.in_release, '5.0', '30822')
    rename(migrated, second, '4.11', '29402')
    assert migrate(migrated).undecided == []
    found = {one['_id']: (one['name'], one['meta']['revision']) for one in anonymous.get(f'/app/{APP}/release').json()}
    assert found == {str(second['_id']): ('4.11', '29402'), str(migrated.in_release['_id']): ('5.0', '30822')}
    assert here()['item'].find_one({'_id': item['_id']})['spm']['release'] == '4.11'
    assert findings() == []


def test_a_new_release_has_the_name_of_one_that_was_renamed(migrated, anonymous):
    rename(migrated, migrated.in_release, 'Old', '29401')
    second, extensions = migrated.release('4.11', '29402')
    migrated.extension(extensions, b'x', app_revision='29402', baseName='New')
    assert migrate(migrated).undecided == []
    found = {one['_id']: one['name'] for one in anonymous.get(f'/app/{APP}/release').json()}
    assert found == {str(second['_id']): '4.11', str(migrated.in_release['_id']): 'Old'}
    assert findings() == []


def test_applications_swap_their_names(filled, anonymous):  # noqa: F811
    other = filled.folder('Other', filled.packages, meta={'extensionPackageNameTemplate': '{baseName}'})
    migrate(filled)
    for one, name in (other, 'Slicer'), (filled.app, 'Other'):
        filled.db['folder'].update_one({'_id': one['_id']}, {'$set': {'name': name, 'lowerName': name.lower()}})
    assert migrate(filled).undecided == []
    assert {app['_id']: app['name'] for app in anonymous.get('/app').json()} == {
        str(APP): 'Other', str(other['_id']): 'Slicer'}


def test_a_release_that_was_renamed_here_keeps_its_name(filled, as_admin, anonymous):  # noqa: F811
    second, _ = filled.release('5.0', '30822')
    migrate(filled)
    as_admin().put(f'/folder/{second["_id"]}', params={'name': 'Mine'}).raise_for_status()
    rename(filled, filled.in_release, 'Mine', '29402')
    report = migrate(filled)
    assert notes(report, Outcome.UNDECIDED) == {('folder', str(filled.in_release['_id']))}
    assert {one['name'] for one in anonymous.get(f'/app/{APP}/release').json()} == {'4.11', 'Mine'}
    assert findings() == []


def test_a_release_with_the_name_of_one_that_was_created_here_waits(filled, as_admin, anonymous):  # noqa: F811
    migrate(filled)
    as_admin().post(f'/app/{APP}/release', params={'name': '5.0', 'app_revision': '1'}).raise_for_status()
    theirs, extensions = filled.release('5.0', '30822')
    item = filled.extension(extensions, b'x', app_revision='30822')
    report = migrate(filled)
    assert notes(report, Outcome.UNDECIDED) == {('folder', str(theirs['_id']))}
    assert len(anonymous.get(f'/app/{APP}/release').json()) == 2
    assert str(item['_id']) not in listed(anonymous)
    rename(filled, theirs, '5.0.1', '30822')
    assert migrate(filled).undecided == []
    assert str(item['_id']) in listed(anonymous)
    assert findings() == []


def test_a_name_that_is_given_away_during_the_run(filled, three, as_admin, monkeypatch, anonymous):  # noqa: F811
    migrate(filled)
    shuffle(filled, three, 1)
    finish = writer.Writer.finish

    def late(self):
        as_admin().put(f'/item/{three[1]["_id"]}/metadata', json={'category': 'Here'}).raise_for_status()
        finish(self)
    monkeypatch.setattr(writer.Writer, 'finish', late)
    with pytest.raises(MigrationError, match='Run the same command again'):
        migrate(filled)
    assert names(three) == list('ABC')
    monkeypatch.undo()
    assert notes(migrate(filled), Outcome.UNDECIDED) == {('item', str(three[1]['_id']))}
    assert findings() == []


@pytest.fixture
def recreated(filled, as_admin, anonymous):  # noqa: F811
    """An older server whose release and draft were deleted and created again since a migration."""
    migrate(filled)
    for folder in filled.in_release, filled.release_extensions, filled.in_draft, filled.draft_extensions:
        for item in filled.db['item'].find({'folderId': folder['_id']}):
            filled.db['file'].delete_many({'itemId': item['_id']})
        filled.db['item'].delete_many({'folderId': folder['_id']})
        filled.db['folder'].delete_one({'_id': folder['_id']})
    filled.new_release, extensions = filled.release('4.11', '29402')
    filled.new_draft, drafts = filled.draft('29738')
    filled.anew = [filled.extension(extensions, b'two again', app_revision='29402', baseName='Two.Dots'),
                   filled.extension(drafts, b'one again')]
    return filled


def folders_of(client, kind):
    return [one['_id'] for one in client.get(f'/app/{APP}/{kind}').json()]


def test_a_release_and_a_draft_are_deleted_and_created_again(recreated, anonymous):
    report = migrate(recreated, since_last=True, delete=True, verify=True)
    assert report.undecided == []
    assert {('folder', str(one['_id'])) for one in (recreated.in_release, recreated.draft_extensions)} | {
        ('item', str(one['_id'])) for one in (recreated.one, recreated.two, recreated.slicer)
        } <= notes(report, Outcome.DELETED)
    assert folders_of(anonymous, 'release') == [str(recreated.new_release['_id'])]
    assert folders_of(anonymous, 'draft') == [str(recreated.new_draft['_id'])]
    assert listed(anonymous).keys() == {str(one['_id']) for one in recreated.anew}
    assert findings() == []
    again = migrate(recreated, since_last=True, delete=True)
    assert notes(again, *Outcome) == set()
    assert [name for name in again.totals if 'new or changed' in name] == []


def test_lists_have_the_old_release_or_the_new_one(recreated, anonymous, monkeypatch):
    seen = []

    def look():
        seen.append(listed(anonymous, app_revision='29402').keys())
    finish = writer.Writer.finish
    monkeypatch.setattr(writer.Writer, 'finish', lambda self: (look(), finish(self), look()))
    migrate(recreated, since_last=True, delete=True)
    assert seen == [{str(recreated.two['_id'])}, {str(recreated.anew[0]['_id'])}]


def test_lists_have_all_of_a_deleted_release_and_of_deleted_items_or_nothing(filled, as_admin, anonymous, monkeypatch):  # noqa: F811
    gone = [*(filled.extension(filled.release_extensions, b'x', app_revision='29402', baseName=name) for name in 'AB'),
            filled.two]
    gone += [filled.extension(filled.draft_extensions, b'x', baseName=name) for name in 'AB']
    migrate(filled)
    for item in gone:
        filled.db['item'].delete_one({'_id': item['_id']})
        filled.db['file'].delete_many({'itemId': item['_id']})
    filled.db['folder'].delete_many({'_id': {'$in': [filled.in_release['_id'], filled.release_extensions['_id']]}})
    seen = []
    remove = removal.remove_items

    def looking(items, *given):
        seen.append(sorted(one['meta']['baseName'] for one in listed(anonymous).values()))
        remove(items, *given)
    monkeypatch.setattr(removal, 'remove_items', looking)
    report = migrate(filled, since_last=True, delete=True)
    looking([])
    assert seen == [['A', 'A', 'B', 'B', 'SlicerIGT', 'Two.Dots'], ['A', 'B', 'SlicerIGT'], ['SlicerIGT']]
    assert notes(report, Outcome.DELETED) == {('folder', str(one['_id'])) for one in (
        filled.in_release, filled.release_extensions)} | {('item', str(one['_id'])) for one in gone}
    assert findings() == []


@pytest.mark.parametrize('options', [{}, {'since_last': True}, {'since_last': True, 'delete': True, 'dry_run': True}])
def test_without_the_wish_to_delete_the_old_release_stays(recreated, anonymous, options):
    report = migrate(recreated, **options)
    assert folders_of(anonymous, 'release') == [str(recreated.in_release['_id'])]
    is_blocked = {('folder', str(one['_id'])) for one in (recreated.new_release, recreated.new_draft)}
    assert notes(report, Outcome.UNDECIDED) == (set() if options.get('dry_run') else is_blocked)


@pytest.mark.parametrize('change', ['item', 'new item', 'folder'])
def test_a_release_that_was_changed_here_stays(recreated, as_admin, anonymous, change):  # noqa: F811
    client = as_admin()
    if change == 'item':
        client.put(f'/item/{recreated.two["_id"]}/metadata', json={'category': 'Here'}).raise_for_status()
    elif change == 'folder':
        client.put(f'/folder/{recreated.in_release["_id"]}', params={'description': 'Here'}).raise_for_status()
    else:
        client.post('/item', params={'folderId': recreated.in_release['_id'], 'name': 'mine'}).raise_for_status()
    report = migrate(recreated, since_last=True, delete=True)
    assert folders_of(anonymous, 'release') == [str(recreated.in_release['_id'])]
    assert folders_of(anonymous, 'draft') == [str(recreated.new_draft['_id'])]
    assert ('folder', str(recreated.new_release['_id'])) in notes(report, Outcome.UNDECIDED)
