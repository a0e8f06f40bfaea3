"""Which counts are sealed, and who sees them then. Folders and counts are documents here, without a server."""
import json
import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime, timezone

import pytest
from bson import ObjectId
from girder.constants import AccessType
from girder.models.folder import Folder
from pymongo.errors import AutoReconnect, WriteError

from plugin_tests.rest.test_promotion import aside, at_each_write, killed_at_each_write
from plugin_tests.waiting import PATIENCE
from slicer_package_manager.registry.downloads import (
    counter,
    counts,
    rollup,
    sealing,
    statistics,
)
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.server import transactions
from slicer_package_manager.registry.tree import access

pytestmark = pytest.mark.database

READER, OTHER, ADMIN = ({'_id': ObjectId(), 'admin': admin, 'groups': []} for admin in (False, False, True))
DAYS = ('2026-01-01', '2026-01-02', f'{datetime.now(timezone.utc):%Y-%m-%d}')
DOWNLOADS = 60


@pytest.fixture
def tree(db):
    transactions.join(Folder())
    return Tree(db)


class Tree:
    """A public application with releases and drafts, and the counts of their packages."""

    def __init__(self, database, app=None):
        self.folders, self.counts = database.folder, database.slicer_package_download
        self.seals = database.slicer_package_seal
        self.counts.create_indexes(counts.INDEXES)
        self.app = app or self.add({'_id': ObjectId()}, role='application', public=True)

    def add(self, parent, readers=(), *, public=False, **registration):
        folder_id = ObjectId()
        access = {'users': [{'id': user['_id'], 'level': AccessType.READ, 'flags': []} for user in readers],
                  'groups': []}
        folder = {'_id': folder_id, 'parentId': parent['_id'], 'parentCollection': 'folder', 'name': str(folder_id),
                  'lowerName': str(folder_id), 'public': public, 'access': access,
                  'spm': {'app': parent.get('spm', {}).get('app', folder_id), **registration}}
        self.folders.insert_one(folder)
        return folder

    def release(self, name='5.8', revision='33000', parent=None, **more):
        return self._channel(parent or self.app, role='release', release=name, revision=revision, draft=False, **more)

    def draft(self, revision='33000', parent=None, **more):
        return self._channel(parent or self.app, role='revision', release='', revision=revision, draft=True, **more)

    def _channel(self, *args, **more):
        folder = self.add(*args, **more)
        folder['spm']['channel'] = folder['_id']
        self.folders.replace_one({'_id': folder['_id']}, folder)
        return folder

    def extensions(self, channel, **more):
        place = {key: value for key, value in channel['spm'].items() if key != 'promoted'}
        return self.add(channel, **{**place, 'role': 'extensions', **more})

    def count(self, channel, kind='package', name='Slicer'):
        """Count a download, as the server does that has read the item before; return its key."""
        place = channel['spm']
        key = {'app': place['app'], 'kind': kind, 'revision': place['revision'], 'baseName': name, 'os': 'linux',
               'arch': 'amd64', 'release': place['release'], 'day': '2026-01-01'}
        self.counts.insert_one({**key, 'count': 1})
        return key

    def key(self, channel, day, name='Slicer'):
        return {**key_of(self.app['_id'], day, name), 'release': channel['spm']['release']}

    def count_late(self, channel, kind='package'):
        """Count a download whose end comes after changes of the folders."""
        place = channel['spm']
        counter.store({'app': place['app'], 'kind': kind, 'revision': place['revision'], 'baseName': 'Late',
                       'os': 'linux', 'arch': 'amd64', 'release': place['release'], 'day': '2026-01-01'})

    def delete(self, *folders):
        for folder in folders:
            sealing.begin(folder)
        self.folders.delete_many({'_id': {'$in': [folder['_id'] for folder in folders]}})

    def save(self, folder, **registration):
        """Save ``folder`` with another registration, or without one."""
        before, folder['spm'] = folder.get('spm'), registration
        if not registration:
            del folder['spm']
        self.folders.replace_one({'_id': folder['_id']}, folder)
        sealing.leave(folder, before)

    def seen(self, user=None, app=None):
        """The sum of the counts that ``user`` sees in statistics."""
        app = app or self.app
        sealed = sealing.visibility(app, user)
        found = statistics.rows(app, statistics.Question(), 0, 0, sealed.hidden, sealed.readable)
        return sum(row['count'] for row in found.documents)


