"""The registration of folders and items: what each of them is, stored in the document as ``spm``.

Users edit metadata. The registration is derived from the place of the document, and users cannot edit it. Queries and
unique indexes use ``spm``, so another item with the same metadata is no package. Girder's responses leave the key out.

On a folder: ``role``, ``app`` (id of the application), and for a release, a draft and their folder of
extensions ``channel`` (id of that release or draft), ``draft`` (bool), ``revision`` (of the application) and
``release`` (the release's name, else ``''``).
On an item: ``kind``, ``app``, ``channel``, ``draft``, ``release``, ``identity``, ``search`` and ``ready``; if it comes
from the MIDAS server, ``midas``; of an extension with a README, ``readme``.

A migration stores what an older server had beyond this as :data:`ORIGIN`: metadata that the registry has no key for, or
that it has changed, as ``meta``; and ``set_aside``, the reason why the document is no package or folder of packages
although it has the metadata and the place of one. Girder's responses leave this key out, too.
"""
from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from slicer_package_manager.registry.schema import metadata, name_templates, urls, validators
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE, PACKAGE_TYPES, PackageType
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import keys
from slicer_package_manager.registry.tree.types import ChannelFolder, PackageRegistration

#: Roles of folders, as they are stored in ``spm.role``: ``DRAFTS`` is the folder of all drafts, ``DRAFT`` one of them.
APPLICATION = 'application'
DRAFTS = 'draft'
RELEASE = 'release'
DRAFT = 'revision'
EXTENSIONS = 'extensions'
PACKAGES = 'packages'

CHANNELS = (RELEASE, DRAFT)
DRAFT_NAME = 'draft'
EXTENSIONS_NAME = 'extensions'
PACKAGES_NAME = 'packages'

#: Keys of a registration that do not follow from the place of the folder or item, see :mod:`types`.
KEPT = ('promoted', 'midas', 'readme')

#: The key of what a migration keeps of a folder or item.
ORIGIN = 'spmOrigin'

#: Projection of folders for responses: without the download counts that older servers stored in the metadata, which
#: a migration in place leaves there.
WITHOUT_EARLIER_COUNTS = {'meta.downloadStats': False, 'meta.downloadExtensions': False}

#: Folders whose names are fixed.
FIXED_NAMES = {DRAFTS: DRAFT_NAME, EXTENSIONS: EXTENSIONS_NAME, PACKAGES: PACKAGES_NAME}
_SHA512 = re.compile('[0-9a-f]{128}')
_TEMPLATES = {package_type.template: package_type for package_type in PACKAGE_TYPES.values()}


def role(folder: Mapping[str, Any] | None) -> str | None:
    """The role of ``folder`` in an application; ``None`` for any other folder."""
    found: str | None = ((folder or {}).get('spm') or {}).get('role')
    return found


def is_set_aside(document: Mapping[str, Any]) -> bool:
    """Whether a migration has left ``document``, a folder or item, out of the registry, see :data:`ORIGIN`."""
    return 'set_aside' in document.get(ORIGIN, ())


def is_package(item: Mapping[str, Any]) -> bool:
    """Whether ``item``, in the folder of a release or draft, is a package, or is meant as one by its metadata."""
    return 'spm' in item or (metadata.is_package(item.get('meta', {})) and not is_set_aside(item))


def is_of_channel(folder: Mapping[str, Any] | None) -> TypeGuard[ChannelFolder]:
    """Whether ``folder`` is that of a release or draft, or of its extensions."""
    return role(folder) in (*CHANNELS, EXTENSIONS)


def package_type_in(folder: Mapping[str, Any] | None) -> PackageType | None:
    """The type of the packages directly in ``folder``; ``None`` where none does."""
    place = role(folder)
    if place in CHANNELS:
        return PACKAGE
    return EXTENSION if place == EXTENSIONS else None


def of_folder(folder: Mapping[str, Any], parent: Mapping[str, Any] | None) -> Document | None:
    """The registration that follows from the place of ``folder`` in ``parent``; ``None`` if it has none."""
    if is_set_aside(folder):
        return None
    if folder['parentCollection'] == 'collection':
        return {'role': PACKAGES} if folder['name'] == PACKAGES_NAME else None
    makers: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Document | None]] = {
        PACKAGES: _application, APPLICATION: _in_application, DRAFTS: _revision,
              RELEASE: _in_channel, DRAFT: _in_channel}
    maker = makers.get(role(parent) or '')
    return maker(folder, parent) if maker and parent else None


def _application(folder: Mapping[str, Any], _parent: Mapping[str, Any]) -> Document | None:
    is_one = role(folder) == APPLICATION or any(key in folder.get('meta', {}) for key in _TEMPLATES)
    return {'role': APPLICATION, 'app': folder.get('_id')} if is_one else None


def _in_application(folder: Mapping[str, Any], parent: Mapping[str, Any]) -> Document | None:
    app = parent['spm']['app']
    if folder['name'] == DRAFT_NAME:
        return {'role': DRAFTS, 'app': app}
    if 'revision' not in folder.get('meta', {}) and role(folder) != RELEASE:
        return None
    return {'role': RELEASE, 'app': app, 'channel': folder.get('_id'), 'draft': False,
            'revision': folder['meta'].get('revision'), 'release': folder['name']}


def _revision(folder: Mapping[str, Any], parent: Mapping[str, Any]) -> Document:
    return {'role': DRAFT, 'app': parent['spm']['app'], 'channel': folder.get('_id'), 'draft': True,
            'revision': folder.get('meta', {}).get('revision', folder['name']), 'release': ''}


