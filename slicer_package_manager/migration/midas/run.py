"""An import from MIDAS, from its beginning to its report; see the package."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from slicer_package_manager import file_copies
from slicer_package_manager.migration import download_counts, girder_database, settings, sizes, target_store, verify
from slicer_package_manager.migration.contents import Contents
from slicer_package_manager.migration.errors import LostBytesError, MigrationError
from slicer_package_manager.migration.girder_database import AnyDatabase
from slicer_package_manager.migration.journal import Journal
from slicer_package_manager.migration.midas import aliases, counts, leftovers, redirects, target
from slicer_package_manager.migration.midas.aliases import Aliases
from slicer_package_manager.migration.midas.data import Data
from slicer_package_manager.migration.midas.dependencies import Dependencies
from slicer_package_manager.migration.midas.documents import MidasSource
from slicer_package_manager.migration.midas.files import Known, MidasFiles
from slicer_package_manager.migration.midas.people import People
from slicer_package_manager.migration.midas.plan import Plan
from slicer_package_manager.migration.midas.present import Present
from slicer_package_manager.migration.midas.rules.files import Bitstream
from slicer_package_manager.migration.midas.stores import MidasStore
from slicer_package_manager.migration.midas.tables import Tables
from slicer_package_manager.migration.notes import Note, Outcome, Report
from slicer_package_manager.migration.options import Options
from slicer_package_manager.migration.pace import Pace
from slicer_package_manager.migration.references import References
from slicer_package_manager.migration.rules.items import Choices
from slicer_package_manager.migration.trees import Application, Trees
from slicer_package_manager.migration.writer import Writer
from slicer_package_manager.progress import Steps
from slicer_package_manager.registry import indexes
from slicer_package_manager.registry.midas import aliases as recorded
from slicer_package_manager.registry.server import data_version, transactions
from slicer_package_manager.registry.server import settings as plugin_settings

#: The name of the rows of imports in the journal.
_SOURCE = 'midas'


class MidasOptions(NamedTuple):
    """How to import.

    :param app: id or name of the application that gets everything.
    :param moved: for files outside of assetstores, the beginnings of their paths at MIDAS, and the directories here.
    :param keep_old: import the files of older revisions, too.
    :param admins: administrators of MIDAS get an administrator's account.
    :param redirects: the lines of a table, see :mod:`redirects`.
    """

    common: Options = Options()
    app: str | None = None
    moved: Mapping[str, Path] = {}
    keep_old: bool = True
    admins: bool = False
    redirects: Sequence[str] = ()


def migrate(source: Tables, here: AnyDatabase, options: MidasOptions, steps: Steps) -> Report:
    """Import from the tables ``source`` of MIDAS into the database of this server, to which the models are connected.

    :raises MigrationError: it cannot begin, or go on.
    """
    with transactions.patient(), nullcontext() if options.common.dry_run else Journal(here, _SOURCE).lease():
        return _Import(source, here, options, steps).run()


class _Import:
    def __init__(self, source: Tables, here: AnyDatabase, options: MidasOptions, steps: Steps) -> None:
        self._here, self._options, self._steps = here, options, steps
        self._pace = Pace(options.common.rate)
        self._dry, self._report, self._journal = options.common.dry_run, Report(), Journal(here, _SOURCE)
        self._writer = Writer(here, self._report, self._journal, dry=self._dry)
        self._hosts = settings.link_hosts(here) + list(options.common.link_hosts)
        self._redirects = redirects.parsed(options.redirects, self._hosts)
        place = target.find(here, options.app)
        present = Present(here, place.app['_id'], self._sha512)
        self._plan = Plan(Data(source), place, keep_old=options.keep_old, present=present.folder_of)
        if not self._plan.data.rows:
            raise MigrationError('The database of MIDAS has no packages and no extensions.')
        self._people = People(self._plan.data, here, self._plan.uploaders, same=options.common.same_users,
                              admins=options.admins)
        self._dependencies = Dependencies(self._plan.data)
        self._counts: Counter[tuple[Any, ...]] = Counter()

    def run(self) -> Report:
        store = target_store.current(self._here)
        target_store.require_room(store, self._plan.size)
        if not self._dry:
            plugin_settings.register()  # aliases are checked by them
            data_version.watch()
            target_store.discard_unfinished(store)
            indexes.ensure()
        common, changed = self._options.common, settings.allow_hosts(self._here, self._options.common.link_hosts)
        if not self._dry:
            settings.write(self._here, changed)  # URLs of aliases are checked by them
        with self._pace.workers(common.connections) as workers:
            stores = self._stores()
            known = Known(stores, self._dependencies.table, aliases.files_instead(self._plan, self._here))
            files = MidasFiles(Contents(stores, store), workers, self._report, self._hosts, known,
                               dry=self._dry)
            source = MidasSource(self._plan, self._people.ids)
            trees = Trees(source, self._writer, References(), files, self._report,
                          common._replace(choices=Choices(once=True)))
            self._take(trees)
            if common.verify and not self._dry:
                self._report.add(self._verify(trees, workers))
        self._report.add([*self._plan.notes, *files.notes(), *settings.notes(changed), *self._people.notes_of(),
                          *self._dependencies.notes(), *leftovers.notes(self._plan, common.roots)])
        if not self._dry:
            sizes.add_up(self._here)
            data_version.announce()
            self._journal.end()
        return self._report

    def _stores(self) -> dict[Any, MidasStore]:
        return {one: self._store(one) for one in {*self._plan.stores, *self._plan.outside}}

    def _store(self, number: int) -> MidasStore:
        return MidasStore(number, self._options.common.roots.get(str(number)), self._options.moved)

    def _sha512(self, file: Bitstream) -> str | None:
        try:
            with self._store(file.store).opened({'path': file.path, 'md5': file.checksum}) as content:
                return file_copies.pour(content, advance=self._pace.limited(lambda _: None))
        except (LostBytesError, OSError):
            return None

    def _take(self, trees: Trees) -> None:
        place = self._plan.target
        self._report.totals['accounts'] += len(self._people.accounts)
        self._writer.store('user', self._people.accounts)
        self._writer.store('collection', [place.collection])
        trees.store_tops([place.packages])
        app = trees.application(place.app, place.packages)
        trees.store_folders(app)
        with self._steps('Importing files', self._plan.size, True) as advance:
            trees.store_items(app, self._pace.limited(advance))
        self._report.totals['items here already'] += len(trees.instead)
        self._report.totals['redirects'] += len(self._redirects)
        self._count(app)
        trees.show([app])
        if not self._dry:
            self._report.totals['aliases, new or changed'] += recorded.record(
                Aliases(self._plan, self._here, trees.instead, self._redirects))

    def _count(self, app: Application) -> None:
        self._counts = counts.of_plan(self._plan, app.layout.folders)
        self._report.totals.update(download_counts.totals(self._counts))
        if not self._dry:
            download_counts.write(app.id, self._counts)

    def _verify(self, trees: Trees, workers: Executor) -> Iterator[Note]:
        """Read what is here again: aliases, downloads, and the bytes of all files."""
        for alias in Aliases(self._plan, self._here, trees.instead, self._redirects):
            found = recorded.find(alias.kind, alias.value)
            if (found is None or not set(alias.targets) <= set(found.targets)
                    or alias.url not in (None, found.url)):
                yield Note(Outcome.DIFFERENT, alias.kind.value, alias.value, alias.name, 'its alias is not here')
        app = self._plan.target.app
        for name, number, stored in download_counts.lower(app['_id'], self._counts):
            yield Note(Outcome.DIFFERENT, 'downloads', str(app['_id']), name,
                       f'{number} downloads were counted, and {stored} are here')
        files = girder_database.ids_of_files(self._here, (one.id for one in self._plan))
        yield from verify.bytes_of_files(self._here, files, self._options.common.sample, self._steps, workers)