def test_of_a_public_folder_nothing_is_sealed(tree):
    release = tree.release(public=True)
    tree.count(release)
    tree.delete(release)
    assert tree.seen() == 1


@pytest.mark.parametrize('channel', ['release', 'draft'])
def test_counts_of_a_private_folder_are_seen_by_its_readers_only(tree, channel):
    folder = getattr(tree, channel)(readers=[READER])
    for kind in PACKAGE_TYPES:
        tree.count(folder, kind)
    tree.delete(folder)
    assert [tree.seen(user) for user in (None, OTHER, READER, ADMIN)] == [0, 0, 2, 2]


def test_who_may_not_read_a_folder_around_it_does_not_see_its_counts(tree):
    drafts = tree.add(tree.app, readers=[OTHER], role='draft')
    draft = tree.draft(parent=drafts, readers=[READER, OTHER])
    tree.count(draft)
    tree.delete(draft)
    assert [tree.seen(user) for user in (None, READER, OTHER)] == [0, 0, 1]


def test_who_may_not_read_a_release_does_not_see_the_counts_of_its_extensions(tree):
    tree.release('5.9', '34000')
    release = tree.release(readers=[OTHER])
    tree.count(release, 'extension')
    tree.delete(tree.extensions(release, readers=[READER, OTHER]))
    assert [tree.seen(user) for user in (None, READER, OTHER)] == [0, 0, 1]


def test_folders_beside_it_do_not_make_a_draft_private(tree):
    tree.add(tree.add({'_id': ObjectId()}, role='application'), role='draft')
    tree.release('5.9', '34000')
    draft = tree.draft(parent=tree.add(tree.app, role='draft', public=True), public=True)
    tree.count(draft)
    tree.delete(draft)
    assert tree.seen() == 1


def test_who_may_not_read_the_application_does_not_see_its_counts(tree):
    private = tree.add({'_id': ObjectId()}, role='application')
    release = tree.release(parent=private, public=True)
    tree.count(release)
    tree.delete(release)
    assert [tree.seen(user, private) for user in (None, READER, ADMIN)] == [0, 0, 1]


def test_a_folder_of_extensions_seals_the_counts_of_extensions(tree):
    release = tree.release(public=True)
    extensions = tree.extensions(release)
    for kind in PACKAGE_TYPES:
        tree.count(release, kind)
    tree.delete(extensions)
    assert (tree.seen(), tree.seen(ADMIN)) == (1, 2)


@pytest.mark.parametrize('role', ['application', 'draft'])
def test_other_folders_seal_nothing_themselves(tree, role):
    release = tree.release(public=True)
    tree.count(release)
    tree.delete(tree.add(tree.app, **{**release['spm'], 'role': role}))
    assert tree.seen() == 1


@pytest.mark.parametrize('first', [0, 1])
def test_a_release_and_a_draft_of_one_revision_seal_their_own_counts(tree, first):
    tree.release('5.9', '34000', promoted=True)
    folders = [tree.release(), tree.draft()]
    for folder in folders:
        tree.count(folder)
    tree.delete(folders.pop(first))
    (left,) = folders
    assert tree.counts.distinct('release', {'app': tree.app['_id']}) == [left['spm']['release']]
    tree.delete(left)
    assert tree.seen() == 0


@pytest.mark.parametrize('with_extensions', [False, True])
def test_a_release_with_the_counts_of_a_promoted_draft_seals_both(tree, with_extensions):
    release = tree.release(public=with_extensions, promoted=True)
    folder = tree.extensions(release) if with_extensions else release
    for channel in (release, tree.draft(public=True)):
        tree.count(channel, 'extension' if with_extensions else 'package')
    tree.folders.delete_many({'spm.draft': True})
    tree.delete(folder)
    assert (tree.seen(), tree.seen(ADMIN)) == (0, 2)


def test_counts_are_public_at_no_moment_of_a_deletion(tree):
    release = tree.release()
    tree.count(release)
    sealing.begin(release)
    tree.folders.delete_one({'_id': release['_id']})
    assert tree.seen() == 0


def test_counts_are_sealed_if_their_application_is_gone_already(tree):
    release = tree.release()
    tree.count(release)
    tree.folders.delete_one({'_id': tree.app['_id']})
    tree.delete(release)
    assert (tree.seen(), tree.seen(ADMIN)) == (0, 1)


