"""Checks of packages and extensions: their files, what they tell of them, and their places."""
from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from functools import partial
from typing import Any

from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item

from slicer_package_manager.doctor.findings import ABANDONED, ERROR, WARNING, Finding, Options
from slicer_package_manager.registry import indexes
from slicer_package_manager.registry.schema.errors import Conflict, Invalid
from slicer_package_manager.registry.schema.invariants import (
    REFERENCES,
    REPLACEMENT_NAME,
    FileFacts,
    Reference,
    Statement,
    Violation,
    files_of_package,
    package_violations,
)
from slicer_package_manager.registry.tree import consistency, documents, item_files, registration

_OURS = {'spm.kind': {'$exists': True}}


def without_files(_options: Options) -> Iterator[Finding]:
    """Packages that never got a file, which nobody sees."""
    abandoned = {'spm.ready': False, 'updated': {'$lt': documents.now() - ABANDONED}}
    for item in Item().find({**_OURS, **abandoned}, fields=['name']):
        if File().findOne({'itemId': item['_id']}, fields=['_id']) is None:
            yield Finding(WARNING, f'{_named(item)} has had no file for more than a day; it is not listed.',
                          'Upload its file, or delete it.')


def told(_options: Options) -> Iterator[Finding]:
    """Whether each package has one file at most, and tells the truth about it."""
    for item in _with_files(_OURS):
        if any(_wrong(item)):  # an upload may have ended since this was read: look again
            for now in _with_files({**_OURS, '_id': item['_id']}):
                yield from _wrong(now)


def _with_files(which):
    return Item().collection.aggregate([
        {'$match': which},
        {'$lookup': {'from': 'file', 'localField': '_id', 'foreignField': 'itemId', 'as': 'files'}}])


def _wrong(item) -> Iterator[Finding]:
    found = sorted(item['files'], key=lambda file: (file['created'], file['_id']))
    # What is told of several files is mended with one of them left, which is for a person to choose.
    yield from _several(item, found) if len(found) > 1 else _untrue(item, found)


def _several(item, found) -> Iterator[Finding]:
    same = len({(file.get('sha512'), file.get('size')) for file in found}) == 1 and found[0].get('sha512')
    waits = found[-1]['name'] == REPLACEMENT_NAME
    if waits and found[-1]['created'] > documents.now() - ABANDONED:
        return  # its uploader deletes the older one next
    names = ', '.join(f'"{file["name"]}" ({file["_id"]})' for file in found)
    yield Finding(ERROR, f'{_named(item)} has {len(found)} files: {names}.',
                  'Delete all but one; clients cannot install what has several.',
                  partial(_settle, item) if same and not waits else None)


#: What is reported of a package that contradicts its file; of several the first one that is true, and the size.
_CONTRADICTIONS = (
    (Violation.FILE_NOT_STATED, 'has a file, and is not listed.', 'Use --fix, which lists it.'),
    (Violation.FILE_MISSING, 'is listed, and has no file.',
     'Use --fix, which takes it from the lists, and upload its file again.'),
    (Violation.WRONG_SHA512, 'states another checksum than that of its file.', 'Use --fix, which corrects it.'),
)


def _untrue(item, found) -> Iterator[Finding]:
    stated = Statement(bool(item['spm'].get('ready')), item['meta'].get('sha512', ''), item['size'])
    violations = package_violations(stated, files_of_package(
        FileFacts(file['name'], file.get('sha512'), file.get('size')) for file in found))
    yield from [Finding(ERROR, f'{_named(item)} {what}', todo, partial(_settle, item))
                for violation, what, todo in _CONTRADICTIONS if violation in violations][:1]
    if Violation.WRONG_SIZE in violations:
        yield Finding(WARNING, f'{_named(item)} has the size {item["size"]}, and its file another one.',
                      'Use --fix, which corrects it.', partial(_settle, item))


def _settle(item) -> None:
    item_files.settle(item)
    now = Item().load(item['_id'], force=True)
    if now:
        Item().recalculateSize(now)


def duplicates(_options: Options) -> Iterator[Finding]:
    """Documents that share what only one may have; they keep a unique index from being made."""
    for model, index in indexes.missing():
        document = index.document
        if document.get('unique') and model.name != 'slicer_package_download':
            yield from _sharing(model, document)


def _sharing(model, index) -> Iterator[Finding]:
    keys = {key.replace('.', '_'): f'${key}' for key in index['key']}
    for group in model.collection.aggregate([
            {'$match': index.get('partialFilterExpression', {})},
            {'$group': {'_id': keys, 'documents': {'$push': {'_id': '$_id', 'name': '$name'}}}},
            {'$match': {'documents.1': {'$exists': True}}}], allowDiskUse=True):
        yield Finding(ERROR, f'These of "{model.name}" share {", ".join(index["key"])}: '
                             + ', '.join(_named(one) for one in group['documents']) + '.',
                      'Change or delete all but one, by id; then use --fix for the index.')


