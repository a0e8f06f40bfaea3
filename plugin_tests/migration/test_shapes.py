"""The shape of documents: whatever a source has stored, the rules decide on it without a failure."""
from datetime import datetime, timezone

import pytest
from bson.datetime_ms import DatetimeMS
from bson.objectid import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin_tests.migration.older_server import EXTENSION, PACKAGE
from slicer_package_manager.migration.notes import Report
from slicer_package_manager.migration.rules import counts, folders, items, shapes, values
from slicer_package_manager.registry.tree.registration import ORIGIN

DAY = datetime(2021, 3, 1, tzinfo=timezone.utc)
#: What BSON can store, and more texts than UTF-8 has: the source is read with ``surrogateescape``.
TEXTS = st.text(st.characters(exclude_categories=()), max_size=9)
GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers(-2**63, 2**63 - 1) | st.floats() | TEXTS | st.binary(max_size=5)
    | st.datetimes() | st.builds(ObjectId) | st.builds(DatetimeMS, st.integers(-2**62, 2**62)) | st.just('1' * 300)
    | st.sampled_from(['https://bob:pw@x.org', '[', 'http://[x', 'NA', '2', 'draft', 'extensions', '$where', 'NaN']),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXTS, below, max_size=3), max_leaves=6)


def folder(name, parent=None, **meta):
    return {'_id': ObjectId(), 'name': name, 'lowerName': name.lower(), 'description': '', 'created': DAY,
            'updated': DAY, 'parentId': parent['_id'] if parent else ObjectId(), 'baseParentType': 'collection',
            'parentCollection': 'folder' if parent else 'collection', 'baseParentId': ObjectId(), 'meta': meta,
            'public': True, 'access': {'users': [], 'groups': []}, 'creatorId': ObjectId(), 'size': 0}


def item(inside, **meta):
    return {'_id': ObjectId(), 'name': 'x', 'lowerName': 'x', 'description': '', 'created': DAY, 'updated': DAY,
            'folderId': inside['_id'], 'baseParentType': 'collection', 'baseParentId': ObjectId(), 'size': 3,
            'creatorId': ObjectId(), 'meta': meta}


def file(of):
    return {'_id': ObjectId(), 'name': 'a.gz', 'itemId': of['_id'], 'created': DAY, 'size': 3, 'sha512': 'a' * 128,
            'mimeType': None, 'exts': ['gz'], 'path': 'aa/aa', 'assetstoreId': ObjectId(), 'creatorId': ObjectId()}


def user():
    return {'_id': ObjectId(), 'login': 'bobby', 'email': 'b@example.org', 'firstName': 'B', 'lastName': 'B',
            'admin': False, 'groups': [], 'groupInvites': [], 'created': DAY, 'salt': None,
            'access': {'users': [{'id': ObjectId(), 'level': 2, 'flags': []}], 'groups': []}}


def damaged(draw, document, *more):
    """``document`` with garbage in some of its fields, and in some of its metadata."""
    for key in draw(st.sets(st.sampled_from([*document, 'spm', ORIGIN, 'linkUrl', *more]), max_size=3)):
        document = {**document, key: draw(GARBAGE)}
    if isinstance(document.get('meta'), dict):
        wrong = [*document['meta'], 'revision', 'sha512', 'tier', 'description', 'build_date', 'app_id',
                 'downloadStats']
        document['meta'] = {**document['meta'], **draw(st.dictionaries(st.sampled_from(wrong) | TEXTS, GARBAGE,
                                                                       max_size=3))}
    return document


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_document_makes_the_rules_fail(data):
    packages = folder('packages')
    app = folder('Slicer', packages, extensionPackageNameTemplate='{baseName}')
    drafts, release = folder('draft', app), folder('4.11', app, revision='29402')
    draft = folder('29738', drafts, revision='29738', downloadStats={'a': 1})
    below = [drafts, release, draft, folder('extensions', draft), folder('extensions', release)]
    documents = [shapes.shaped('folder', damaged(data.draw, one)) for one in (app, *below)]
    assert not [one for one in documents if not one.problem and one.document['parentCollection'] not in shapes.PLACES]
    top, *found = [one.document if not one.problem else None for one in documents]
    report = Report()
    if top is not None:
        layout = folders.lay_out(top, packages, [one for one in found if one], {draft['_id']})
        report.add(layout.notes)
        for inside in layout.folders.values():
            meta = inside.get('meta') or {}
            assert all(one.number > 0 for one in (*counts.of_drafts(meta.get('downloadStats')),
                                                  *counts.of_release(meta.get('downloadStats'), 'x')))
            _decide(data.draw, inside, report)
    assert 'bob:pw@' not in str(report.as_json())


def _decide(draw, inside, report):
    given_items = [shapes.shaped('item', damaged(draw, one)) for one in (
        item(inside, **EXTENSION, app_id='x'), item(inside, **PACKAGE, app_id='x'), item(inside))]
    usable = [one.document for one in given_items if not one.problem]
    files = {one['_id']: [found.document for found in (shapes.shaped('file', damaged(draw, file(one))),
                                                       shapes.shaped('file', file(one))) if not found.problem]
             for one in usable}
    decisions = items.decide(inside, [items.Found(one, files[one['_id']]) for one in usable], items.Choices())
    assert len(decisions) == len(usable)
    report.add(note for one in decisions for note in one.notes)


@settings(deadline=None)
@given(data=st.data())
def test_no_account_makes_the_rules_fail(data):
    found = shapes.shaped('user', damaged(data.draw, user()))
    if not found.problem:
        assert (isinstance(found.document['login'], str), isinstance(found.document['email'], str)) == (True, True)
        again = shapes.shaped('user', found.document)
        assert again.changes == {}


@pytest.mark.parametrize(('kind', 'document'), [
    ('folder', folder('x')), ('item', item(folder('x'), **EXTENSION)), ('file', file(folder('x'))), ('user', user())])
def test_a_document_that_is_as_it_should_be_is_not_changed(kind, document):
    assert shapes.shaped(kind, document) == (document, {}, None)


@pytest.mark.parametrize(('value', 'expected'), [
    (7, 7), (7.0, 7), ('7', 7), (' 7 ', 7), (0, 0), (-1, None), (7.5, None), (float('inf'), None), (float('nan'), None),
    (1e30, None), ('', None), ('x', None), (None, None), (True, None), ([7], None)])
def test_whole_numbers(value, expected):
    assert values.whole(value) == expected