def test_the_same_count_is_sealed_again_and_again(tree):
    for times in range(1, 4):
        release = tree.release(readers=[READER])
        for name in ('A', 'B'):
            tree.count(release, name=name)
        tree.delete(release)
        assert [tree.seen(user) for user in (None, OTHER, READER)] == [0, 0, 2 * times]
    tree.count(tree.release(public=True))
    assert tree.seen() == 1


def test_a_database_that_does_not_accept_the_sealing_is_an_error(tree, monkeypatch):
    def refuse(*_):
        monkeypatch.undo()
        raise WriteError('not now', 50)
    release = tree.release()
    tree.count(release)
    monkeypatch.setattr(transactions.Transactional, 'update_many', refuse)
    with pytest.raises(WriteError, match='not now'):
        sealing.begin(release)


class TestTransaction:
    """Counts and deletions at the same moment, and processes that are killed."""

    @pytest.fixture
    def release(self, tree):
        """A private release with counts of three days, two of which are in the sums."""
        release = tree.release()
        for day in DAYS:
            counter.store(tree.key(release, day))
        rollup.keep_up()
        return release

    @pytest.fixture
    def delete(self):
        @transactions.atomic
        def delete(folder):
            sealing.begin(folder)
            Folder().collection.delete_one({'_id': folder['_id']})
        return delete

    @pytest.fixture
    def seen(self, tree):
        """All counts that anyone and an administrator see in rows and totals, at one moment."""
        @transactions.atomic
        def seen():
            found = []
            for user in (None, ADMIN):
                hidden = access.hidden_revisions(tree.app, user)
                sealed = sealing.visibility(tree.app, user)
                hidden += sealed.hidden
                rows = statistics.rows(tree.app, statistics.Question(), 0, 0, hidden, sealed.readable).documents
                total = json.loads(rollup.Totals(tree.app, hidden, sealed.readable).as_json())
                found.append(sum(row['count'] for row in rows))
                assert sum(one['applications']['linux']['amd64'] for one in total.values()) == found[-1]
            return found
        return seen

    def test_whatever_write_the_process_is_killed_at_all_or_nothing_is_sealed(self, tree, release, delete, seen):
        def unchanged():
            return tree.counts.count_documents({'app': tree.app['_id'], 'kind': 'package'}) == 3 and seen() == [0, 3]
        killed_at_each_write(lambda: delete(release), unchanged, at_least=6)
        assert tree.counts.count_documents({'app': tree.app['_id'], 'kind': 'package'}) == 0
        assert seen() == [0, 3]
        assert not rollup.wrong(tree.app['_id'])

    def test_downloads_between_the_writes_of_a_deletion_are_counted_and_sealed(self, tree, release, delete, seen):
        """Counts of new and of known packages; those of new ones wait for the end of the deletion, or are before it."""
        late, known = [], [DAYS[0], DAYS[2]]

        def hook():
            if threading.current_thread() is not threading.main_thread():  # that of the new count
                return
            if not late:
                late.append(pool.submit(counter.store, tree.key(release, DAYS[2], 'New')))
            if known:
                aside(lambda: counts.record(tree.key(release, known.pop()), 1, counts.Turn('another', 1)))
            assert aside(seen)[0] == 0
        with ThreadPoolExecutor(1) as pool, at_each_write(hook):
            delete(release)
        late[0].result(PATIENCE)
        assert not known
        assert seen() == [0, 6]

    @pytest.mark.parametrize('first', ['count', 'deletion'])
    def test_of_a_first_count_and_a_deletion_at_once_the_count_is_sealed(self, tree, release, delete, seen, first):
        key = tree.key(release, DAYS[2], 'New')
        done = []

        def others():
            if not done:
                done.append(None)
                done[0] = pool.submit(*((delete, release) if first == 'count' else (counter.store, key)))
        with ThreadPoolExecutor(1) as pool, at_each_write(others):
            counter.store(key) if first == 'count' else delete(release)
        done[0].result(PATIENCE)
        assert seen() == [0, 4]
        assert tree.counts.count_documents({'app': tree.app['_id'], 'kind': 'package'}) == 0

    def test_many_first_counts_and_a_deletion_at_once(self, tree, release, delete, seen):
        with ThreadPoolExecutor(16) as pool:
            stored = [pool.submit(counter.store, tree.key(release, DAYS[2], f'{number}')) for number in range(15)]
            stored.insert(7, pool.submit(delete, release))
            for one in stored:
                one.result(PATIENCE)
        assert seen() == [0, 18]

    def test_more_counts_than_fit_into_a_transaction_are_hidden_until_they_are_moved(
            self, tree, release, delete, seen, monkeypatch):
        monkeypatch.setattr(rollup, 'COUNTS_AT_ONCE', 1)
        monkeypatch.setattr(sealing, '_try_to_finish', lambda: None)  # killed after the commit
        tree.counts.update_many({'day': DAYS[2]}, {'$set': {'day': '2026-01-03'}})
        counter.store(tree.key(release, DAYS[2]))
        counter.store(tree.key(release, DAYS[2], 'B'))
        delete(release)
        # Those of today are moved in the transaction, since a new release of the revision counts for this day.
        assert tree.counts.distinct('day', {'app': tree.app['_id'], 'kind': 'package'}) == [*DAYS[:2], '2026-01-03']
        assert seen() == [0, 5]
        counter.store(tree.key(release, DAYS[0]))
        counter.store(tree.key(release, DAYS[2]))
        assert seen() == [0, 7]
        tree.release(public=True)
        counter.store(tree.key(release, DAYS[2]))
        rollup.keep_up()
        assert seen() == [0, 8]

        def unchanged():
            return seen()[1] == 8
        killed_at_each_write(sealing.finish, unchanged, at_least=9)
        assert tree.counts.count_documents({'app': tree.app['_id'], 'kind': 'package'}) == 1
        assert seen() == [1, 8]
        for app_id in tree.counts.distinct('app'):
            assert not rollup.wrong(app_id)

    def test_each_transaction_moves_as_many_counts_as_it_takes(self, tree, release, delete, monkeypatch):
        monkeypatch.setattr(rollup, 'COUNTS_AT_ONCE', 5)
        for number in range(20):
            tree.count(release, name=f'{number}')
        take_out, moved = rollup.take_out, []

        def taking(app, revision, found):
            moved.append(len(found))
            return take_out(app, revision, found)
        monkeypatch.setattr(rollup, 'take_out', taking)
        delete(release)
        assert (sum(moved), max(moved)) == (23, 5)
        assert tree.counts.count_documents({'app': tree.app['_id'], 'kind': 'package'}) == 0

    def test_counts_that_are_left_are_moved_after_the_commit(self, tree, release, delete, monkeypatch):
        monkeypatch.setattr(rollup, 'COUNTS_AT_ONCE', 1)
        delete(release)
        assert tree.counts.count_documents({'app': tree.app['_id'], 'kind': 'package'}) == 0

    def test_a_database_that_does_not_take_what_is_left_does_not_fail_the_deletion(
            self, release, delete, seen, monkeypatch):
        def away():
            raise AutoReconnect
        monkeypatch.setattr(rollup, 'COUNTS_AT_ONCE', 1)
        monkeypatch.setattr(sealing, 'finish', away)
        delete(release)
        assert seen() == [0, 3]


