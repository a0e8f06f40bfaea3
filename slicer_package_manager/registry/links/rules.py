"""Packages whose file is hosted elsewhere: the link in a form, and the file document that stands for it."""
from __future__ import annotations

import mimetypes
import re
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from bson.objectid import ObjectId
from girder.models.file import File

from slicer_package_manager.registry.links import policy
from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Forbidden, Invalid
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.schema.validators import Input, clean_all
from slicer_package_manager.registry.server import settings
from slicer_package_manager.registry.tree import builds, documents, file_names, item_files, keys
from slicer_package_manager.registry.tree.types import PackageItem, StoredFile, UserDocument

_LARGEST = 2**53
#: Fields of a form that describe a link.
FIELDS = {
    'url': 'Where the file of a URL-only package is: https, on a host that the setting '
           'slicer_package_manager.link_hosts allows.',
    'file_name': 'Name of that file; by default the last part of the path of the URL.',
    'size': 'Size of that file in bytes.',
    'sha512': 'SHA-512 of that file, 128 hexadecimal digits.',
}


class Link(NamedTuple):
    """A file that is hosted elsewhere; ``size`` in bytes and ``sha512`` are ``None`` if unknown."""

    url: str
    name: str
    size: int | None
    sha512: str | None


def require_allowed(url: str, hosts: Collection[str]) -> None:
    """Refuse ``url`` if it is not, or no longer, allowed as a link.

    :param hosts: the allowed hosts, as in the setting.
    :raises Forbidden: it is not; the message names the setting.
    """
    wrong = policy.current().problem(url, hosts)
    if wrong:
        raise Forbidden(f'The file of this package is hosted elsewhere and cannot be delivered: its URL {wrong} '
                        f'(see the setting {settings.LINK_HOSTS}).')


def check_file(file: Document) -> None:
    """Check the URL of a link file before it is saved, by whichever call.

    :raises Invalid: the URL is not allowed.
    """
    clean_all(linkUrl=Input((file['linkUrl'] or '').strip(), _url))


def parse(form: Mapping[str, Any]) -> tuple[Link | None, list[tuple[str, str]]]:
    """Return the link that ``form`` describes, if any, and its problems as pairs of field and text.

    :param form: values of a request, of which those of :data:`FIELDS` count.
    """
    given = {key: form[key] for key in FIELDS if form.get(key) not in (None, '')}
    if not given:
        return None, []
    if 'url' not in given:
        return None, [(key, 'is only for URL-only packages; give url too') for key in given]
    values = {'file_name': _last_part(given['url']), **given}
    try:
        parsed = clean_all(**{key: Input(value, _PARSERS[key], required=False) for key, value in values.items()})
    except Invalid as error:
        return None, error.problems
    return Link(parsed['url'], parsed['file_name'], parsed.get('size'), parsed.get('sha512')), []


def _url(value: str) -> str:
    wrong = policy.current().problem(value, settings.get(settings.LINK_HOSTS))
    if wrong:
        raise ValueError(f'{wrong} (setting {settings.LINK_HOSTS})')
    return value


def _last_part(url: str) -> str:
    try:
        return unquote(urlsplit(url).path.rsplit('/', 1)[-1], errors='strict')
    except ValueError:
        return ''


def _size(value: Any) -> int:
    text = str(value)
    if not re.fullmatch('[0-9]{1,16}', text) or int(text) > _LARGEST:
        raise ValueError(f'"{validators.shortened(text)}" is no number of bytes')
    return int(text)


_PARSERS: dict[str, Callable[[Any], Any]] = {
    'url': _url, 'file_name': validators.file_name, 'size': _size, 'sha512': validators.sha512}


def put(item: PackageItem, link: Link, user: UserDocument | None) -> None:
    """Make ``link`` the file of ``item``: create a file, or change the link file that it has.

    Nothing is written if the file already has these values.
    """
    package = item_files.with_files({'itemId': item['_id']})
    if package:
        item_files.change(package, partial(_put, _file_fields(link), user))


def _put(fields: Document, user: UserDocument | None, package: item_files.Package | None) -> None:
    file = package and package.current
    is_link = file and file.get('linkUrl')
    if package is None or (file and is_link and _is_same(file, fields)):
        return
    if file and is_link:
        _change(package, file, fields)
    else:
        _create(package, fields, user)


def _is_same(file: StoredFile, fields: Document) -> bool:
    """Whether ``file`` has these values, and is known to be of the current run if there is one."""
    return (all(file.get(key) == value for key, value in fields.items())
            and builds.current() in (None, builds.of_file(file)))


def _file_fields(link: Link) -> Document:
    guessed, _ = mimetypes.guess_type(link.name)
    return {'linkUrl': link.url, 'size': link.size, 'sha512': link.sha512,
            'mimeType': guessed or 'application/octet-stream', **file_names.named(link.name)}


def _create(package: item_files.Package, fields: Document, user: UserDocument | None) -> None:
    file: Any = {'_id': ObjectId(), 'created': item_files.later_than(package.files), 'creatorId': user and user['_id'],
                 'itemId': package.item['_id'], 'assetstoreId': None,
                 **{key: value for key, value in fields.items() if value is not None},
                 **builds.registered(builds.current())}
    item_files.update_item(package.item, [*package.files, file])
    documents.insert(File(), file, 'after')


def _change(package: item_files.Package, file: StoredFile, fields: Document) -> None:
    known = {key: value for key, value in fields.items() if value is not None}
    known['created'] = item_files.later_than([file])
    changed: Any = {**file, **fields, **known}
    item_files.update_item(package.item, [changed if one is file else one for one in package.files])
    build = builds.current()
    unknown = {key: '' for key, value in fields.items() if value is None} | {keys.DIGEST: '', keys.LINK_CHECK: ''}
    if build:
        known[keys.BUILD] = build
    else:
        unknown[keys.BUILD] = ''
    File().collection.update_one({'_id': file['_id']}, {'$set': known, '$unset': unknown})
