"""The folders of an application: which role each has here, and which become one.

1. A folder has the role that follows from its place, see :mod:`registration`.
2. Of several folders with one role in one place, such as two of one draft, the oldest is kept. What is in the others
   goes into it. They stay as empty ordinary folders where nothing is copied.
3. Two releases of one revision, both with packages and with names of their own, both stay. The second one gets a
   revision of its own, and a person decides.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from slicer_package_manager.migration.notes import Note, Outcome
from slicer_package_manager.migration.rules import texts, values
from slicer_package_manager.registry.schema import name_templates, urls, validators
from slicer_package_manager.registry.schema.errors import Invalid
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import registration
from slicer_package_manager.registry.tree.registration import APPLICATION, CHANNELS, ORIGIN, RELEASE

_TEMPLATES = {package_type.template: package_type for package_type in PACKAGE_TYPES.values()}


class Layout(NamedTuple):
    """The folders of an application as they are to be.

    :param folders: by id, each after the one that it is in.
    :param merged: for each folder whose contents go elsewhere, the id of the folder that gets them.
    """

    folders: dict[Any, Document]
    merged: dict[Any, Any]
    notes: list[Note]


class _Tree(NamedTuple):
    below: Mapping[Any, list[Document]]
    is_filled: Callable[[Document], bool]
    layout: Layout


def lay_out(app: Mapping[str, Any], packages: Mapping[str, Any], folders: Sequence[Document],
            filled: set[Any]) -> Layout:
    """Decide on ``app``, whose folder is in ``packages``, and all ``folders`` below it.

    :param filled: ids of the folders that have items.
    """
    below: dict[Any, list[Document]] = {}
    for folder in folders:
        below.setdefault(folder['parentId'], []).append(_anew(folder))

    def is_filled(folder: Document) -> bool:
        return folder['_id'] in filled or any(map(is_filled, below.get(folder['_id'], ())))
    tree = _Tree(below, is_filled, Layout({}, {}, []))
    _place(tree, _anew(dict(app)), {**packages, 'spm': {'role': registration.PACKAGES}})
    return tree.layout


def _place(tree: _Tree, folder: Document, parent: Document) -> None:
    """Add ``folder`` to the layout, in ``parent``, and then all that are below it."""
    placed = _registered(folder, parent, tree.layout.notes)
    tree.layout.folders[placed['_id']] = placed
    kept: dict[Any, Document] = {}
    for child in sorted(tree.below.get(placed['_id'], ()), key=lambda one: (one['created'], one['_id'])):
        _place_child(tree, child, placed, kept)


def _place_child(tree: _Tree, child: Document, parent: Document, kept: dict[Any, Document]) -> None:
    """Place ``child``, unless an older folder is the same; ``kept`` are those of ``parent`` by what makes them so."""
    placed = {**child, 'parentId': parent['_id']}
    twin = _twin(tree, placed, parent, kept)
    if twin is None:
        _place(tree, placed, parent)
        return
    # The older one was placed before, without what is in this one.
    tree.layout.merged[child['_id']] = twin['_id']
    tree.layout.notes.append(Note(Outcome.MENDED, 'folder', str(child['_id']), child['name'],
                                  f'it is the same as the folder {twin["_id"]}, which gets what is in it',
                                  fields=('_id',)))
    inside = {_key(one, twin): one for one in tree.layout.folders.values() if one['parentId'] == twin['_id']}
    for one in tree.below.get(child['_id'], ()):
        _place_child(tree, one, twin, inside)


def _twin(tree: _Tree, child: Document, parent: Document, kept: dict[Any, Document]) -> Document | None:
    key = _key(child, parent)
    first = kept.setdefault(key, child) if key else child
    if key and key[0] == RELEASE:
        _name_once(tree.layout.notes, child, kept)
    if first is child:
        return None
    if key[0] != RELEASE or first['name'].lower() == child['name'].lower() or not tree.is_filled(child):
        return tree.layout.folders[first['_id']]
    _separate(tree.layout.notes, first, child)
    return None


def _name_once(notes: list[Note], release: Document, kept: dict[Any, Document]) -> None:
    """Rename ``release`` if one of another revision has its name in another case."""
    first = kept.setdefault(release['name'].lower(), release)
    if first is release or _revision(first) == _revision(release):
        return
    former, name = release['name'], f'{release["name"]} ({_revision(release)})'
    release.update(name=name, lowerName=name.lower())
    notes.append(Note(Outcome.UNDECIDED, 'folder', str(release['_id']), former,
                      f'its name is that of the release "{first["name"]}"; it is now "{name}"',
                      'Rename one of the two.'))


def _separate(notes: list[Note], first: Document, second: Document) -> None:
    """Give the release ``second`` a revision of its own, since ``first`` has the same."""
    revision = _revision(second)
    second['meta'] = {**second['meta'], 'revision': f'{revision} ({second["name"]})'}
    second[ORIGIN] = {**second.get(ORIGIN, {}), 'meta': {'revision': revision}}
    notes.append(Note(
        Outcome.UNDECIDED, 'folder', str(second['_id']), second['name'],
        f'the release "{first["name"]}" has the same revision {revision}; new uploads for it go there',
        'Rename or merge one of the two releases, or delete it.'))


def _key(folder: Mapping[str, Any], parent: Mapping[str, Any]) -> Any:
    """What two folders in ``parent`` must not share; ``None`` for ordinary folders."""
    found = registration.of_folder(folder, parent)
    if found is None:
        return None
    place = found['role']
    return (place, _revision(folder) if place in CHANNELS else folder['name'])


def _revision(folder: Mapping[str, Any]) -> str:
    revision = (folder.get('meta') or {}).get('revision')
    return str(texts.as_text(folder['name'] if revision in (None, '') else revision))


def _registered(folder: Document, parent: Mapping[str, Any], notes: list[Note]) -> Document:
    """``folder`` with its registration, and with valid metadata."""
    mended = {**folder, 'meta': dict(folder.get('meta') or {}), 'description': folder.get('description') or ''}
    found = registration.of_folder(mended, parent)
    if found is None:
        return mended
    changes = dict(_mend(mended, found['role']))
    mended['spm'] = {**(registration.of_folder(mended, parent) or {}), **registration.kept(folder.get('spm') or {})}
    try:
        registration.check_folder(mended)
    except Invalid as error:
        return _aside(folder, f'it cannot be a {found["role"]} here: {error}', notes)
    if changes:
        notes.append(Note(Outcome.MENDED, 'folder', str(folder['_id']), folder['name'], '; '.join(changes.values()),
                          fields=tuple(changes)))
    return mended


def _anew(folder: Document) -> Document:
    """``folder`` without what a migration has made of it, since that may have been corrected: the mark that it is set
    aside, and a revision of its own, see :func:`_separate`.
    """
    origin = {key: value for key, value in folder.get(ORIGIN, {}).items() if key != 'set_aside'}
    found = {key: value for key, value in folder.items() if key != ORIGIN}
    meta, former = folder.get('meta') or {}, origin.get('meta', {}).get('revision')
    if former is not None and meta.get('revision') == f'{former} ({folder["name"]})':
        found['meta'] = {**meta, 'revision': former}
        origin['meta'] = {key: value for key, value in origin['meta'].items() if key != 'revision'}
    kept = {key: value for key, value in origin.items() if value}
    return {**found, **({ORIGIN: kept} if kept else {})}


def _mend(folder: Document, place: str) -> Iterator[tuple[str, str]]:
    """Make the values of ``folder`` valid. Yield the name of each that is changed, and a sentence for the report."""
    name = validators.one_line(folder['name'])[:validators.NAME_CHARACTERS].strip() or str(folder['_id'])
    if name != folder['name']:
        yield 'name', f'its name is now "{name}"'
        folder.update(name=name, lowerName=name.lower())
    if place in CHANNELS and folder['meta'].get('revision') != _revision(folder):
        folder['meta']['revision'] = _revision(folder)
        yield 'meta.revision', f'its revision is now the text "{_revision(folder)}"'
    for key, package_type in _TEMPLATES.items() if place == APPLICATION else ():
        wrong = key in folder['meta'] and name_templates.problem(folder['meta'][key], package_type)
        if wrong:
            former, folder['meta'][key] = folder['meta'][key], package_type.default_template
            origin = folder.setdefault(ORIGIN, {})
            origin['meta'] = {**origin.get('meta', {}), key: urls.without_credentials_in(former)}
            yield f'meta.{key}', f'{key} is now the default, since "{values.printable(former)}" {wrong}'


def _aside(folder: Document, reason: str, notes: list[Note]) -> Document:
    notes.append(Note(Outcome.UNDECIDED, 'folder', str(folder['_id']), folder['name'], reason,
                      'Correct it at the source, and run the migration again.'))
    return {**folder, ORIGIN: {**folder.get(ORIGIN, {}), 'set_aside': reason}}
