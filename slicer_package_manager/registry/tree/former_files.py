"""Facts of the files of packages that are gone: replaced, removed, or deleted with their package.

Statistics from the logs of web servers look up what an address stood for, also after the file was replaced or its
package was deleted. Facts of files that are still there are read from their documents, see
:mod:`catalog.published_files`.

1. The transaction that detaches a file of a package writes the facts to the document of the file, see
   :func:`of_detached`, without a further round trip. If the package is deleted, it records them.
2. Before the document is removed, :func:`keep` records them.
3. :func:`find` returns both.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bson.objectid import ObjectId
from girder.models.file import File
from girder.models.folder import Folder
from pymongo import ASCENDING, IndexModel

from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import clock, transactions
from slicer_package_manager.registry.tree import keys

#: The keys of facts that no others of the same file have.
_IDENTITY = ('item', 'file', 'created')
#: The place of facts in the document of a detached file.
_FACTS = 'spm.facts'
#: Metadata of a package that statistics show; what its type does not have is left out.
SHOWN = ('baseName', 'os', 'arch', 'revision', 'version', 'build_date', 'pre_release', 'category')


class FormerFile(transactions.TransactionalModel):
    """Facts in the collection ``slicer_package_former_file``, which are kept for good.

    A document has what :func:`facts` returns, ``removed`` (when the file was detached), and if the package was deleted
    too, ``public`` (whether everyone could download it).
    """

    stored_in = 'slicer_package_former_file'


INDEXES = [IndexModel([(key, ASCENDING)], name=f'spm_former_{key}') for key in ('sha512', 'item')] + [
    IndexModel([('md5', ASCENDING)], name='spm_former_md5', partialFilterExpression={'md5': {'$exists': True}})]


def facts(item: Mapping[str, Any], file: Mapping[str, Any]) -> Document:
    """Return what statistics need of ``file``, a file of the package ``item``.

    ``app_revision`` is the revision of the application, ``object`` the key of the file in object storage, and ``md5``
    what MIDAS stated, if it did.
    """
    meta, spm = item['meta'], item['spm']
    package_type = PACKAGE_TYPES[spm['kind']]
    return {'file': file['_id'], 'item': item['_id'], 'app': spm['app'], 'kind': package_type.label,
            'name': file['name'], 'sha512': file.get('sha512') or '', 'size': file.get('size'),
            'created': file['created'], 'object': file.get('s3Key') or '', 'release': spm.get('release') or '',
            'app_revision': meta.get(package_type.app_revision),
            **{key: meta[key] for key in SHOWN if meta.get(key) is not None}, **_of_midas(spm, file)}


def _of_midas(spm: Mapping[str, Any], file: Mapping[str, Any]) -> Document:
    """The MD5 that MIDAS stated of ``file``; nothing of another file."""
    stated = spm.get('midas') or {}
    is_of_file = 'md5' in stated and stated.get('sha512') == file.get('sha512')
    return {'md5': stated['md5']} if is_of_file else {}


def of_detached(item: Mapping[str, Any], file: Mapping[str, Any]) -> Document:
    """Return the facts of ``file`` for its document, when it is detached from the package ``item`` now."""
    return {**facts(item, file), 'removed': clock.now()}


def record(item: Mapping[str, Any], file: Mapping[str, Any]) -> None:
    """Record ``file``, of which no document is left when the package ``item`` gets another one."""
    FormerFile().collection.insert_one(of_detached(item, file))


def keep(file: Mapping[str, Any]) -> None:
    """Record what the document of ``file`` states, which is detached and about to be removed. Idempotent."""
    stated = file.get('spm', {}).get('facts')
    if stated:
        FormerFile().collection.replace_one({key: stated[key] for key in _IDENTITY}, stated, upsert=True)


def find(which: Document) -> Iterator[Document]:
    """Yield the facts that match the query ``which``, each once, also while they are being recorded."""
    found: set[tuple[Any, ...]] = set()
    detached = {keys.DETACHED: {'$exists': True}, **{f'{_FACTS}.{key}': value for key, value in which.items()}}
    for file in File().collection.find({_FACTS: {'$exists': True}, **detached}, {_FACTS: 1}):
        stated = file['spm']['facts']
        found.add(_identity(stated))
        yield stated
    for one in FormerFile().collection.find(which, {'_id': 0}):
        if _identity(one) not in found:
            yield one


def _identity(stated: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(stated.get(key) for key in _IDENTITY)


def record_deleted(items: Iterable[Mapping[str, Any]], files: Iterable[Mapping[str, Any]]) -> None:
    """Record those of ``files`` that belong to packages among ``items``, which the same transaction deletes."""
    packages = {item['_id']: item for item in items if 'kind' in item.get('spm', ())}
    found = [(packages[owner], file) for file in files if (owner := _owner(file)) in packages]
    if found:
        public = _public({item['folderId'] for item, _ in found})
        FormerFile().collection.insert_many([
            {**facts(item, file), 'removed': clock.now(), 'public': item['folderId'] in public}
            for item, file in found])


def _owner(file: Mapping[str, Any]) -> ObjectId | None:
    owner: ObjectId | None = file.get('itemId') or file.get('attachedToId')
    return owner


def _public(folders: Iterable[ObjectId]) -> set[ObjectId]:
    return {one['_id'] for one in Folder().collection.find({'_id': {'$in': list(folders)}, 'public': True}, {'_id': 1})}

