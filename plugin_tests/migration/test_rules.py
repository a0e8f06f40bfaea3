"""The rules for twins, folders, items and counts."""
from datetime import datetime, timedelta, timezone
from itertools import count

import pytest

from slicer_package_manager.migration.notes import Outcome
from slicer_package_manager.migration.rules import counts, folders, items, twins
from slicer_package_manager.registry.tree import registration
from slicer_package_manager.registry.tree.registration import ORIGIN

START = datetime(2021, 3, 1, tzinfo=timezone.utc)
NUMBERS = count()


def moment():
    return START + timedelta(minutes=next(NUMBERS))


def file(name='a.tar.gz', **fields):
    return {'_id': next(NUMBERS), 'name': name, 'created': moment(), 'size': 3, 'sha512': f'{next(NUMBERS):0128x}',
            **fields}


# Twins


def twin(*, updated=None, **fields):
    created = moment()
    return {'_id': next(NUMBERS), 'name': 'x', 'created': created, 'updated': updated or created, **fields}


@pytest.mark.parametrize(('with_file', 'prefer', 'expected'), [
    ((0, 1, 2), None, 1), ((0, 2), None, 2), ((), None, 1), ((0, 1, 2), 'first', 0), ((1, 2), 'first', 1),
    ((0, 1, 2), 'last', 2), ((0,), 'last', 0)])
def test_which_twin_is_listed(with_file, prefer, expected):
    found = [twin(), twin(updated=moment() + timedelta(days=1)), twin()]
    assert twins.listed(found, {found[one]['_id'] for one in with_file}, prefer) is found[expected]


def test_which_file_readers_get():
    old, new = file(), file()
    assert twins.file_for_readers([], 'x') is None
    assert twins.file_for_readers([new, old], new['sha512']) is new
    assert twins.file_for_readers([new, old], None) is old
    assert twins.file_for_readers([new, old], 'unknown') is old
    assert twins.file_for_readers([new, old], old['sha512'], prefer_newest=True) is new
    waiting = file('new_file')
    assert twins.file_for_readers([old, waiting], old['sha512'], prefer_newest=True) is old


# Counts


def number(found):
    return [(one.package_type.label, one.revision, one.name, one.os, one.arch, one.number) for one in found]


def test_counts_of_a_release_come_out_whole_with_dots_in_names():
    stats = {'extensions': {'Slicer': {'Heart': {'linux': {'amd64': 3}}}, 'IGT': {'Linux': {'x86_64': 2}}},
             'applications': {'win': {'amd64': 5}}, 'odd': {'a': {'b': 1}}, 'none': 3}
    assert number(counts.of_release(stats, '29402')) == [
        ('extension', '29402', 'Slicer.Heart', 'linux', 'amd64', 3), ('extension', '29402', 'IGT', 'linux', 'amd64', 2),
        ('package', '29402', '', 'win', 'amd64', 5)]


def test_counts_of_drafts_have_the_revision_first_with_dots_in_it():
    stats = {'33100': {'1': {'applications': {'linux': {'amd64': 1}}}, 'extensions': {'A': {'win': {'amd64': 2}}}}}
    assert number(counts.of_drafts(stats)) == [
        ('package', '33100.1', '', 'linux', 'amd64', 1), ('extension', '33100', 'A', 'win', 'amd64', 2)]


def test_counts_of_early_releases():
    assert number(counts.of_early_release({'A': {'win': {'amd64': 2.0}}}, '1')) == [
        ('extension', '1', 'A', 'win', 'amd64', 2)]


@pytest.mark.parametrize('stats', [None, 'text', [], {}, {'extensions': 3}, {'extensions': {'A': {'linux': 3}}},
                                   {'extensions': {'A': {'linux': {'amd64': True}}}},
                                   {'applications': {'A': {'linux': {'amd64': 1}}}},
                                   {'extensions': {'A': {'linux': {'amd64': -1}}}}])