@pytest.mark.process
def test_each_download_is_counted_once_while_processes_count_delete_and_add_up(tree):
    make_and_delete(tree)  # no download ends before there is a release
    with ProcessPoolExecutor(3, multiprocessing.get_context('spawn')) as pool:
        done = [pool.submit(count_many, tree.app['_id'], number) for number in range(2)]
        done.append(pool.submit(delete_and_make_anew, tree.app['_id']))
        for one in done:
            one.result(PATIENCE)
    assert sum(one['count'] for one in tree.counts.find({'kind': 'package'})) == 2 * DOWNLOADS
    for app_id in tree.counts.distinct('app'):
        assert not rollup.wrong(app_id)
    assert tree.counts.count_documents({'app': tree.app['_id'], 'kind': 'package'}) == 0


def key_of(app_id, day, name='Slicer'):
    return {'app': app_id, 'kind': 'package', 'revision': '33000', 'baseName': name, 'os': 'linux', 'arch': 'amd64',
            'release': '5.8', 'day': day}


def count_many(app_id, number):
    for turn in range(DOWNLOADS):
        counter.store(key_of(app_id, DAYS[turn % 3], f'{number if turn % 2 else "both"} {turn % 5}'))


def delete_and_make_anew(app_id):
    """Delete a private release again and again; at the end it is gone, and nothing of it was public at any moment."""
    transactions.join(Folder())
    folder = Folder().findOne({'spm.app': app_id, 'spm.role': 'application'})
    tree = Tree(Folder().database, folder)
    for turn in range(20):
        make_and_delete(tree)
        assert tree.seen() == 0, turn