def _in_channel(folder: Mapping[str, Any], parent: Mapping[str, Any]) -> Document | None:
    if folder['name'] != EXTENSIONS_NAME:
        return None
    return {**of_place(parent['spm']), 'role': EXTENSIONS}


def kept(before: Mapping[str, Any]) -> Document:
    """What a new registration takes over from the one ``before``."""
    return {key: before[key] for key in KEPT if key in before}


def of_place(place: Mapping[str, Any]) -> Document:
    """The registration ``place`` of a folder without the keys that do not follow from its place."""
    return {key: value for key, value in place.items() if key not in KEPT}


def check_folder(folder: Document) -> None:
    """Validate the name and metadata of a registered folder.

    :raises Invalid: naming everything that is wrong.
    """
    place = role(folder)
    folder['description'] = urls.without_credentials(folder.get('description') or '')
    meta = folder['meta'] = urls.without_credentials_in(folder.get('meta', {}))
    problems: list[tuple[str, str]] = []
    if place == APPLICATION:
        problems = [(key, wrong) for key, package_type in _TEMPLATES.items() if key in meta
                    and (wrong := name_templates.problem(meta[key], package_type))]
    elif place in CHANNELS:
        problems = _channel_problems(folder, meta)
    try:
        kept = validators.name(folder['name']) if place != RELEASE else release_name(folder['name'])
        wrong = None if kept == folder['name'] else 'must be on one line'
    except ValueError as error:
        wrong = str(error)
    if wrong:
        problems.append(('name', wrong))
    if problems:
        raise Invalid(problems)


def release_name(value: object) -> str:
    """The rule for names of releases."""
    name = validators.name(value)
    if name.lower() in (DRAFT_NAME, EXTENSIONS_NAME):
        raise ValueError(f'"{name}" has a meaning of its own; choose another name')
    return name


def _channel_problems(folder: Document, meta: Document) -> list[tuple[str, str]]:
    if role(folder) == DRAFT:
        meta.setdefault('revision', folder['name'])
    try:
        meta['revision'] = folder['spm']['revision'] = validators.name(meta.get('revision'))
    except ValueError as error:
        return [('revision', str(error))]
    problems = [] if meta['revision'] else [('revision', 'must not be empty')]
    try:
        if 'ready' in meta:
            meta['ready'] = validators.boolean(meta['ready'])
    except ValueError as error:
        problems.append(('ready', f'{error}; remove the key to let the setting decide'))
    return problems


def fixed_name_problem(before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    """Why a folder with a fixed name or place must not become ``after``; ``None`` if it may."""
    fixed = FIXED_NAMES.get(role(before) or '')
    if fixed and (after['name'] != fixed or after['parentId'] != before['parentId']):
        return (f'The folder "{fixed}" keeps its name and place; it belongs to the structure of the packages. '
                'Move or delete what is in it instead.')
    return None


def identity(package_type: PackageType, meta: Mapping[str, Any]) -> str:
    """The identity of a package in its folder, as one text."""
    return json.dumps([meta.get(key) for key in package_type.identity], ensure_ascii=False)


def search_text(meta: Mapping[str, Any]) -> str:
    """The text that a search matches, case-folded, with a line break between its parts."""
    return '\n'.join(str(meta.get(key, '')) for key in
                     ('baseName', 'description', 'keywords', 'contributors')).casefold()


def of_item(package_type: PackageType, folder: ChannelFolder, meta: Mapping[str, Any], *,
            has_file: bool) -> PackageRegistration:
    """The registration of a package of ``package_type`` with ``meta`` in ``folder``, with a file if ``has_file``."""
    place = folder['spm']
    return {'kind': package_type.label, 'app': place['app'], 'channel': place['channel'], 'draft': place['draft'],
            'release': place['release'], 'identity': identity(package_type, meta),
            'search': search_text(meta), 'ready': has_file}


def place_values(package_type: PackageType, folder: Mapping[str, Any]) -> Document:
    """The metadata that follows from the folder: ``app_id``, and ``release`` of a package in a release."""
    found = {'app_id': str(folder['spm']['app'])}
    if package_type is PACKAGE and folder['spm']['release']:
        found['release'] = folder['spm']['release']
    return found


def place_update(package_type: PackageType, folder: Mapping[str, Any]) -> dict[str, Document]:
    """The update of packages of ``package_type`` that are in ``folder`` now, and were in another place of packages."""
    values, place = place_values(package_type, folder), folder['spm']
    changed = {keys.APP: place['app'], keys.CHANNEL: place['channel'], keys.DRAFT: place['draft'],
               keys.RELEASE: place['release'], **{f'meta.{key}': value for key, value in values.items()}}
    removed = {} if package_type is not PACKAGE or 'release' in values else {'$unset': {'meta.release': ''}}
    return {'$set': changed, **removed}


def checked_meta(package_type: PackageType, folder: Mapping[str, Any], given: Mapping[str, Any]) -> Document:
    """Return the complete, validated metadata of a package in ``folder`` for which users gave ``given``.

    ``sha512`` is that of ``given``; :func:`item_files.settle` updates it.

    :raises Invalid: naming everything that is wrong.
    """
    kept, _, problems = metadata.clean(package_type, given)
    wrong = {key for key, _ in problems}
    problems += [(key, what) for key, what in metadata.missing(package_type, kept) if key not in wrong]
    if problems:
        raise Invalid(problems)
    sha512 = given.get('sha512')
    return {**kept, **metadata.defaults(package_type, kept), **place_values(package_type, folder),
            'sha512': sha512 if isinstance(sha512, str) and _SHA512.fullmatch(sha512) else ''}
