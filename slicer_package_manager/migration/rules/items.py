"""The items of one folder: which are packages here, with which metadata and which file."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from slicer_package_manager.migration.notes import Note, Outcome
from slicer_package_manager.migration.rules import fields, texts, twins, values
from slicer_package_manager.migration.rules.twins import Preference
from slicer_package_manager.registry.schema import metadata, validators
from slicer_package_manager.registry.schema.fields import EXTENSION, PACKAGE, PackageType
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import registration
from slicer_package_manager.registry.tree.registration import ORIGIN

#: Bytes of a document of the source to which what this server adds can be added. MongoDB takes 16 MiB.
_MOST = 16 * 1024 * 1024 - 64 * 1024
#: Metadata that only packages have.
_OF_PACKAGES = ('build_date', 'pre_release')


class Found(NamedTuple):
    """An item of the source, and those of its files whose bytes are there.

    :param lost: other files, which are to stay with the item although no reader can read them.
    """

    item: Document
    files: list[Document]
    lost: Sequence[Document] = ()


class Choices(NamedTuple):
    """What the operator chose for doubtful cases."""

    prefer: Preference | None = None
    prefer_newest_file: bool = False
    #: A package here with the identity and the bytes of one of the source stands for it.
    once: bool = False


class Decision(NamedTuple):
    """What becomes of an item.

    :param item: the document to store.
    :param files: those of its files that are in the item; of a package, at most the one for readers.
    :param beside: its other files, which stay attached to it.
    :param same_as: the id of the package here that stands for it, so that it is not stored.
    """

    item: Document
    files: list[Document]
    beside: list[Document]
    notes: list[Note]
    same_as: Any = None


def decide(folder: Document, found: Iterable[Found], choices: Choices, present: Mapping[str, Document] | None = None
           ) -> list[Decision]:
    """Decide on all items of ``folder``, a folder as it is to be.

    :param present: packages that the folder has here by identity and that stay as they are: they are not of the source,
        or were changed here.
    """
    package_type = registration.package_type_in(folder)
    items: list[Found] = []
    others: list[Found] = []
    for one in found:
        is_meant = package_type is not None and metadata.is_package(one.item.get('meta') or {})
        (items if is_meant else others).append(one)
    decisions = [_ordinary(one, folder) for one in others]
    if package_type:
        packages = [_package(package_type, folder, one, choices) for one in items]
        decisions += _without_twins(packages, choices, present or {})
    return decisions


def _ordinary(found: Found, folder: Document) -> Decision:
    item = {key: value for key, value in _moved(found.item, folder).items() if key != 'spm'}
    files = [*found.files, *found.lost]
    notes = [_note(Outcome.NOT_LISTED, item, 'it is in no folder of a release or draft, or of its extensions, so that '
                   'no list has it', 'If it is a package, move it there at the source, and run the migration again.')
             ] if all(key in (item.get('meta') or {}) for key in ('app_id', 'os', 'arch')) else []
    return Decision({**item, 'size': _size(files)}, files, [], notes)


def _moved(item: Document, folder: Document) -> Document:
    return {**item, 'folderId': folder['_id'], 'baseParentType': folder['baseParentType'],
            'baseParentId': folder['baseParentId']}


def _size(files: Iterable[Mapping[str, Any]]) -> int:
    return sum(file.get('size') or 0 for file in files)


def _package(package_type: PackageType, folder: Document, found: Found, choices: Choices) -> Decision:
    """The item as a package, or set aside if it cannot be one."""
    given = found.item.get('meta') or {}
    if values.weight(found.item) > _MOST:
        return _set_aside(_ordinary(found, folder)._replace(notes=[]), 'its metadata is so large that the document of '
                          'the item cannot be changed', 'Remove at the source what is not needed.')
    file = twins.file_for_readers(found.files, stated(given), prefer_newest=choices.prefer_newest_file)
    place = folder['spm']
    mended = fields.mend(package_type, given, fields.Context(
        str(place['app']), revision(place), place['release'], found.item['created'], file['name'] if file else ''))
    beside = [*(one for one in found.files if one is not file), *found.lost]
    item = _with_origin(_moved(found.item, folder), {} if mended.problem else mended.aside)
    files = [file] if file else []
    item['size'], sha512 = _size(files), (file or {}).get('sha512') or ''
    notes = [*_notes(item, {} if mended.problem else {**mended.changes, **_of_digest(given, sha512)}, beside),
             *_of_other_type(package_type, item, given)]
    if mended.problem:
        return _set_aside(Decision(item, files, beside, notes), mended.problem,
                          'Correct its metadata in Girder; then it is listed.')
    item['meta'] = {**mended.meta, **registration.place_values(package_type, folder), 'sha512': sha512}
    item['description'] = _description(package_type, item)
    if not file:
        notes.append(_note(Outcome.NOT_LISTED, item, 'it has no file', 'Upload its file, or delete it.'))
    item['spm'] = {
        **registration.of_item(package_type, folder, item['meta'], has_file=bool(file)),  # type: ignore[arg-type]
        **registration.kept(found.item.get('spm') or {})}
    return Decision(item, files, beside, notes)


def stated(given: Mapping[str, Any]) -> str | None:
    """The checksum that metadata states; ``None`` if it states none."""
    try:
        return validators.sha512(given.get('sha512'))
    except ValueError:
        return None


def _of_digest(given: Mapping[str, Any], sha512: str) -> dict[str, str]:
    """What to report if metadata states another checksum than ``sha512``, that of the file, or none."""
    before = given.get('sha512') or ''
    if (stated(given) or before) == sha512:
        return {}
    now = 'changed to that of its file' if sha512 else 'cleared'
    return {'sha512': f'sha512: "{values.printable(before)}" was {now}' if before else
            'sha512: was missing, now that of its file'}


def _of_other_type(package_type: PackageType, item: Document, given: Mapping[str, Any]) -> Iterator[Note]:
    """A note for an extension beside packages, or the other way around: the folder decides, so that it stays listed."""
    is_other = ('app_revision' in given if package_type is PACKAGE else
                'app_revision' not in given and any(key in given for key in _OF_PACKAGES))
    if is_other:
        other = EXTENSION if package_type is PACKAGE else PACKAGE
        yield _note(Outcome.UNDECIDED, item, f'it has the metadata of the type "{other.label}", and is listed with the '
                    f'type "{package_type.label}", which its folder has',
                    'If that is wrong, move it to the right folder at the source, and run the migration again.')


def with_digest(file: Document, files: Iterable[Document], digest: str | None) -> Document:
    """A link with the checksum that its item states: the older server stores it there only."""
    if not file.get('linkUrl') or file.get('sha512') or any(one.get('sha512') == digest for one in files):
        return file
    return {**file, 'sha512': digest} if digest else file


def revision(place: Mapping[str, Any]) -> str:
    """The revision of packages in a folder; that of a release may be made unique, see :mod:`folders`."""
    return str(place['revision']).removesuffix(f' ({place["release"]})') if place['release'] else place['revision']


def _with_origin(item: Document, aside: Document) -> Document:
    """``item`` with ``aside`` beside what was put aside before."""
    kept = {**item.get(ORIGIN, {}).get('meta', {}), **aside}
    others = {key: value for key, value in item.get(ORIGIN, {}).items() if key not in ('meta', 'set_aside')}
    origin = {**others, **({'meta': kept} if kept else {})}
    return {**{key: value for key, value in item.items() if key not in (ORIGIN, 'spm')},
            **({ORIGIN: origin} if origin else {})}


def _notes(item: Document, changes: Mapping[str, str], beside: Sequence[Document]) -> list[Note]:
    found = [_note(Outcome.MENDED, item, '; '.join(changes.values()), fields=tuple(f'meta.{key}' for key in changes))
             ] if changes else []
    if beside:
        names = ', '.join(f'"{file["name"]}" ({file["_id"]})' for file in beside)
        found.append(_note(Outcome.MENDED, item, f'it has other files beside that for readers: {names}',
                           'They can be read by their ids. Delete those that are not needed.'))
    return found


def _note(outcome: Outcome, item: Document, reason: str, remedy: str = '', fields: tuple[str, ...] = ()) -> Note:
    return Note(outcome, 'item', str(item['_id']), item['name'], reason, remedy, fields)


def _description(package_type: PackageType, item: Document) -> str:
    if package_type is EXTENSION:
        return str(item['meta']['description'])
    given = validators.one_line(str(item.get('description') or ''))
    return validators.html(texts.cut(given, validators.DESCRIPTION_BYTES // 2))


def _set_aside(decision: Decision, reason: str, remedy: str) -> Decision:
    item = {key: value for key, value in decision.item.items() if key != 'spm'}
    item[ORIGIN] = {**item.get(ORIGIN, {}), 'set_aside': reason}
    note = _note(Outcome.NOT_LISTED, item, reason, remedy)
    return decision._replace(item=item, notes=[*decision.notes, note])


def _without_twins(decisions: Sequence[Decision], choices: Choices, present: Mapping[str, Document]) -> list[Decision]:
    """Set aside all but one of the packages that share an identity, and give those that share a name another."""
    groups: dict[str, list[Decision]] = {}
    names = {one['name']: one['_id'] for one in present.values()}
    found = [one for one in decisions if 'spm' not in one.item]
    for one in decisions:
        if 'spm' in one.item:
            groups.setdefault(one.item['spm']['identity'], []).append(one)
    for identity, group in groups.items():
        first = _first(group, present.get(identity), choices)
        if first:
            found.extend(_named(one, names) if one.item is first else _twin(one, first) for one in group)
        else:
            found.extend(_beside_present(one, present[identity], choices) for one in group)
    return found


def _first(group: Sequence[Decision], present: Document | None, choices: Choices) -> Document | None:
    """The item of ``group`` that is listed; ``None`` if that is ``present``, which is in no group."""
    if present:
        return next((one.item for one in group if one.item['_id'] == present['_id']), None)
    with_file = {one.item['_id'] for one in group if one.files}
    return twins.listed([one.item for one in group], with_file, choices.prefer)


def _twin(decision: Decision, listed: Document) -> Decision:
    return _set_aside(decision, f'the item {listed["_id"]} has the same identity and is listed',
                      'It can be read by its id. Delete it if it is not needed.')


def _beside_present(decision: Decision, present: Document, choices: Choices) -> Decision:
    """A package of which ``present``, which was here before, has the identity."""
    sha512 = decision.files[0].get('sha512') if decision.files else None
    if choices.once and sha512 and sha512 == present['meta'].get('sha512'):
        return decision._replace(same_as=present['_id'])
    return _twin(decision, present)


def _named(decision: Decision, names: dict[str, Any]) -> Decision:
    """The package with a name that no other in the folder has.

    :param names: the ids of those that have a name, to which this one is added.
    """
    former = name = decision.item['name']
    number = 1
    while names.setdefault(name, decision.item['_id']) != decision.item['_id']:
        name, number = f'{former} ({number})', number + 1
    if name == former:
        return decision
    item = {**decision.item, 'name': name, 'lowerName': name.lower()}
    return decision._replace(item=item, notes=[*decision.notes, _note(
        Outcome.MENDED, item, f'its name is now "{name}", since another item has the name "{former}"',
        fields=('name',))])