def test_what_is_no_count_is_left_out(stats):
    assert number(counts.of_release(stats, '1')) == []
    assert number(counts.of_drafts(stats)) == []


# Folders


def folder(name, parent=None, **fields):
    made = {'_id': f'{name}-{next(NUMBERS)}', 'name': name, 'lowerName': name.lower(), 'created': moment(),
            'description': '', 'parentCollection': 'folder', 'parentId': parent and parent['_id'], 'meta': {},
            'baseParentType': 'collection', 'baseParentId': 'c', 'public': True}
    return {**made, **fields}


PACKAGES = folder('packages', parentCollection='collection')
APP = folder('Slicer', PACKAGES, meta={'applicationPackageNameTemplate': '{baseName}_{revision}'})
DRAFTS = folder('draft', APP)


def lay_out(*below, filled=(), app=APP):
    return folders.lay_out(app, PACKAGES, list(below), {one['_id'] for one in filled})


def roles(layout):
    return [(one['name'], registration.role(one)) for one in layout.folders.values()]


def test_the_folders_of_an_application():
    release, draft = folder('5.8', APP, meta={'revision': '1'}), folder('33000', DRAFTS, meta={'revision': '33000'})
    notes, inside = folder('notes', APP), folder('extensions', release)
    layout = lay_out(DRAFTS, release, draft, notes, inside)
    assert roles(layout) == [('Slicer', 'application'), ('draft', 'draft'), ('33000', 'revision'),
                             ('5.8', 'release'), ('extensions', 'extensions'), ('notes', None)]
    assert (layout.merged, layout.notes) == ({}, [])


def test_a_number_as_revision_becomes_a_text():
    layout = lay_out(DRAFTS, folder('33000', DRAFTS, meta={'revision': 33000}))
    *_, draft = layout.folders.values()
    assert draft['spm']['revision'] == draft['meta']['revision'] == '33000'
    assert [(note.outcome, note.fields) for note in layout.notes] == [(Outcome.MENDED, ('meta.revision',))]


def test_of_two_folders_of_one_draft_the_oldest_gets_the_contents_of_both():
    first, second = folder('33000', DRAFTS), folder('33000', DRAFTS)
    one, other = folder('extensions', first), folder('extensions', second)
    sub = folder('logs', second)
    layout = lay_out(DRAFTS, second, first, other, one, sub, filled=[one, other])
    assert layout.merged == {second['_id']: first['_id'], other['_id']: one['_id']}
    assert layout.folders[sub['_id']]['parentId'] == first['_id']
    assert set(layout.folders) == {APP['_id'], DRAFTS['_id'], first['_id'], one['_id'], sub['_id']}


def test_extensions_of_a_twin_without_a_counterpart_stay_where_they_are():
    first, second = folder('33000', DRAFTS), folder('33000', DRAFTS)
    other = folder('extensions', second)
    layout = lay_out(DRAFTS, first, second, other, filled=[other])
    assert layout.folders[other['_id']]['parentId'] == first['_id']
    assert layout.folders[other['_id']]['spm']['channel'] == first['_id']


def test_two_filled_releases_of_one_revision_both_stay_and_a_person_decides():
    first, second = (folder(name, APP, meta={'revision': '1'}) for name in ('5.8', '5.8.1'))
    layout = lay_out(first, second, filled=[first, second])
    assert [one['spm'].get('revision') for one in layout.folders.values()] == [None, '1', '1 (5.8.1)']
    assert layout.folders[second['_id']][ORIGIN] == {'meta': {'revision': '1'}}
    assert [note.outcome for note in layout.notes] == [Outcome.UNDECIDED]


def test_an_empty_release_of_a_revision_is_merged_into_the_first():
    first, second = (folder(name, APP, meta={'revision': '1'}) for name in ('5.8', '5.8.1'))
    layout = lay_out(first, second, filled=[first])
    assert layout.merged == {second['_id']: first['_id']}
    assert [note.fields for note in layout.notes] == [('_id',)]


