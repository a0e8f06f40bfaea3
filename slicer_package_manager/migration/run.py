"""A migration from the database of an older server, from its beginning to its report; see the package."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import nullcontext
from functools import cached_property
from typing import Any

from girder.constants import AssetstoreType

from slicer_package_manager.migration import (
    accounts,
    answers,
    collisions,
    download_counts,
    girder_database,
    girder_rest,
    leftovers,
    settings,
    sizes,
    source_stores,
    target_store,
    verify,
)
from slicer_package_manager.migration.contents import Contents
from slicer_package_manager.migration.deletions import Deletions
from slicer_package_manager.migration.errors import MigrationError
from slicer_package_manager.migration.files import Files
from slicer_package_manager.migration.girder_database import AnyDatabase
from slicer_package_manager.migration.journal import Journal
from slicer_package_manager.migration.linked_files import LinkedFiles
from slicer_package_manager.migration.notes import Note, Report
from slicer_package_manager.migration.options import Options
from slicer_package_manager.migration.pace import Pace
from slicer_package_manager.migration.references import References
from slicer_package_manager.migration.rest_client import RestClient
from slicer_package_manager.migration.rules import values
from slicer_package_manager.migration.source_stores import Reader
from slicer_package_manager.migration.trees import Application, Trees
from slicer_package_manager.migration.writer import Writer
from slicer_package_manager.progress import Steps
from slicer_package_manager.registry import indexes
from slicer_package_manager.registry.schema.types import Document
from slicer_package_manager.registry.server import data_version, transactions
from slicer_package_manager.registry.tree import registration
from slicer_package_manager.registry.tree.registration import CHANNELS

#: The name of the lease, which does not depend on the source.
_OWNER = 'any'


def migrate_over_rest(client: RestClient, here: AnyDatabase, options: Options, defaults: Mapping[str, Any], steps: Steps
                      ) -> Report:
    """Migrate from the server of ``client``, see :func:`migrate`.

    It is read into a database of its own, beside that of this server, also in a dry run.
    """
    admin = here['user'].find_one({'admin': True}, sort=[('created', 1)])
    if admin is None:
        raise MigrationError('This server has no administrator. Start it once: `slicer-package-manager serve`.')
    copy = girder_database.opened(here.client[f'{here.name}_older'])
    with Journal(copy, 'copy').lease(), client.pace.workers(options.connections) as workers:
        girder_rest.Copy(client, copy, admin['_id'], workers).read(steps)
        return migrate(copy, here, options, defaults, steps, client)


def migrate(source: AnyDatabase, here: AnyDatabase, options: Options, defaults: Mapping[str, Any], steps: Steps,
            client: RestClient | None = None) -> Report:
    """Migrate from the database ``source`` to that of this server, to which Girder's models are connected.

    :param here: the same one as ``source`` for a migration in place.
    :param defaults: settings of a new server.
    :param client: of the server that ``source`` is a copy of; its files are read from it.
    :raises MigrationError: it cannot begin, or go on.
    """
    with transactions.patient(), nullcontext() if options.dry_run else Journal(here, _OWNER).lease():
        return _Migration(source, here, options, steps, client).run(defaults)


class _Migration:
    def __init__(self, source: AnyDatabase, here: AnyDatabase, options: Options, steps: Steps,
                 client: RestClient | None) -> None:
        self._client = client
        self._source, self._here, self._options, self._steps = source, here, options, steps
        self._report, self._references = Report(), References()
        self._pace = client.pace if client else Pace(options.rate)
        self._tree = girder_database.OlderServer(source, self._report.add)
        self._journal = Journal(here, girder_database.identity(source))
        self._deletions = Deletions(source, here, self._journal)
        # The source has counted these, and not yet those of this run.
        self._fetched = self._journal.fetched()
        self._writer = Writer(here, self._report, self._journal, dry=options.dry_run, own=options.in_place,
                              again=options.take_deleted)
        self._accounts = accounts.Accounts(source, here, self._references, self._report, self._tree.shaped)

    def run(self, defaults: Mapping[str, Any]) -> Report:
        if self._options.since_last and not self._journal.has_ended():
            raise MigrationError('No migration into this database has ended yet, so there is none since which to take '
                                 'what is new. Run it without --since-last.')
        store = target_store.current(self._here)
        contents = Contents(self._stores(), store, stay=self._options.in_place,
                            keep_objects=self._options.files == 'keep')
        if not self._options.in_place:
            target_store.require_others(self._source, self._here, store)
            target_store.require_room(store, girder_database.size_of_files(self._source, contents.copied()))
            collisions.require_none(self._source, self._here, self._journal,
                                    {folder['_id'] for folder, _ in self._tree.applications()})
            self._accounts.match(same_users=self._options.same_users)
        if not self._options.dry_run:
            data_version.watch()
            target_store.discard_unfinished(store)
            if not self._options.in_place:
                indexes.ensure()
        written = self._journal.written('setting', [*settings.TAKEN, *settings.RENEWED])
        changed = {**settings.changes(self._source, self._here, defaults, written, keep=self._options.keep_settings),
                   **settings.allow_hosts(self._here, self._options.link_hosts)}
        with self._pace.workers(self._options.connections) as workers:
            files = self._files(contents, workers)
            self._leave()
            trees = Trees(self._tree, self._writer, self._references, files, self._report, self._options,
                          self._tree.folders_of, self._leaving())
            apps = self._take(trees)
            self._show(trees, apps, changed)
            if self._options.since_last:
                self._report.add(self._deletions.follow(delete=self._deletes and not self._options.dry_run))
            self._report.add([*files.notes(), *settings.notes(changed), *leftovers.notes(self._source),
                              *(girder_rest.secrets(self._source) if self._client else ())])
            if self._options.verify and not self._options.dry_run:
                self._report.add(one for one in self._verify(apps, workers)
                                 if not self._tree.explains(one) and not files.explains(one))
        if not self._options.dry_run:
            self._journal.end()
        return self._report

    @property
    def _deletes(self) -> bool:
        return self._options.since_last and self._options.delete

    def _leaving(self) -> set[Any]:
        """The ids of the items that are deleted here at the end."""
        return self._deletions.items() if self._deletes else set()

    def _leave(self) -> None:
        """Let folders that were deleted at the source give up their names to others, unless they were changed here."""
        if self._deletes:
            self._writer.leave(self._deletions.folders(), self._deletions.remove)

    def _files(self, contents: Contents, workers: Executor) -> Files:
        hosts = settings.link_hosts(self._here) + list(self._options.link_hosts)
        others, limited = settings.stream_hosts(self._here), self._pace.limited(lambda _: None)
        if self._options.files != 'link':
            return Files(contents, workers, self._report, hosts, dry=self._options.dry_run, own=self._options.in_place,
                         others=others, limited=limited)
        api = self._client.url if self._client else self._options.source_api or ''
        public = {one['_id'] for one in self._source['folder'].find({'public': True}, {'_id': 1})}
        return LinkedFiles(contents, workers, self._report, hosts, api, public, dry=self._options.dry_run,
                           others=others, limited=limited)

    @cached_property
    def _unreachable(self) -> set[Any]:
        return leftovers.unreachable_folders(self._source)

    def _stores(self) -> dict[Any, Reader]:
        if self._options.files == 'link':
            return {}
        if self._client:
            return source_stores.readers_over_rest(
                self._source, self._client, self._note_fetched)
        return source_stores.readers(self._source, self._options.roots)

    def _note_fetched(self, file: Document) -> None:
        """Note that ``file`` was downloaded from the source."""
        item = self._source['item'].find_one({'_id': file['itemId']}, {'folderId': 1, 'meta': 1}) or {}
        counted = download_counts.of_download(item, girder_database.nearest_folders(
            self._source, item.get('folderId'), download_counts.DEPTH))
        if counted:
            self._journal.note_fetched(*counted)

    def _take(self, trees: Trees) -> list[Application]:
        everything = list(self._tree.applications())
        wanted = self._wanted(everything)
        if not self._options.in_place:
            self._require_names(wanted)
        self._accounts.take(self._writer)
        if self._options.files == 'keep' and not self._options.in_place:
            self._writer.store('assetstore', [{**one, 'current': False} for one in self._source['assetstore'].find(
                {'type': AssetstoreType.S3})])
        apps = self._applications(trees, wanted)
        total = sum(values.whole(row['size']) or 0 for row in self._source['file'].aggregate(
            [{'$group': {'_id': None, 'size': {'$sum': '$size'}}}]))
        with self._steps('Migrating files', total, True) as advance:
            limited = self._pace.limited(advance)
            for app in apps:
                trees.store_items(app, limited)
            if not self._options.packages_only:
                trees.store_items_of_tops((packages for _, packages in wanted), limited)
                trees.store_others(self._tree.folders_without(self._of_applications(everything)), limited)
        self._count(apps)
        return apps

    def _show(self, trees: Trees, apps: list[Application], changed: Mapping[str, Any]) -> None:
        """Let this server list the applications, when all else is done."""
        if not self._options.dry_run:
            settings.write(self._here, changed)
            self._journal.note('setting', [{'_id': key, 'value': value} for key, value in changed.items()])
            if self._options.in_place:
                source_stores.forget_grids(self._here)
                indexes.ensure()
        self._leave()
        trees.show(apps)
        if not self._options.dry_run:
            sizes.add_up(self._here)
            data_version.announce()

    def _verify(self, apps: list[Application], workers: Executor) -> Iterator[Note]:
        folders = {one['_id'] for app in apps for one in (app.folder, *app.sources)}
        merged = {one for app in apps for one in app.layout.merged}
        if not self._options.packages_only and not self._options.apps:
            folders.update(one['_id'] for one in self._source['folder'].find({}, {'_id': 1}))
            folders -= self._unreachable
        if not self._options.in_place:
            yield from verify.differences(self._source, self._here, self._references, folders, merged)
        for app in apps:
            folders_of = [one for one in app.sources if one['parentId'] == app.id]
            fetched = download_counts.sums_of(self._fetched, (one['_id'] for one in folders_of))
            yield from verify.counts(folders_of, self._here, app.id, app.folder['name'], fetched)
        files = girder_database.ids_of_files(self._here, girder_database.ids_of_items(self._here, folders))
        yield from verify.bytes_of_files(self._here, files, self._options.sample, self._steps, workers)
        if self._options.source_api and self._options.api:
            yield from self._compare(self._options.source_api, self._options.api, apps)

    def _compare(self, source_api: str, api: str, apps: list[Application]) -> Iterator[Note]:
        """Compare what both servers answer about the applications that everyone may read."""
        public = [str(app.id) for app in apps if app.folder.get('public')]
        yield from answers.compare(RestClient(source_api).get, RestClient(api).get, public,
                                   answers.excuses(self._report.notes), self._steps, counts=self._client is None)

    def _wanted(self, everything: list[tuple[Document, Document]]) -> list[tuple[Document, Document]]:
        names = set(self._options.apps)
        found = [(folder, packages) for folder, packages in everything
                 if not names or {str(folder['_id']), folder['name']} & names]
        if not found:
            what = 'no application of these' if names else 'no application'
            raise MigrationError(f'The database "{self._source.name}" has {what}.')
        unknown = names - {one for folder, _ in found for one in (str(folder['_id']), folder['name'])}
        if unknown:
            raise MigrationError(f'The database "{self._source.name}" has no application {", ".join(sorted(unknown))}.')
        return found

    def _require_names(self, wanted: list[tuple[Document, Document]]) -> None:
        """Require that no other application here has the place and the name of one that is to come."""
        ids = [folder['_id'] for folder, _ in wanted]  # these may swap their names
        for folder, packages in wanted:
            other = self._here['folder'].find_one({
                '_id': {'$nin': ids}, 'parentId': self._references.of('folder', packages['_id']),
                'name': folder['name'], 'spm': {'$exists': True}}, {'_id': 1})
            if other:
                raise MigrationError(f'Another application "{folder["name"]}" is here already ({other["_id"]}). Rename '
                                     'or delete it, and run the migration again.')

    def _applications(self, trees: Trees, wanted: list[tuple[Document, Document]]) -> list[Application]:
        self._report.totals['applications'] += len(wanted)
        trees.store_tops(packages for _, packages in wanted)
        apps = [trees.application(folder, packages) for folder, packages in wanted]
        for app in apps:
            trees.store_folders(app)
        return apps

    def _of_applications(self, everything: list[tuple[Document, Document]]) -> set[Any]:
        """The ids of all folders that are stored with applications, or left out with them."""
        return {one['_id'] for app, packages in everything
                for one in (app, packages, *girder_database.folders_below(self._source, app['_id']))
                } | self._unreachable

    def _count(self, apps: list[Application]) -> None:
        for app in apps:
            found = download_counts.of_application(app.folder, app.sources, app.layout, self._base_names(app),
                                                   self._fetched)
            self._report.totals.update(download_counts.totals(found))
            self._report.add(download_counts.left_out([app.folder, *app.sources], app.layout, self._fetched))
            if not self._options.dry_run:
                before = [] if self._options.in_place else self._journal.counted(app.id)
                download_counts.write(app.id, found, before)
                if not self._options.in_place:
                    self._journal.note_counted(app.id, {*before, *found})

    def _base_names(self, app: Application) -> dict[str, set[str]]:
        channels = [one['_id'] for one in app.layout.folders.values() if registration.role(one) in CHANNELS]
        return download_counts.base_names(self._source, channels)
