"""The shape of documents of a source: what all other code relies on, whatever an older server or a script has stored.

1. A document without a usable id or place is of no use: :attr:`Shaped.problem` states why.
2. A value that cannot be read is replaced by what follows from others, or removed. :attr:`Shaped.changes` states it.
3. Numbers and dates that neither JSON nor Girder can represent become texts; see :mod:`values`.

A document that is as it should be is returned unchanged.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from slicer_package_manager.migration.rules import counts, values
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree.registration import DRAFT_NAME, ORIGIN

#: What a folder can be in.
PLACES = ('folder', 'collection', 'user')
_DATED = ('user', 'group', 'collection', 'folder', 'item', 'file')
_UPDATED = ('collection', 'folder', 'item', 'group')
_NAMED = ('group', 'collection', 'folder', 'item')
_WITH_META = ('collection', 'folder', 'item')


class Shaped(NamedTuple):
    """A document in its shape.

    :param changes: by field, a sentence for the report; ``''`` if the value means the same as before.
    :param problem: why it cannot be used; ``None`` if it can.
    """

    document: Document
    changes: dict[str, str]
    problem: str | None = None


def shaped(kind: str, given: Mapping[str, Any]) -> Shaped:
    """Return the document ``given`` of ``kind`` in the shape that other code relies on."""
    found = Shaped(dict(given), {})
    if not is_id(given.get('_id')) and kind not in ('token', 'setting'):
        return found._replace(problem='its _id is no id of Girder')
    if kind == 'folder' and (given.get('parentCollection') not in PLACES or not is_id(given.get('parentId'))):
        return found._replace(problem='it states no folder, collection or user that it is in')
    _plain(found)
    _registration(found)
    for of, mend in ((_DATED, _dates), (_NAMED, _name), (_WITH_META, _meta), (('file',), _file), (('user',), _user)):
        if kind in of:
            mend(found)
    _access(found)
    return found


def as_release(found: Shaped) -> Shaped:
    """A folder in an application with a revision: the older server lists each as a release, also one without."""
    folder = found.document
    if not found.problem and folder['name'] != DRAFT_NAME and 'revision' not in folder['meta']:
        folder['meta'] = {**folder['meta'], 'revision': folder['name']}
        found.changes['meta.revision'] = f'meta.revision: was missing, now "{folder["name"]}"'
    return found


def is_id(value: object) -> bool:
    """Whether ``value`` is an ``ObjectId``, which these rules do not import."""
    return hasattr(value, 'generation_time')


def _put(found: Shaped, key: str, value: Any, sentence: str) -> None:
    if key not in found.document or found.document[key] is not value:
        found.document[key] = value
        found.changes[key] = sentence


def _was(value: object) -> str:
    return 'was missing' if value is None else f'"{values.printable(value)}" was replaced'


def _plain(found: Shaped) -> None:
    """Replace what has no representation elsewhere, and references that are none."""
    for key, value in list(found.document.items()):
        if key.endswith('Id') and isinstance(value, (dict, list)):
            _put(found, key, None, f'{key}: "{values.printable(value)}" was cleared')
        elif key not in ('meta', 'created', 'updated'):
            _put(found, key, values.plain(value), f'{key}: what cannot be represented was replaced')


def _dates(found: Shaped) -> None:
    created = _date(found, 'created', found.document['_id'].generation_time)
    if 'updated' in found.document or 'folderId' in found.document or 'parentId' in found.document:
        _date(found, 'updated', created)


def _date(found: Shaped, key: str, otherwise: datetime) -> datetime:
    value = found.document.get(key)
    if isinstance(value, datetime) and value.tzinfo:
        return value
    try:
        moment = validators.timestamp(value)
    except (ValueError, OverflowError):
        moment = otherwise
    _put(found, key, moment, f'{key}: {_was(value)}, now {moment:%Y-%m-%d}')
    return moment


def _name(found: Shaped) -> None:
    value = found.document.get('name')
    if isinstance(value, str) and value.strip():
        if not isinstance(found.document.get('lowerName', ''), str):
            _put(found, 'lowerName', value.lower(), '')
        return
    name = str(value) if isinstance(value, (int, float)) else str(found.document['_id'])
    _put(found, 'name', name, f'name: {_was(value)}, now "{name}"')
    _put(found, 'lowerName', name.lower(), '')


def _meta(found: Shaped) -> None:
    description = found.document.get('description')
    if not isinstance(description, str):
        _put(found, 'description', '', '' if description is None else f'description: {_was(description)}')
    meta = found.document.get('meta')
    if not isinstance(meta, dict):
        _put(found, 'meta', {}, '' if meta is None else f'meta: {_was(meta)}')
        return
    odd = {key: values.plain(value) for key, value in meta.items() if values.is_odd(value)}
    kept = {key: values.plain(value) for key, value in meta.items() if key not in odd}
    found.changes.update(_meta_changes(meta, kept))
    if odd:
        origin = found.document.get(ORIGIN, {})
        found.document[ORIGIN] = {**origin, 'meta': {**origin.get('meta', {}), **odd}}
    if odd or any(kept[key] is not meta[key] for key in kept):
        found.document['meta'] = kept


def _meta_changes(meta: Mapping[str, Any], kept: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The changes from ``meta`` to ``kept``, and the download counts that are none."""
    for key, value in meta.items():
        if key not in kept:
            yield f'meta.{key}', f'meta.{key}: "{value}" was moved out of the metadata'
        elif kept[key] is not value:
            yield f'meta.{key}', f'meta.{key}: what cannot be represented was replaced'
    for key in counts.STATS:
        wrong = [f'meta.{key}: the download count {path} is no number: "{values.printable(value)}"'
                 for path, value in counts.unusable(kept.get(key))]
        if wrong:
            yield f'meta.{key}', '; '.join(wrong)