def test_a_release_name_in_another_case_is_changed():
    first, second = folder('Stable', APP, meta={'revision': '1'}), folder('stable', APP, meta={'revision': '2'})
    layout = lay_out(first, second, filled=[first, second])
    assert [one['name'] for one in layout.folders.values()] == ['Slicer', 'Stable', 'stable (2)']
    assert [note.outcome for note in layout.notes] == [Outcome.UNDECIDED]


def test_a_template_with_unknown_keys_becomes_the_default():
    app = folder('Other', PACKAGES, meta={'applicationPackageNameTemplate': '{bitness}'})
    layout = lay_out(app=app)
    placed = layout.folders[app['_id']]
    assert placed['meta']['applicationPackageNameTemplate'] == '{baseName}_{os}_{arch}_{revision}'
    assert placed[ORIGIN] == {'meta': {'applicationPackageNameTemplate': '{bitness}'}}


def test_a_folder_that_cannot_be_registered_is_set_aside():
    layout = lay_out(folder('extensions', APP, meta={'revision': '1'}))
    *_, aside = layout.folders.values()
    assert (registration.role(aside), registration.is_set_aside(aside)) == (None, True)
    assert [note.outcome for note in layout.notes] == [Outcome.UNDECIDED]


# Items

PLACED = lay_out(DRAFTS, DRAFT := folder('29738', DRAFTS), EXTENSIONS := folder('extensions', DRAFT)).folders
META = {'baseName': 'A', 'os': 'linux', 'arch': 'amd64', 'revision': 'ab', 'app_revision': '29738',
        'repository_type': 'git', 'repository_url': '', 'description': 'D', 'app_id': APP['_id']}


def found(*files, **meta):
    created = moment()
    meta = {**({'sha512': files[0]['sha512']} if files else {}), **meta}
    return items.Found({'_id': next(NUMBERS), 'name': f'item {next(NUMBERS)}', 'created': created, 'updated': created,
                        'folderId': 'elsewhere', 'description': '', 'size': 0, 'meta': {**META, **meta}}, list(files))


def decide(*given, in_folder=EXTENSIONS, **choices):
    return items.decide(PLACED[in_folder['_id']], given, items.Choices(**choices))


def test_a_package_states_its_file_and_its_place():
    one = file()
    (decision,) = decide(found(one))
    assert decision.item['meta'] == {**META, 'sha512': one['sha512']}
    assert (decision.item['size'], decision.item['description']) == (3, 'D')
    assert decision.item['spm']['ready'] is True
    assert decision.item['folderId'] == EXTENSIONS['_id']
    assert (decision.files, decision.beside, decision.notes) == ([one], [], [])


def test_a_checksum_that_is_not_that_of_the_file_is_reported():
    (decision,) = decide(found(file(), sha512='0' * 128))
    assert [note.fields for note in decision.notes] == [('meta.sha512',)]
    for stated in None, '', 0:
        (decision,) = decide(found(file(), sha512=stated))
        assert [(note.fields, note.reason) for note in decision.notes] == [
            (('meta.sha512',), 'sha512: was missing, now that of its file')]
    assert decide(found(decision.files[0], sha512=decision.files[0]['sha512'].upper()))[0].notes == []


def test_the_report_names_what_was_mended():
    (decision,) = decide(found(file(), app_revision=29738, tier='2', codebase='SL4'))
    assert [set(note.fields) for note in decision.notes] == [{'meta.app_revision', 'meta.tier', 'meta.codebase'}]


def test_an_item_without_a_file_is_registered_and_not_listed():
    (decision,) = decide(found())
    assert (decision.item['spm']['ready'], decision.item['meta']['sha512'], decision.files) == (False, '', [])


def test_other_files_stay_beside_the_one_for_readers():
    one, other = file(), file()
    (decision,) = decide(found(one, other, sha512=other['sha512']))
    assert (decision.files, decision.beside, decision.item['size']) == ([other], [one], 3)
    assert str(one['_id']) in decision.notes[0].reason


