"""The JSON of MIDAS, in which every value is a text: pure rules, from an item and its file."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, TypeAlias

from slicer_package_manager.registry.catalog.midas_lists import Row
from slicer_package_manager.registry.midas import facts
from slicer_package_manager.registry.midas.targets import Target

Entry: TypeAlias = dict[str, Any]  # of texts, and lists of such

#: Keys of an extension that have the same name here and there.
_SAME = ('arch', 'os', 'category', 'contributors', 'icon_url', 'homepage', 'repository_type', 'repository_url',
         'revision', 'screenshots')
_EXAMPLES = 'Examples'
#: Not a filter.
ANY = ('', 'any')


def text(value: object) -> str:
    """The text of a value: empty if it is missing, ``1`` or ``0`` for true or false."""
    if value is None:
        return ''
    return str(int(value)) if isinstance(value, bool) else str(value)


def moment(value: datetime) -> str:
    """A time as MIDAS writes it, here in UTC."""
    utc = value.astimezone(timezone.utc) if value.tzinfo else value
    return f'{utc:%Y-%m-%d %H:%M:%S}'


def extension(row: Row) -> Entry:
    """The entry of an extension in ``extension.list``."""
    item, meta, identifier = row.item, row.item['meta'], str(row.item['_id'])
    return {
        'extension_id': identifier, 'item_id': identifier, 'bitstream_id': identifier,
        **{key: text(meta.get(key)) for key in _SAME},
        **_of_midas(row, 'archive'), 'release': text(item['spm']['release']),
        'development_status': text(meta.get('development_status')),
        'date_creation': moment(item['created']), 'description': text(meta.get('description')),
        'enabled': text(meta.get('enabled', True)), 'name': text(row.file.get('name')),
        'productname': text(meta.get('baseName')), 'slicer_revision': text(meta.get('app_revision')),
        'md5': _md5(row), 'size': text(row.file.get('size'))}


def _of_midas(row: Row, packagetype: str) -> Entry:
    """What only MIDAS stated. All builds of this server come from build machines, as its nightly ones did."""
    known = facts.of(row.item, row.file)
    return {'submissiontype': known.get('submissiontype', 'nightly'),
            'package': known.get('packagetype', packagetype), 'codebase': known.get('codebase', '')}


def package(row: Row) -> Entry:
    """The entry of a package in ``package.list``."""
    item, meta, identifier = row.item, row.item['meta'], str(row.item['_id'])
    checkout = facts.of(item, row.file).get('checkoutdate', '')
    return {
        'package_id': identifier, 'item_id': identifier,
        **{key: text(meta.get(key)) for key in ('os', 'arch', 'revision')},
        **_of_midas(row, 'installer'), 'release': text(item['spm']['release']),
        'name': text(row.file.get('name')), 'productname': text(meta.get('baseName')),
        'checkoutdate': checkout, 'date_creation': moment(item['created']),
        'bitstreams': [_short_bitstream(row)]}


def _md5(row: Row | Target) -> str:
    return facts.of(row.item, row.file or {}).get('md5', '')


def _short_bitstream(row: Row | Target) -> Entry:
    file = row.file or {}
    return {'bitstream_id': str(row.item['_id']), 'name': text(file.get('name')), 'md5': _md5(row),
            'size': text(file.get('size'))}


def bitstream(target: Target) -> Entry:
    """The file of an item, for ``bitstream.get``."""
    file = target.file or {}
    return {**_short_bitstream(target), 'item_id': str(target.item['_id']), 'sizebytes': text(file.get('size')),
            'checksum': _md5(target), 'mimetype': text(file.get('mimeType')), 'date': moment(file['created'])}


def item(target: Target, downloads: int) -> Entry:
    """An item with its one revision, for ``item.get``."""
    found, identifier = target.item, str(target.item['_id'])
    revision = {'itemrevision_id': identifier, 'item_id': identifier, 'revision': '1',
                'date': moment(found['updated']), 'changes': '', 'bitstreams': [bitstream(target)]}
    return {
        'item_id': identifier, 'name': text(found['name']), 'description': text(found.get('description')), 'type': '0',
        'date_creation': moment(found['created']), 'date_update': moment(found['updated']), 'view': '0',
        'download': str(downloads), 'sizebytes': text((target.file or {}).get('size')),
        'privacy_status': '0' if target.folder.get('public') else '2', 'folder_id': str(found['folderId']),
        'revisions': [revision]}


def matching(entries: Iterable[Entry], given: Mapping[str, str]) -> list[Entry]:
    """The entries whose texts are as ``given`` asks: ``category`` by its beginning, ``search`` in name or description.

    Examples are left out of lists that name neither a category nor an extension.
    """
    wanted = {key: value for key, value in given.items() if value not in ANY}
    category, words = wanted.pop('category', ''), wanted.pop('search', '').casefold()
    named = category or 'productname' in wanted
    exact = {_KEYS.get(key, key): value for key, value in wanted.items()}
    return [one for one in entries
            if all(one.get(key, '') == value for key, value in exact.items())
            and one.get('category', '').startswith(category)
            and words in f'{one["productname"]}\n{one.get("description", "")}'.casefold()
            and (named or not _is_example(one.get('category', '')))]


#: Parameters with another name than the key of the entries.
_KEYS = {'packagetype': 'package'}


def _is_example(category: str) -> bool:
    return category.partition('.')[0] == _EXAMPLES


def one_of_each(rows: Iterable[Row]) -> list[Row]:
    """At most one extension for name, revision of Slicer, system and architecture.

    One in a release comes before one in a draft, and the newer one of two: ``rows`` are newest first.
    """
    found: dict[tuple[str, ...], Row] = {}
    for row in rows:
        key = tuple(text(row.item['meta'].get(name)) for name in ('baseName', 'app_revision', 'os', 'arch'))
        other = found.get(key)
        if other is None or (other.item['spm']['draft'] and not row.item['spm']['draft']):
            found[key] = row
    return list(found.values())
