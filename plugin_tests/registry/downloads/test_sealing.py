"""Which counts are sealed, and who sees them then. Folders and counts are documents here, without a server."""
import contextlib
from datetime import timedelta

import pytest
from bson import ObjectId
from girder.constants import AccessType
from pymongo.collection import Collection
from pymongo.errors import WriteError

from slicer_package_manager.registry.downloads import counts, rollup, sealing, statistics, totals
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES

READER, OTHER, ADMIN = ({'_id': ObjectId(), 'admin': admin, 'groups': []} for admin in (False, False, True))


@pytest.fixture
def tree(any_db):
    return Tree(any_db)


class Tree:
    """A public application with releases and drafts, and the counts of their packages."""

    def __init__(self, database):
        self.folders, self.counts = database.folder, database.slicer_package_download
        self.counts.create_indexes(counts.INDEXES[:1])
        self.app = self.add({'_id': ObjectId()}, role='application', public=True)

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

    def delete(self, *folders):
        for folder in folders:
            sealing.begin(folder)
        for folder in folders:
            self.folders.delete_one({'_id': folder['_id']})
            sealing.finish(folder['_id'])

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
        found = statistics.rows(app, statistics.Question(), 0, 0, (), sealing.readable(app, user))
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


def test_a_promoted_folder_seals_nothing(tree):
    draft = tree.draft()
    tree.count(draft)
    tree.delete({**draft, 'promoted': True})
    assert tree.seen() == 1


@pytest.mark.parametrize('stored', [None, {}])
def test_a_folder_that_is_registered_in_memory_only_seals_nothing(tree, stored):
    release = tree.release()
    tree.count(release)
    tree.folders.delete_one({'_id': release['_id']})
    if stored is not None:
        tree.folders.insert_one({'_id': release['_id'], **stored})
    tree.delete(release)
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


def test_counts_added_until_the_folder_is_deleted_are_sealed(tree):
    release, other = tree.release(), tree.release('5.9', '34000')
    for folder in (release, other):
        tree.count(folder)
        sealing.begin(folder)
    for folder in (release, other):
        tree.count(folder)
        tree.folders.delete_one({'_id': folder['_id']})
        sealing.finish(folder['_id'])
    assert (tree.seen(), tree.seen(ADMIN)) == (0, 4)
    tree.count(tree.release(public=True))
    sealing.resume()
    assert tree.seen() == 1


def test_what_is_made_anew_stays_public_when_a_server_starts(tree):
    folders = [tree.release(), tree.release('5.9', '34000')]
    tree.delete(*folders)
    for name, revision in (('5.8', '33000'), ('5.9', '34000')):
        tree.count(tree.release(name, revision, public=True))
    sealing.resume()
    assert tree.seen() == 2


def test_a_server_that_starts_seals_what_a_killed_one_has_not(tree):
    release = tree.release()
    sealing.begin(release)
    tree.folders.delete_one({'_id': release['_id']})
    tree.count(release)
    sealing.resume()
    assert (tree.seen(), tree.seen(ADMIN)) == (0, 1)


def test_the_same_count_is_sealed_again_and_again(tree):
    for times in range(1, 4):
        release = tree.release(readers=[READER])
        for name in ('A', 'B'):
            tree.count(release, name=name)
        tree.delete(release)
        assert [tree.seen(user) for user in (None, OTHER, READER)] == [0, 0, 2 * times]


def test_a_database_that_does_not_accept_the_sealing_is_an_error(tree, monkeypatch):
    def refuse(*_):
        monkeypatch.undo()
        raise WriteError('not now', 50)
    release = tree.release()
    tree.count(release)
    monkeypatch.setattr(type(tree.counts), 'update_many', refuse)
    with pytest.raises(WriteError, match='not now'):
        sealing.begin(release)


def add_up(tree):
    while rollup.keep_up(tree.app['_id'], timedelta(0)):
        pass