def _file(found: Shaped) -> None:
    file = found.document
    name, digest, link = file.get('name'), file.get('sha512'), file.get('linkUrl')
    if not isinstance(name, str) or not name.strip():
        now = str(name) if isinstance(name, (int, float)) else 'file'
        _put(found, 'name', now, f'name: {_was(name)}, now "{now}"')
    if digest is not None:
        _digest(found, digest)
    if link is not None and not isinstance(link, str):
        _put(found, 'linkUrl', str(link), f'linkUrl: "{values.printable(link)}" is no URL')
    given = file.get('size')
    size = values.whole(given)
    if size is None and not link:
        file['size'] = None
        found.changes['size'] = f'size: {_was(given)}; it is that of its bytes'
    elif size != given or isinstance(given, (str, float)):
        _put(found, 'size', size, '' if size is not None else f'size: {_was(given)}')
    if not link and file.get('assetstoreId') and 'path' in file and not isinstance(file['path'], str):
        _put(found, 'path', '', f'path: {_was(file["path"])}')


def _digest(found: Shaped, digest: object) -> None:
    try:
        stated = validators.sha512(digest)
    except ValueError:
        stated = None
    if stated is None or not isinstance(digest, str):
        _put(found, 'sha512', None, f'sha512: "{values.printable(digest)}" is no checksum')
    elif stated != digest:
        _put(found, 'sha512', stated, '')


def _user(found: Shaped) -> None:
    user = found.document
    if not isinstance(user.get('login'), str) or not user['login']:
        login = f'user-{user["_id"]}'
        _put(found, 'login', login, f'login: {_was(user.get("login"))}, now "{login}"')
    if not isinstance(user.get('email'), str):
        _put(found, 'email', '', f'email: {_was(user.get("email"))}; enter the e-mail address of the user')
    for key in ('firstName', 'lastName'):
        if not isinstance(user.get(key), str):
            _put(found, key, '', '' if user.get(key) is None else f'{key}: {_was(user[key])}')
    if not isinstance(user.get('admin', False), bool):
        _put(found, 'admin', False, f'admin: {_was(user["admin"])}; the user is no administrator here')
    _list(found, 'groups', is_id)
    _list(found, 'groupInvites', lambda one: isinstance(one, dict))


def _list(found: Shaped, key: str, is_good: Callable[[Any], bool]) -> None:
    given = found.document.get(key)
    if given is not None and not (isinstance(given, list) and all(map(is_good, given))):
        kept = [one for one in given if is_good(one)] if isinstance(given, list) else []
        _put(found, key, kept, f'{key}: "{values.printable(given)}" was corrected')


def _access(found: Shaped) -> None:
    """Remove entries that grant nothing to anybody. Who is not understood has no access."""
    access = found.document.get('access')
    if access is None:
        return
    lists = access if isinstance(access, dict) else {}
    kept = {key: [one for one in lists[key] if _is_entry(one)] if isinstance(lists[key], list) else []
            for key in ('users', 'groups') if key in lists}
    if not isinstance(access, dict) or any(kept[key] != access[key] for key in kept):
        _put(found, 'access', {**lists, **kept}, 'access: entries without an account or a level were removed')


def _is_entry(value: object) -> bool:
    return isinstance(value, dict) and is_id(value.get('id')) and isinstance(value.get('level'), int)


def _registration(found: Shaped) -> None:
    """Remove what only this server writes, if it cannot have written it."""
    place, origin = found.document.get('spm', {}), found.document.get(ORIGIN, {})
    if not isinstance(place, dict) or not isinstance(place.get('role', ''), str):
        found.document.pop('spm')
        found.changes['spm'] = 'spm: was removed'
    if not isinstance(origin, dict) or not isinstance(origin.get('meta', {}), dict):
        found.document.pop(ORIGIN)
        found.changes[ORIGIN] = f'{ORIGIN}: was removed'
