"""Folders and items, one folder after the other: read, decide, take the bytes, write."""
from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from slicer_package_manager.migration.changes import Change, followed
from slicer_package_manager.migration.files import Files, documents
from slicer_package_manager.migration.notes import Note, Outcome, Report
from slicer_package_manager.migration.options import Options
from slicer_package_manager.migration.references import References
from slicer_package_manager.migration.rules import folders as folder_rules
from slicer_package_manager.migration.rules import items as item_rules
from slicer_package_manager.migration.rules.counts import STATS
from slicer_package_manager.migration.rules.folders import Layout
from slicer_package_manager.migration.source import Source
from slicer_package_manager.migration.writer import Writer
from slicer_package_manager.progress import Advance
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.tree import item_files, registration
from slicer_package_manager.registry.tree.registration import APPLICATION, CHANNELS, ORIGIN

#: What of a folder that stays as it is here is that of its items too.
_AS_HERE = ('spm', 'name', 'baseParentType', 'baseParentId')
#: The mark of a folder that is :func:`_closed`.
_CLOSED = 'incomplete'


class Application(NamedTuple):
    """An application of the source.

    :param folder: as the source has it.
    :param sources: all folders below it, as the source has them.
    :param layout: as they are to be here; see :mod:`folders`.
    :param is_live: whether this server lists it already.
    :param hidden: ids of folders that no reader sees before :meth:`Trees.show`: all of an application that is new, and
        the new releases and drafts of one that is not.
    """

    folder: Document
    sources: list[Document]
    layout: Layout
    is_live: bool
    hidden: set[Any]

    @property
    def id(self) -> Any:
        """The id of the application."""
        return self.folder['_id']


