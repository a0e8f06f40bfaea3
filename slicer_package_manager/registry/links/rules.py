"""Files that are hosted elsewhere: which URLs are allowed, and the file that stands for one."""
from __future__ import annotations

import mimetypes
import re
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from bson.objectid import ObjectId
from girder.models.file import File

from slicer_package_manager.registry.schema import validators
from slicer_package_manager.registry.schema.errors import Forbidden, Invalid
from slicer_package_manager.registry.server import settings
from slicer_package_manager.registry.tree import documents, item_files

URL_BYTES = 4096
_PRINTABLE = re.compile(r'[!-~]+')
_NO_URL = re.compile(r'[<>"\\^`{}|]')
_LARGEST = 2**53
#: Origins such as ``http://127.0.0.1:8123`` that tests may link to and fetch from. No setting reaches this, and
#: nothing but a test adds to it.
TEST_ORIGINS: set[str] = set()
#: What a form can say about a file that is hosted elsewhere.
FIELDS = {
    'url': 'Where the file of a URL-only package is: https, on a host that the setting '
           'slicer_package_manager.link_hosts allows.',
    'file_name': 'Name of that file; by default the last part of the path of the URL.',
    'size': 'Size of that file in bytes.',
    'sha512': 'SHA-512 of that file, 128 hexadecimal digits.',
}


class Link(NamedTuple):
    """A file that is hosted elsewhere; ``size`` in bytes and ``sha512`` are ``None`` where unknown."""

    url: str
    name: str
    size: int | None
    sha512: str | None


def url_problem(url: str, hosts) -> str | None:
    """Why ``url`` must not be linked to; ``None`` if it may.

    :param hosts: names and ``*.`` patterns of the hosts that may.
    """
    if is_test_origin(url):
        return None
    if not _PRINTABLE.fullmatch(url) or _NO_URL.search(url):
        return 'must be made of the printable ASCII characters that URLs may have'
    if len(url) > URL_BYTES:
        return f'is longer than {URL_BYTES // 1024} KiB'
    if '#' in url:
        return 'must not have a fragment'
    try:
        return _parts_problem(urlsplit(url), hosts)
    except ValueError:
        return 'is no URL'


def is_test_origin(url: str) -> bool:
    """Whether ``url`` is one that a test set up."""
    return bool(TEST_ORIGINS) and '/'.join(url.split('/')[:3]) in TEST_ORIGINS


def _parts_problem(parts, hosts):
    host = parts.hostname or ''
    rules = (
        (parts.scheme == 'https', 'must start with https://'),
        (parts.netloc.lower() in (host, f'{host}:443') and parts.port in (None, 443),
         'must not have a user, a password or a port'),
        (settings.host_matches(host, hosts),
         f'is on the host "{validators.shortened(host)}", which an administrator has not allowed'),
    )
    return next((wrong for good, wrong in rules if not good), None)


def require_allowed(url: str, hosts) -> None:
    """Refuse ``url`` if it may not, or no longer, be linked to.

    :param hosts: the value of the setting that tells which hosts may.
    :raises Forbidden: it may not; the message names the setting.
    """
    wrong = url_problem(url, hosts)
    if wrong:
        raise Forbidden(f'The file of this package is hosted elsewhere and cannot be delivered: its URL {wrong} '
                        f'(see the setting {settings.LINK_HOSTS}).')


def check_file(file) -> None:
    """Refuse a link file of a package, which is about to be saved by whatever call, if its URL is not allowed.

    :raises Invalid: it is not.
    """
    wrong = url_problem((file['linkUrl'] or '').strip(), settings.get(settings.LINK_HOSTS))
    if wrong:
        raise Invalid([('linkUrl', f'{wrong} (setting {settings.LINK_HOSTS})')])


def parse(form) -> tuple[Link | None, list[tuple[str, str]]]:
    """The link that ``form`` describes, if any, and what is wrong with it."""
    given = {key: form[key] for key in FIELDS if form.get(key) not in (None, '')}
    if not given:
        return None, []
    if 'url' not in given:
        return None, [(key, 'is only for URL-only packages; give url too') for key in given]
    kept: dict[str, Any] = {'size': None, 'sha512': None}
    problems = []
    rules = {'url': _url, 'file_name': validators.file_name, 'size': _size, 'sha512': validators.sha512}
    for key, value in {'file_name': _last_part(given['url']), **given}.items():
        try:
            kept[key] = rules[key](value)
        except ValueError as error:
            problems.append((key, str(error)))
    if problems:
        return None, problems
    return Link(kept['url'], kept['file_name'], kept['size'], kept['sha512']), []


def _url(value):
    wrong = url_problem(value, settings.get(settings.LINK_HOSTS))
    if wrong:
        raise ValueError(f'{wrong} (setting {settings.LINK_HOSTS})')
    return value


def _last_part(url):
    try:
        return unquote(urlsplit(url).path.rsplit('/', 1)[-1], errors='strict')
    except ValueError:
        return ''


def _size(value):
    text = str(value)
    if not re.fullmatch('[0-9]{1,16}', text) or int(text) > _LARGEST:
        raise ValueError(f'"{validators.shortened(text)}" is no number of bytes')
    return int(text)


def put(item, link: Link, user) -> None:
    """Make ``link`` the file of ``item``: as a new file, or in place of what another link file said.

    Nothing is written if it is the file already.
    """
    done = False
    while not done:
        file = item_files.current(item)
        done = _change(item, file, link) if file and file.get('linkUrl') else _create(item, link, user)


def _facts(link):
    guessed, _ = mimetypes.guess_type(link.name)
    return {'linkUrl': link.url, 'name': link.name, 'size': link.size, 'sha512': link.sha512,
            'mimeType': guessed or 'application/octet-stream',
            'exts': [extension.lower() for extension in link.name.split('.')[1:]]}


def _create(item, link, user) -> bool:
    here = {'itemId': item['_id']}
    facts = {key: value for key, value in _facts(link).items() if value is not None}
    created = item_files.later_than(File().find(here, fields=['created']))
    documents.insert(File(), {'_id': ObjectId(), 'created': created, 'creatorId': user['_id'], **here,
                              'assetstoreId': None, **facts}, 'after')
    return True


def _change(item, file, link) -> bool:
    """Have ``file`` be ``link``; whether it still was the link that it was when it was read."""
    facts = _facts(link)
    if all(file.get(key) == value for key, value in facts.items()):
        return True
    known = {key: value for key, value in facts.items() if value is not None}
    unknown = {key: '' for key, value in facts.items() if value is None} | {'spm.digest': ''}
    changed = File().collection.update_one(
        {key: file.get(key) for key in ('_id', 'itemId', 'created', 'linkUrl', 'assetstoreId')},
        {'$set': {**known, 'created': item_files.later_than([file])}, '$unset': unknown})
    item_files.settle(item)
    return changed.matched_count == 1