@pytest.mark.database
@pytest.mark.parametrize('event', ['the server is killed', 'another process adds up'])
def test_totals_have_no_sealed_counts_whatever_happens_at_the_same_time(tree, monkeypatch, event):
    release = tree.release()
    tree.count(release)
    add_up(tree)
    seal = Collection.update_many

    def meanwhile(*args):
        if event == 'another process adds up':
            add_up(tree)
        seal(*args)
        if event == 'the server is killed':
            raise InterruptedError
    monkeypatch.setattr(Collection, 'update_many', meanwhile)
    with contextlib.suppress(InterruptedError):
        sealing.begin(release)
    assert tree.seen() == 0
    assert totals.as_json(tree.app) == b'{}'


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
        sealing.resume()
        assert tree.seen() == seen[0] + 1

    def test_later_deletions_and_starts_leave_what_has_its_former_revision_now(self, tree, folder):
        former = dict(folder['spm'])
        tree.save(folder, **{**former, 'revision': '34000'})
        tree.count({'spm': former})
        sealing.resume()
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
        sealing.follow(tree.count(folder))
        assert [tree.seen(user) for user in (None, OTHER, READER)] == [0, 0, 1]

    def test_the_last_seal_of_a_revision_decides_who_sees_it(self, tree, folder):
        tree.delete(getattr(tree, 'draft' if folder['spm']['draft'] else 'release')(readers=[OTHER]))
        sealing.follow(tree.count(folder))
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
        sealing.follow(tree.count(folder))
        assert [tree.seen(user) for user in (None, READER)] == [0, 1]

    @pytest.mark.parametrize('other', ['application', 'revision', 'release or draft'])
    def test_it_is_sealed_while_something_else_is_there(self, tree, folder, other):
        make = tree.draft if folder['spm']['draft'] == (other != 'release or draft') else tree.release
        parent = tree.add({'_id': ObjectId()}, role='application') if other == 'application' else tree.app
        make(parent=parent, revision='34000' if other == 'revision' else '33000', public=True)
        sealing.follow(tree.count(folder))
        assert [tree.seen(user) for user in (None, READER)] == [0, 1]

    def test_while_the_folder_is_there_again_it_is_not_sealed(self, tree, folder):
        made = getattr(tree, 'draft' if folder['spm']['draft'] else 'release')(public=True)
        sealing.follow(tree.count(made))
        assert tree.seen() == 1

    def test_without_a_seal_nothing_changes(self, tree):
        sealing.follow(tree.count(tree.release(public=True)))
        assert tree.seen() == 1


@pytest.mark.parametrize(('kind', 'seen'), [('package', 1), ('extension', 0)])
def test_a_late_download_is_sealed_if_the_folder_of_its_type_was(tree, kind, seen):
    release = tree.release(public=True)
    tree.delete(tree.extensions(release))
    tree.folders.delete_one({'_id': release['_id']})
    sealing.follow(tree.count(release, kind))
    assert tree.seen() == seen


@pytest.mark.parametrize('kind', ['package', 'extension'])
def test_a_late_download_looks_for_the_folder_of_its_type(tree, kind):
    """A release may be there without a folder of extensions, and the other way round."""
    tree.delete(tree.release())
    made = tree.release(public=True)
    if kind == 'package':
        tree.extensions(made)
        tree.folders.delete_one({'_id': made['_id']})
    sealing.follow(tree.count(made, kind))
    assert tree.seen() == 0


def test_a_late_download_of_a_promoted_draft_is_sealed_with_its_release(tree):
    release = tree.release(promoted=True)
    tree.delete(release)
    for place in (release['spm'], {**release['spm'], 'release': ''}):
        sealing.follow(tree.count({'spm': place}))
    assert (tree.seen(), tree.seen(ADMIN)) == (0, 2)


def test_seals_of_another_application_are_not_shown(tree):
    other = tree.add({'_id': ObjectId()}, role='application', public=True)
    release = tree.release(parent=other, readers=[READER])
    tree.count(release)
    tree.delete(release)
    assert (tree.seen(READER), tree.seen(READER, other)) == (0, 1)