class Trees:
    """Takes folders and items of ``source`` over.

    :param folders_of: returns the folder that each of these items of the source is in, if they move.
    :param leaving: ids of items here that this run deletes, since the source has them no longer.
    :ivar instead: for each item of the source that is here already, the id of the one that is the same.
    """

    def __init__(self, source: Source, writer: Writer, references: References, files: Files, report: Report,
                 options: Options, folders_of: Callable[[set[Any]], Mapping[Any, Any]] = lambda _: {},
                 leaving: Collection[Any] = ()) -> None:
        self._folders_of, self._leaving, self._taken = folders_of, leaving, set[Any]()
        self._source, self._writer, self._references = source, writer, references
        self._files, self._report, self._options = files, report, options
        self.instead: dict[Any, Any] = {}

    def application(self, folder: Document, packages: Document) -> Application:
        """Read the folders of an application and decide what they become."""
        sources = self._source.folders_below(folder['_id'])
        placed = [self._references.applied('folder', one) for one in (packages, folder, *sources)]
        filled = self._source.filled(sources)
        layout = folder_rules.lay_out(placed[1], placed[0], placed[2:], filled)
        self._writer.expect(layout.folders.values() if self._options.in_place else
                            map(_without_stats, layout.folders.values()))
        here = self._writer.here('folder', layout.folders)
        self._report.add(layout.notes)
        is_live = registration.role(here.get(folder['_id'])) == APPLICATION
        hidden = {one['_id'] for one in layout.folders.values()
                  if not is_live or (registration.is_of_channel(one) and _is_new(here.get(one['_id'])))}
        return Application(folder, sources, layout, is_live, hidden)

    def store_tops(self, packages: Iterable[Document]) -> None:
        """Store the folders ``packages`` that are not here, in which applications are."""
        found = {one['_id']: self._references.applied('folder', one) for one in packages
                 if self._references.of('folder', one['_id']) == one['_id']}
        self._writer.store('folder', [_registered(one) for one in found.values()])

    def store_items_of_tops(self, packages: Iterable[Document], advance: Advance) -> None:
        """Store the items in the folders ``packages`` themselves, which no list has."""
        tops = {one['_id']: self._references.applied('folder', one) for one in packages}
        here = self._writer.here('folder', (one['_id'] for one in tops.values()))
        for origin, folder in tops.items():
            if folder['_id'] in here or self._options.dry_run:
                self._store_items({**_registered(folder), **here.get(folder['_id'], {})}, [origin], advance)

    def store_folders(self, app: Application) -> None:
        """Store the folders of ``app``. This server does not know an application that is new, before :meth:`show`."""
        if not self._options.in_place:
            self._keep(app)
        placed = [_without_stats(one) if not self._options.in_place else one for one in app.layout.folders.values()]
        self._report.totals['folders'] += len(placed)
        if not app.is_live:
            placed[:1] = [] if self._options.in_place else [_incomplete(placed[0])]
            taken = self._writer.store('folder', placed)
        else:
            taken = self._writer.store('folder', [_closed(one) for one in placed if one['_id'] in app.hidden])
            taken |= self._writer.store('folder', [one for one in placed if one['_id'] not in app.hidden], later=True)
        self._report.add(_hidden(app))
        if not self._options.in_place:
            self._follow(app, taken)
        self._taken.update(app.layout.folders, app.layout.merged)

    def _keep(self, app: Application) -> None:
        """Let folders that stay as they are here decide on the registration of what is below them."""
        kept = self._writer.kept('folder', [_without_stats(one) for one in app.layout.folders.values()])
        changed: set[Any] = set()
        for identifier, one in app.layout.folders.items() if app.is_live else ():
            if identifier in kept and 'spm' in one and 'spm' in kept[identifier]:
                one['spm'] = kept[identifier]['spm']
                changed.add(identifier)
            elif one['parentId'] in changed:
                parent = app.layout.folders[one['parentId']]
                found = registration.of_folder(one, kept.get(parent['_id'], parent))
                if found:
                    one['spm'] = found
                    changed.add(identifier)

    def _follow(self, app: Application, taken: set[Any]) -> None:
        """Let items go to the folders that stay as they are here, and not to those that were deleted here."""
        here = self._writer.here('folder', app.layout.folders)
        for identifier, one in list(app.layout.folders.items()):
            now = here.get(identifier)
            if one['parentId'] in app.layout.folders or identifier == app.id:
                if identifier in taken:
                    continue
                if now:
                    app.layout.folders[identifier] = {**one, **{key: now[key] for key in _AS_HERE if key in now}}
                    continue
            del app.layout.folders[identifier]  # with all that is below it, which comes after it

    def store_items(self, app: Application, advance: Advance) -> None:
        """Store the items of ``app``, with their files."""
        origins: dict[Any, list[Any]] = {}
        for source_id, target in app.layout.merged.items():
            origins.setdefault(followed(app.layout.merged, target), []).append(source_id)
        with self._writer.behind():
            for folder in app.layout.folders.values():
                self._store_items(folder, [folder['_id'], *origins.get(folder['_id'], ())], advance, app)

    def show(self, apps: Sequence[Application]) -> None:
        """Let this server list ``apps``, by one write for each that is new, and one transaction for all others."""
        for app in apps:
            if app.is_live:
                opened = [one for one in app.layout.folders.values() if one['_id'] in app.hidden]
                self._writer.store('folder', [_without_stats(one) for one in opened], later=True)
        self._writer.finish()
        if self._options.in_place:
            for app in apps:  # what was in them is elsewhere now
                merged = [one for one in app.sources if one['_id'] in app.layout.merged]
                self._writer.store('folder', [_emptied(one, app.layout.merged[one['_id']]) for one in merged])
        new = [app.layout.folders[app.id] for app in apps if not app.is_live and app.id in app.layout.folders]
        self._writer.store('folder', [one if self._options.in_place else _without_stats(one) for one in new])

    def store_others(self, others: Iterable[list[Document]], advance: Advance) -> None:
        """Store the ordinary folders ``others``, some at a time, and the items in them."""
        for some in others:
            found = [self._references.applied('folder', one) for one in some
                     if self._references.of('folder', one['_id']) == one['_id']]
            self._report.totals['folders'] += len(found)
            taken = self._writer.store('folder', [_registered(one) for one in found])
            here = self._writer.here('folder', (one['_id'] for one in found))
            for folder in found:
                if folder['_id'] in taken or folder['_id'] in here:  # otherwise it was deleted here
                    self._store_items({**folder, **here.get(folder['_id'], {})}, [folder['_id']], advance)

    def _store_items(self, folder: Document, origins: list[Any], advance: Advance, app: Application | None = None
                     ) -> None:
        items = self._source.items_in(origins)
        if not items:
            return
        files = self._source.files_of(items)
        known = {} if self._options.in_place else self._writer.here(
            'file', (file['_id'] for of_item in files.values() for file in of_item))
        found = self._files.take(items, files, known, advance)
        present = {} if self._options.in_place else self._writer.packages_in(
            folder['_id'], partial(self._coming, {one['_id'] for one in items}))
        decisions = item_rules.decide(folder, [one._replace(item=self._references.applied('item', one.item))
                                               for one in found], self._options.choices, present)
        self._report.totals['items'] += len(items)
        self._report.totals['items listed'] += sum('spm' in one.item for one in decisions)
        self._report.add(note for one in decisions for note in one.notes)
        self.instead.update((one.item['_id'], one.same_as) for one in decisions if one.same_as)
        self._write([one for one in decisions if not one.same_as], folder, app)

    def _coming(self, items: set[Any], ids: set[Any]) -> set[Any]:
        """Those of ``ids`` that this run deletes, or takes: with ``items``, which are in one folder, or in others."""
        others = self._folders_of(ids - items)
        takes_all = not self._options.apps and not self._options.packages_only
        return ids & items | ids.intersection(self._leaving) | {
            one for one, folder in others.items() if takes_all or folder in self._taken}

    def _write(self, decisions: list[item_rules.Decision], folder: Document, app: Application | None) -> None:
        """Store the files first, so that no item is here without its file. Items that stay keep their files."""
        items, taken = self._writer.judge('item', [one.item for one in decisions])
        wanted = [self._references.applied('file', file)
                  for file in documents(one for one in decisions if one.item['_id'] in taken)]
        files, _ = self._writer.judge('file', wanted)
        replaced = [] if self._options.in_place else self._replaced(items, wanted)
        items += self._writer.giving_up(self._leaving, [one.after for one in items])
        seen = _seen(items, folder, app)
        changes = [*files, *replaced, *items]
        self._writer.write([one for one in changes if one.item not in seen])
        self._writer.write([one for one in changes if one.item in seen], later=True)

    def _replaced(self, items: Iterable[Change], wanted: Iterable[Document]) -> Iterator[Change]:
        """Detach the files here that the source has replaced since the run before."""
        kept = {file['_id'] for file in wanted}
        changed = [one.after['_id'] for one in items if one.before]
        for file in self._writer.files_of(changed):
            if file['_id'] not in kept:
                yield Change('file', file, {**file, **item_files.detached(file)})