def make_and_delete(tree):
    release = tree.release()
    rollup.keep_up()

    @transactions.atomic
    def delete():
        sealing.begin(release)
        Folder().collection.delete_one({'_id': release['_id']})
    delete()


class TestAnotherRegistration:
    """A folder that is saved with another registration leaves its counts behind."""

    @pytest.fixture(params=['release', 'draft'])
    def folder(self, tree, request):
        folder = getattr(tree, request.param)()
        tree.count(folder)
        return folder

    @pytest.mark.parametrize('changed', [{'revision': '34000'}, {'app': ObjectId()}])
    def test_its_counts_are_sealed(self, tree, folder, changed):
        tree.save(folder, **{**folder['spm'], **changed})
        assert (tree.seen(), tree.seen(ADMIN)) == (0, 1)

    def test_its_counts_are_sealed_if_it_has_none_any_more(self, tree, folder):
        tree.save(folder)
        assert (tree.seen(), tree.seen(ADMIN)) == (0, 1)

    def test_the_extensions_of_others_keep_theirs(self, tree, folder):
        other = tree.release('5.9', '35000', public=True)
        tree.extensions(other)
        tree.count(other, 'extension')
        tree.save(folder, **{**folder['spm'], 'revision': '34000'})
        assert tree.seen() == 1

    @pytest.mark.usefixtures('folder')
    @pytest.mark.parametrize('role', ['application', 'draft'])
    def test_what_has_no_revision_seals_nothing(self, tree, role):
        tree.save(tree.add(tree.app, role=role))
        assert tree.seen() == 1

    def test_another_name_seals_nothing(self, tree, folder):
        tree.save(folder, **{**folder['spm'], 'release': '5.9'})
        assert tree.seen() == 1

    def test_a_first_registration_seals_nothing(self, tree, folder):
        place = folder.pop('spm')
        tree.save(folder, **place)
        assert tree.seen() == 1

    def test_a_private_application_keeps_its_counts(self, tree):
        tree.add(tree.app, role='release', public=True)
        private = tree.add({'_id': ObjectId()}, role='application')
        release = tree.release(parent=private, public=True)
        tree.count(release)
        tree.save(release)
        assert (tree.seen(None, private), tree.seen(ADMIN, private)) == (0, 1)

    def test_the_counts_of_a_promoted_draft_are_sealed_too(self, tree):
        release = tree.release(promoted=True)
        tree.count({'spm': {**release['spm'], 'release': ''}})
        tree.save(release)
        assert (tree.seen(), tree.seen(ADMIN)) == (0, 1)

    def test_a_draft_of_a_private_folder_of_drafts_keeps_its_counts(self, tree):
        drafts = tree.add(tree.app, readers=[READER], role='draft')
        draft = tree.draft(parent=drafts, public=True)
        tree.count(draft)
        draft['parentId'] = ObjectId()
        tree.save(draft)
        assert [tree.seen(user) for user in (None, OTHER, READER)] == [0, 0, 1]

    @pytest.mark.parametrize(('public', 'seen'), [(True, [1, 1, 2]), (False, [0, 1, 2])])
    def test_extensions_in_a_private_folder_keep_their_counts(self, tree, public, seen):
        release = tree.release(public=public, readers=[READER, OTHER])
        tree.extensions(release, readers=[READER])
        tree.folders.insert_one({'parentId': release['_id'], 'name': 'other'})
        for kind in PACKAGE_TYPES:
            tree.count(release, kind)
        tree.save(release, **{**release['spm'], 'revision': '34000'})
        assert [tree.seen(user) for user in (None, OTHER, READER)] == seen
        assert tree.counts.distinct('kind', {'app': tree.app['_id']}) == (['package'] if public else [])
        tree.count({'spm': {**release['spm'], 'revision': '33000'}}, 'extension')
        assert tree.seen() == seen[0] + 1

    def test_later_deletions_and_starts_leave_what_has_its_former_revision_now(self, tree, folder):
        former = dict(folder['spm'])
        tree.save(folder, **{**former, 'revision': '34000'})
        tree.count({'spm': former})
        tree.delete(folder)
        assert (tree.seen(), tree.seen(ADMIN)) == (1, 2)