def registrations(_options: Options) -> Iterator[Finding]:
    """Whether what the registry knows of folders and items follows from where they lie."""
    visited: set = set()
    wrong: list = []
    for packages in Folder().find({'name': registration.PACKAGES_NAME, 'parentCollection': 'collection'}):
        yield from _place(packages, None, visited, wrong)
    if not wrong:
        yield from _strays(visited)


def _strays(visited) -> Iterator[Finding]:
    """What is registered, and does not lie where it could be."""
    for folder in Folder().find({'spm.role': {'$exists': True}}, fields=['name', 'spm', 'parentId', 'meta']):
        if folder['_id'] not in visited:
            yield Finding(ERROR, f'The folder {_named(folder)} is taken for {registration.role(folder)}, and does not '
                                 'lie where such a one does.', 'Use --fix, which makes it an ordinary folder.',
                          partial(_register, Folder(), consistency.register_folder, folder['_id']))
    strays = Item().collection.aggregate([
        {'$match': _OURS},
        {'$lookup': {'from': 'folder', 'localField': 'folderId', 'foreignField': '_id', 'as': 'folder'}},
        {'$match': {'folder.0': {'$exists': True}, 'folder.spm.role': {'$nin': [
            *registration.CHANNELS, registration.EXTENSIONS]}}}])
    for item in strays:
        yield Finding(ERROR, f'{_named(item)} is listed, and does not lie where packages do.',
                      'Use --fix, which makes it an ordinary item; its file stays.',
                      partial(_register, Item(), consistency.register_item, item['_id']))


def _place(folder, parent, visited, wrong) -> Iterator[Finding]:
    """Look at ``folder`` and, once it is what it should be, below it: what lies there is judged by it."""
    expected = registration.of_folder(folder, parent)
    visited.add(folder['_id'])
    if _differs(expected, folder.get('spm')):
        yield Finding(ERROR, f'The folder {_named(folder)} is not registered as what it is by its place.',
                      'Use --fix; if that is refused, correct what it names.',
                      partial(_register, Folder(), consistency.register_folder, folder['_id']))
        folder = Folder().findOne({'_id': folder['_id']})  # by now it may be mended
        if not folder or _differs(expected, folder.get('spm')):
            wrong.append(expected)
            return
    if registration.package_type_in(folder):
        for item in Item().find({'folderId': folder['_id']}):
            yield from _misplaced(folder, item)
    for child in Folder().find({'parentId': folder['_id'], 'parentCollection': 'folder'}):
        if registration.of_folder(child, folder) is not None:
            yield from _place(child, folder, visited, wrong)


def _misplaced(folder, item) -> Iterator[Finding]:
    expected = deepcopy(item)
    try:
        consistency.check_item(expected)
    except (Invalid, Conflict) as error:
        what = 'is listed, and what it tells is not allowed' if 'spm' in item else 'is not listed'
        yield Finding(WARNING, f'{_named(item)} {what}: {error}', 'Correct its metadata, or move it elsewhere.')
        return
    if _differs(expected.get('spm'), item.get('spm')) or expected.get('meta') != item.get('meta'):
        yield Finding(ERROR, f'{_named(item)} is not registered as what it is by its place in "{folder["name"]}".',
                      'Use --fix, which registers it where it lies.',
                      partial(_register, Item(), consistency.register_item, item['_id']))


def _differs(expected, stored) -> bool:
    """Whether ``stored`` is another registration; what a promotion or a deletion notes there for a while is not one."""
    if expected is None or stored is None:
        return expected is not stored
    return any(stored.get(key) != value for key, value in expected.items())


def _register(model, register, identifier) -> None:
    """Register the document as it is by now.

    :param register: :func:`consistency.register_folder` or :func:`consistency.register_item`.
    :raises RuntimeError: it cannot be what it claims to be.
    """
    try:
        register(model.load(identifier, force=True))
    except (Invalid, Conflict) as error:
        raise RuntimeError(str(error)) from error


def orphans(_options: Options) -> Iterator[Finding]:
    """Documents whose parent is gone, so that no client can reach them."""
    for reference in REFERENCES:
        for one in () if reference.temporary else _without_parent(reference):
            yield Finding(WARNING, f'The {reference.child} {_named(one)} lies in a {reference.parent} that is gone '
                                   f'({one[reference.key]}).',
                          'Delete it by its id; if it is wanted, restore a backup elsewhere and take it from there.')


def _without_parent(reference: Reference) -> Iterator[dict[str, Any]]:
    model = next(model for model in (File(), Item(), Folder()) if model.name == reference.child)
    return model.collection.aggregate([
        {'$match': {**dict([reference.condition] if reference.condition else []),
                    **({reference.key: {'$ne': None}} if reference.optional else {})}},
        {'$lookup': {'from': reference.parent, 'localField': reference.key, 'foreignField': '_id', 'as': 'parent'}},
        {'$match': {'parent': []}}, {'$project': {'name': 1, reference.key: 1}}])


def _named(document) -> str:
    return f'"{document["name"]}" ({document["_id"]})'