def _without_stats(folder: Document) -> Document:
    """``folder`` without the download counts of the older server, which are counts here."""
    return {**folder, 'meta': {key: value for key, value in folder['meta'].items() if key not in STATS}}


def _incomplete(folder: Document) -> Document:
    """The folder of an application before all of it is here: nothing lists it."""
    kept = {key: value for key, value in folder.items() if key != 'spm'}
    return {**kept, ORIGIN: {**folder.get(ORIGIN, {}), 'set_aside': 'its migration is not complete'}}


def _closed(folder: Document) -> Document:
    """The folder of a release or draft before all of it is here: only administrators see what is in it.

    Until then another one may have its name and its revision, so it has others.
    """
    no_access: Document = {'users': [], 'groups': []}
    closed = {**folder, 'public': False, 'access': no_access, ORIGIN: {**folder.get(ORIGIN, {}), _CLOSED: True}}
    if registration.role(folder) in CHANNELS:
        name, revision = (f'{text} ({folder["_id"]})' for text in (folder['name'], folder['spm']['revision']))
        closed |= {'name': name, 'lowerName': name.lower(), 'spm': {**folder['spm'], 'revision': revision}}
    return closed


def _is_new(folder: Mapping[str, Any] | None) -> bool:
    """Whether ``folder`` is not here, or was left as :func:`_closed` by a run that was killed."""
    return folder is None or _CLOSED in folder.get(ORIGIN, ())


def _seen(items: Iterable[Change], folder: Document, app: Application | None) -> set[Any]:
    """The ids of ``items`` whose changes readers of ``app`` would see at once."""
    if app is None or not app.is_live:
        return set()
    return {one.after['_id'] for one in items if one.before or folder['_id'] not in app.hidden}


def _emptied(folder: Document, target: Any) -> Document:
    reason = f'what was in it is in the folder {target}'
    return {**folder, ORIGIN: {**folder.get(ORIGIN, {}), 'set_aside': reason}}


def _registered(folder: Document) -> Document:
    """An ordinary folder, or the folder ``packages`` of a collection."""
    kept = {key: value for key, value in folder.items() if key != 'spm'}
    found = registration.of_folder(kept, None) if kept['parentCollection'] == 'collection' else None
    return {**kept, **({'spm': found} if found else {})}


def _hidden(app: Application) -> Iterator[Note]:
    """A note for each folder that the older server listed for everyone although it is private."""
    for folder in app.layout.folders.values():
        if registration.package_type_in(folder) and not folder.get('public'):
            yield Note(Outcome.NOW_HIDDEN, 'folder', str(folder['_id']), folder['name'],
                       'it is private, and the older server listed what is in it for everyone',
                       'Make it public if everyone is to see it.')