class TestLateDownloads:
    """A download that ends after the deletion makes a new count."""

    @pytest.fixture(params=['release', 'draft'])
    def folder(self, tree, request):
        folder = getattr(tree, request.param)(readers=[READER])
        tree.delete(folder)
        return folder

    def test_its_count_is_sealed(self, tree, folder):
        tree.count_late(folder)
        assert [tree.seen(user) for user in (None, OTHER, READER)] == [0, 0, 1]

    def test_the_last_seal_of_a_revision_decides_who_sees_it(self, tree, folder):
        tree.delete(getattr(tree, 'draft' if folder['spm']['draft'] else 'release')(readers=[OTHER]))
        tree.count_late(folder)
        assert [tree.seen(user) for user in (READER, OTHER)] == [0, 1]

    @pytest.mark.parametrize('other', ['application', 'revision', 'release or draft', 'extensions'])
    def test_a_later_seal_of_something_else_does_not_matter(self, tree, folder, other):
        make = tree.draft if folder['spm']['draft'] == (other != 'release or draft') else tree.release
        if other == 'application':
            tree.delete(make(parent=tree.add({'_id': ObjectId()}, role='application')))
        elif other == 'extensions':
            channel = make(public=True)
            tree.delete(tree.extensions(channel))
            tree.folders.delete_one({'_id': channel['_id']})
        else:
            tree.delete(make(revision='34000') if other == 'revision' else make())
        tree.count_late(folder)
        assert [tree.seen(user) for user in (None, READER)] == [0, 1]

    @pytest.mark.parametrize('other', ['application', 'revision', 'release or draft'])
    def test_it_is_sealed_while_something_else_is_there(self, tree, folder, other):
        make = tree.draft if folder['spm']['draft'] == (other != 'release or draft') else tree.release
        parent = tree.add({'_id': ObjectId()}, role='application') if other == 'application' else tree.app
        make(parent=parent, revision='34000' if other == 'revision' else '33000', public=True)
        tree.count_late(folder)
        assert [tree.seen(user) for user in (None, READER)] == [0, 1]

    def test_while_the_folder_is_there_again_it_is_not_sealed(self, tree, folder):
        made = getattr(tree, 'draft' if folder['spm']['draft'] else 'release')(public=True)
        tree.count_late(made)
        assert tree.seen() == 1

    def test_without_a_seal_nothing_changes(self, tree):
        tree.count_late(tree.release(public=True))
        assert tree.seen() == 1


@pytest.mark.parametrize(('kind', 'seen'), [('package', 1), ('extension', 0)])
def test_a_late_download_is_sealed_if_the_folder_of_its_type_was(tree, kind, seen):
    release = tree.release(public=True)
    tree.delete(tree.extensions(release))
    tree.folders.delete_one({'_id': release['_id']})
    tree.count_late(release, kind)
    assert tree.seen() == seen


@pytest.mark.parametrize('kind', ['package', 'extension'])
def test_a_late_download_looks_for_the_folder_of_its_type(tree, kind):
    """A release may be there without a folder of extensions, and the other way round."""
    tree.delete(tree.release())
    made = tree.release(public=True)
    if kind == 'package':
        tree.extensions(made)
        tree.folders.delete_one({'_id': made['_id']})
    tree.count_late(made, kind)
    assert tree.seen() == 0


def test_a_late_download_of_a_promoted_draft_is_sealed_with_its_release(tree):
    release = tree.release(promoted=True)
    tree.delete(release)
    for place in (release['spm'], {**release['spm'], 'release': ''}):
        tree.count_late({'spm': place})
    assert (tree.seen(), tree.seen(ADMIN)) == (0, 2)


def test_seals_of_another_application_are_not_shown(tree):
    other = tree.add({'_id': ObjectId()}, role='application', public=True)
    release = tree.release(parent=other, readers=[READER])
    tree.count(release)
    tree.delete(release)
    assert (tree.seen(READER), tree.seen(READER, other)) == (0, 1)
