"""Aliases: which document of this server stands for a number of the former MIDAS server.

The import of MIDAS data records them (:func:`record`), and the old addresses look them up (:func:`find`). They are kept
for good:

1. An alias names documents that exist. Those of a folder are folders: a release, a draft or an application. Those of
   all other kinds are items: packages, extensions, and plain items for what is not listed, such as an old revision.
2. When a document is deleted, its aliases forget it in the same transaction (:func:`forget`), and stay.
3. An alias without documents stands for what was there, and is not here any more. Its addresses respond with 410, or
   with a redirect if it has a URL.
"""
from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from bson.objectid import ObjectId
from pymongo import ASCENDING, IndexModel, InsertOne, UpdateMany, UpdateOne

from slicer_package_manager.registry.links import policy
from slicer_package_manager.registry.midas.numbers import Kind, spelled
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import data_version, settings, transactions

#: How many aliases are stored by one command.
_BATCH = 1000


class AliasModel(transactions.TransactionalModel):
    """Aliases in the collection ``slicer_package_alias``.

    A document has ``kind`` and ``value``, see :class:`Alias`, ``targets`` (ids), ``name`` and ``url``, and if documents
    that it stood for were deleted, their ids as ``former``. Responses depend on aliases, so that writes bump the data
    version.
    """

    stored_in = 'slicer_package_alias'

    def reconnect(self) -> None:
        """Connect to the database."""
        super().reconnect()
        transactions.join(self, data_version.Watched)


INDEXES = [
    IndexModel([('kind', ASCENDING), ('value', ASCENDING)], name='spm_alias', unique=True),
    IndexModel([('targets', ASCENDING)], name='spm_alias_targets'),
    IndexModel([('former', ASCENDING)], name='spm_alias_former', partialFilterExpression={'former': {'$exists': True}}),
]


class Alias(NamedTuple):
    """What a number of MIDAS, or a checksum, stands for.

    :param value: the number in decimal, ``77,2`` for revision 2 of the item 77, or the MD5 checksum in hexadecimal.
    :param targets: ids of items, or of folders if ``kind`` is ``FOLDER``. A file may be in several items, so a checksum
        may have several. None: what it stood for is gone.
    :param name: what it was called. It is shown to everyone when it is gone, so leave it empty for private data.
    :param url: where what is gone can be found now, see :func:`record`; ``None`` if that is to stay as it is stored.
    """

    kind: Kind
    value: str
    targets: tuple[ObjectId, ...] = ()
    name: str = ''
    url: str | None = ''

    @property
    def is_gone(self) -> bool:
        """Whether this server has nothing that it stands for."""
        return not self.targets

    def document(self) -> Document:
        """Return the document that stores it."""
        return {**self._asdict(), 'kind': self.kind.value, 'targets': list(self.targets)}


def of_document(found: Document) -> Alias:
    """Return the alias that the document ``found`` stores."""
    return Alias(Kind(found['kind']), found['value'], tuple(found['targets']), found['name'], found['url'])


def find(kind: Kind, value: str) -> Alias | None:
    """Return the alias of ``value``, a number or checksum in any usual spelling; ``None`` if there is none."""
    wanted = spelled(kind, value)
    found = wanted and AliasModel().collection.find_one({'kind': kind.value, 'value': wanted})
    return of_document(found) if found else None


def record(aliases: Iterable[Alias]) -> int:
    """Store ``aliases``, in the place of those with the same kind and value. May be repeated at any time.

    The targets must exist. Targets of a checksum are added to those that it has. Each URL must be allowed as a link,
    see the setting ``slicer_package_manager.link_hosts``.

    :returns: how many were new or different. If none was, nothing is written.
    :raises Invalid: a value is no number or checksum, or a URL is not allowed; the batches before are stored.
    :raises pymongo.errors.PyMongoError: the database does not accept it; the same call again stores the rest.
    """
    hosts, rows = settings.get(settings.LINK_HOSTS), iter(aliases)
    return sum(map(_store, iter(lambda: [_checked(one, hosts) for one in islice(rows, _BATCH)], [])))


def _checked(alias: Alias, hosts: Collection[str]) -> Alias:
    value = spelled(alias.kind, alias.value)
    if value is None:
        raise Invalid([(alias.kind.value, f'"{validators.shortened(alias.value)}" is no number or checksum of MIDAS')])
    url = alias.url or ''
    wrong = policy.current().problem(url, hosts) if url else None
    if wrong:
        raise Invalid([('url', f'"{validators.shortened(url)}" {wrong} (see the setting {settings.LINK_HOSTS})')])
    return alias._replace(value=value, name=validators.name(alias.name))


def _store(batch: list[Alias]) -> int:
    stored = {(one.kind, one.value): one for one in _stored(batch)}
    wanted = dict(stored)
    for alias in batch:
        key = alias.kind, alias.value
        wanted[key] = _merged(wanted.get(key), alias)
    changed = [alias for key, alias in wanted.items() if stored.get(key) != alias]
    if changed:
        AliasModel().collection.bulk_write([
            _write(one, is_new=(one.kind, one.value) not in stored) for one in changed], ordered=False)
    return len(changed)


def _write(alias: Alias, *, is_new: bool) -> InsertOne[Document] | UpdateOne:
    if is_new:  # several times as fast as an update
        return InsertOne(alias.document())
    return UpdateOne({'kind': alias.kind.value, 'value': alias.value}, {'$set': alias.document()})


def _stored(batch: Iterable[Alias]) -> Iterator[Alias]:
    values: dict[str, list[str]] = {}
    for alias in batch:
        values.setdefault(alias.kind.value, []).append(alias.value)
    either = [{'kind': kind, 'value': {'$in': found}} for kind, found in values.items()]
    return map(of_document, AliasModel().collection.find({'$or': either}, batch_size=_BATCH))


def _merged(before: Alias | None, alias: Alias) -> Alias:
    stored = before or Alias(alias.kind, alias.value)
    targets = (*stored.targets, *alias.targets) if alias.kind is Kind.MD5 else alias.targets
    return alias._replace(targets=tuple(dict.fromkeys(targets)), url=stored.url if alias.url is None else alias.url)


def forget(targets: Collection[ObjectId]) -> None:
    """Remove the documents with the ids ``targets``, which are deleted, from their aliases, by one command."""
    if targets:
        AliasModel().collection.bulk_write([
            UpdateMany({'targets': one}, {'$pull': {'targets': one}, '$addToSet': {'former': one}}) for one in targets])


def dangling() -> Iterator[tuple[Alias, list[ObjectId]]]:
    """Yield each alias that names documents which do not exist, with their ids."""
    for found in AliasModel().collection.aggregate([
            {'$match': {'targets.0': {'$exists': True}}}, _existing('item'), _existing('folder')], batchSize=_BATCH):
        alias = of_document(found)
        there = {one['_id'] for one in found['folder' if alias.kind is Kind.FOLDER else 'item']}
        missing = [target for target in alias.targets if target not in there]
        if missing:
            yield alias, missing


def _existing(collection: str) -> dict[str, Any]:
    return {'$lookup': {'from': collection, 'localField': 'targets', 'foreignField': '_id', 'as': collection}}