def test_lost_files_of_a_package_stay_beside_and_those_of_other_items_in_it():
    one = file()
    package = found(sha512=one['sha512'])._replace(lost=[one])
    (decision,) = decide(package)
    assert (decision.files, decision.beside, decision.item['spm']['ready']) == ([], [one], False)
    (decision,) = decide(package, in_folder=DRAFTS)
    assert (decision.files, decision.beside) == ([one], [])


def test_of_twins_one_is_listed_and_the_others_are_ordinary_items():
    first, second, other = found(file()), found(file()), found(file(), baseName='B')
    decisions = {one.item['_id']: one for one in decide(first, second, other)}
    assert [identifier for identifier, one in decisions.items() if 'spm' in one.item] == [
        second.item['_id'], other.item['_id']]
    aside = decisions[first.item['_id']]
    assert registration.is_set_aside(aside.item)
    assert (aside.files, [note.outcome for note in aside.notes]) == (first.files, [Outcome.NOT_LISTED])


def test_a_package_that_cannot_be_mended_is_set_aside_with_its_metadata():
    (decision,) = decide(found(file(), os='beos'))
    assert decision.item['meta']['os'] == 'beos'
    assert 'spm' not in decision.item
    assert 'beos' in decision.item[ORIGIN]['set_aside']


def test_a_package_that_is_here_already_stands_for_the_same_bytes_only():
    one = found(file())
    identity = decide(one)[0].item['spm']['identity']
    for sha512, same_as in ((one.files[0]['sha512'], 'here'), ('f' * 128, None)):
        present = {identity: {'_id': 'here', 'name': 'here', 'meta': {'sha512': sha512}}}
        (decision,) = items.decide(PLACED[EXTENSIONS['_id']], [one], items.Choices(once=True), present)
        assert (decision.same_as, registration.is_set_aside(decision.item)) == (same_as, same_as is None)
    (decision,) = items.decide(PLACED[EXTENSIONS['_id']], [one], items.Choices(), {
        identity: {'_id': 'here', 'name': 'here', 'meta': {'sha512': one.files[0]['sha512']}}})
    assert registration.is_set_aside(decision.item)


def test_names_in_a_folder_are_unique():
    one, other = found(file()), found(file(), baseName='B')
    other.item['name'] = one.item['name']
    first, second = decide(one, other)
    assert [first.item['name'], second.item['name']] == [one.item['name'], f'{one.item["name"]} (1)']
    assert [note.fields for note in second.notes] == [('name',)]


def test_ordinary_items_stay_as_they_are():
    note = found(file(), file())
    note.item['meta'] = {'anything': 1}
    (decision,) = decide(note)
    assert (decision.item['meta'], len(decision.files), 'spm' in decision.item) == ({'anything': 1}, 2, False)
    assert decision.item['size'] == 6


@pytest.mark.parametrize(('stated', 'expected'), [('a' * 128, 'a' * 128), ('b', None), (None, None)])
def test_a_link_gets_the_checksum_that_its_item_states(stated, expected):
    link = file(linkUrl='https://github.com/a/b.tar.gz', sha512=None)
    assert items.with_digest(link, [link], items.stated({'sha512': stated})).get('sha512') == expected
    other = file(sha512='a' * 128)
    assert items.with_digest(link, [link, other], items.stated({'sha512': stated})) == link


def test_deciding_again_changes_nothing():
    given = [found(file(), homepage='NA', codebase='x'), found(file()), found(os='beos'),
             found(file(), file(), tier='2')]
    once = decide(*given)
    files = {one.item['_id']: one.files for one in once}
    again = decide(*(items.Found(one.item, files[one.item['_id']]) for one in once))
    key = lambda item: str(item['_id'])  # noqa: E731
    assert sorted([one.item for one in again], key=key) == sorted([one.item for one in once], key=key)
