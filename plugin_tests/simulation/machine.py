"""The operations of the simulation, each with what the model expects of it."""
import io
from contextlib import suppress
from datetime import timedelta

import orjson
from girder.exceptions import GirderBaseException, ValidationException
from girder.models.file import File
from girder.models.folder import Folder
from girder.models.item import Item
from girder.models.upload import Upload
from girder.utility.progress import noProgress
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from plugin_tests.conftest import FORMS
from plugin_tests.simulation import model as plain
from plugin_tests.simulation import observed
from plugin_tests.simulation.world import Crash
from slicer_package_manager.registry.catalog import (
    applications,
    package_lists,
    packages,
    readiness,
    releases,
    retention,
)
from slicer_package_manager.registry.downloads import counter, counts, rollup
from slicer_package_manager.registry.promotion import promote
from slicer_package_manager.registry.schema.fields import PACKAGE_TYPES
from slicer_package_manager.registry.schema.pagination import Page
from slicer_package_manager.registry.storage import file_removal, uploads
from slicer_package_manager.registry.tree import item_files

NAMES = ('Slicer', 'Other')
SYSTEMS = (('linux', 'amd64'), ('macosx', 'arm64'))
REVISIONS = ('100', '200', '300')
RELEASES = ('5.8', '5.9', 'Preview')
FILE_NAMES = ('a.zip', 'b.zip', plain.REPLACEMENT)
CONTENTS = (b'one', b'two', b'three' * 3)
URLS = ('https://github.com/a/b/c.zip', 'https://github.com/a/b/d.zip')
MOST_ITEMS, MOST_FOLDERS, MOST_APPS, MOST_UPLOADS = 14, 22, 3, 3
#: Time after which abandoned uploads are removed, and replaced files.
LONG, SHORT = timedelta(days=8), timedelta(minutes=11)

EVERYTHING = Page(0, 0, (('created', -1), ('_id', -1)))

pick = st.integers(0, 2**10)
#: The moment of a crash among those before and after the writes of an operation; mostly there is none.
crash = st.sampled_from([0] * 60 + list(range(1, 21)))


def needs(what):
    """The rule needs something in the model."""
    return precondition(lambda self: what(self.model))


has_items = needs(lambda model: model.items)
has_packages = needs(lambda model: model.packages())
has_files = needs(lambda model: any(one.files for one in model.items.values()))
has_releases = needs(lambda model: model.with_role('release'))
has_drafts = needs(lambda model: model.with_role('revision'))
has_channels = needs(lambda model: model.with_role('release', 'revision'))
has_room = needs(lambda model: len(model.items) < MOST_ITEMS and len(model.folders) < MOST_FOLDERS)


class Simulation(RuleBasedStateMachine):
    #: Set by the test.
    world = None
    steps = 0
    crashes = 0

    def __init__(self):
        super().__init__()
        self.world.begin()
        self.has_crashed = self.failed = False
        self.reading, self.known, self.last = [], {}, 0
        self.model = model = plain.Model()
        database = self.world.database
        model.folders = {plain.PACKAGES: plain.Folder(None, 'packages'),
                         plain.ELSEWHERE: plain.Folder(None, 'elsewhere')}
        model.ids = {plain.PACKAGES: database.folder.find_one({'name': 'packages'})['_id'],
                     plain.ELSEWHERE: self.world.elsewhere['_id']}
        app = model.add(plain.Folder(plain.PACKAGES, 'Slicer', is_app=True))
        model.add(plain.Folder(app, 'draft'))
        observed.bind(model, observed.observe(database))

    @initialize(type_=st.sampled_from((plain.PACKAGE, plain.EXTENSION)), name=st.sampled_from(FILE_NAMES))
    def begin(self, type_, name):
        """Most rules need a package, and each run has only some of the rules."""
        for number, base_name in enumerate(NAMES):
            self._save(self.apps()[0], type_, (base_name, *SYSTEMS[0], REVISIONS[number]), '1', 0)
        item = max(self.model.items)
        self._finish(self._begin(item, None, name, CONTENTS[0]), 0)

    # How operations run

    def carry_out(self, operation, change, moment=0, between=()):
        """Run ``operation``, and require that the database is then as ``change`` changes the model, or unchanged.

        :param change: changes a copy of the model; it raises RefusedError if the operation must be refused.
        :param moment: that of the crash.
        :param between: changes that may have happened alone if the operation crashed.
        """
        after = self._changed(change)
        try:
            result = self.world.run(operation, moment)
        except Crash:
            type(self).crashes += 1
            self.has_crashed = True
            self._adopt([after, self.model, *map(self._changed, between)], 'a crash')
            return None
        except (GirderBaseException, ValidationException) as error:
            self._require(after is None, f'It was refused: {error}')
            self._adopt([self.model], f'the refusal "{error}"')
            return None
        self._require(after is not None, 'It was not refused.')
        self._adopt([after], 'the operation')
        return result

    def _require(self, value, otherwise):
        if not value:
            self.failed = True
            raise AssertionError(otherwise)

    def _changed(self, change):
        new = self.model.copy()
        with suppress(plain.RefusedError):
            change(new)
            return new
        return None

    def _adopt(self, models, what):
        """Go on with the one of ``models`` that is true."""
        seen, wrong = observed.observe(self.world.database), []
        for model in models:
            if model is None:
                continue
            try:
                observed.bind(model, seen)
            except observed.DifferError as error:
                wrong.append(str(error))
            else:
                self.model = model
                return
        self._require(False, f'After {what}: {" / ".join(wrong)}')

    def step(self):
        type(self).steps += 1

    def one_of(self, numbers, number):
        return sorted(numbers)[number % len(numbers)]

    def id(self, number):
        return self.model.ids[number]

    def folder(self, number):
        return Folder().load(self.id(number), force=True)

    def item(self, number):
        return Item().load(self.id(number), force=True)

    def apps(self):
        return self.model.with_role('application')

    # Applications, releases and drafts

    @needs(lambda model: len(model.with_role('application')) < MOST_APPS)
    @rule(name=st.sampled_from(('Slicer', 'Fork', 'Third')), moment=crash)
    def create_app(self, name, moment):
        self.step()

        def change(model):
            model.require_free(None, plain.PACKAGES, name)
            app = model.add(plain.Folder(plain.PACKAGES, name, is_app=True))
            model.add(plain.Folder(app, 'draft'))
        self.carry_out(lambda: applications.create(self.world.admin, name), change, moment)

    @needs(lambda model: len(model.folders) < MOST_FOLDERS)
    @rule(app=pick, name=st.sampled_from(RELEASES), revision=st.sampled_from(REVISIONS), moment=crash)
    def create_release(self, app, name, revision, moment):
        self.step()
        if self.apps():
            self._create_release(self.one_of(self.apps(), app), name, revision, moment)

    def _create_release(self, app, name, revision, moment):
        document = self.folder(app)

        def change(model):
            if name.lower() in [model.folders[one].name.lower() for one in model.children(app)]:
                raise plain.RefusedError
            model.check_channel(model.add(plain.Folder(app, name, revision)))
        self.carry_out(lambda: releases.create_release(document, self.world.admin, name, revision), change, moment)

    @rule(folder=pick, name=st.sampled_from((*RELEASES, 'Fork', 'draft', 'extensions')), moment=crash)
    def rename_folder(self, folder, name, moment):
        self.step()
        number = self.one_of(self.model.folders.keys() - {plain.PACKAGES, plain.ELSEWHERE} or {plain.ELSEWHERE}, folder)
        if number == plain.ELSEWHERE or self.model.folders[number].name == name:
            return
        if name in ('draft', 'extensions') and self._is_role(number, 'application', 'revision', None):
            return
        document = {**self.folder(number), 'name': name}
        self.carry_out(lambda: Folder().updateFolder(document), lambda model: model.change_folder(number, name=name),
                       moment)

    def _is_role(self, number, *roles):
        return self._role(number) in roles

    def _role(self, number):
        place = self.model.place(number)
        return place and place.role

    @has_channels
    @rule(channel=pick, revision=st.sampled_from(REVISIONS), moment=crash)
    def change_revision(self, channel, revision, moment):
        self.step()
        number = self.one_of(self.model.with_role('release', 'revision'), channel)
        document = self.folder(number)
        self.carry_out(lambda: Folder().setMetadata(document, {'revision': revision}),
                       lambda model: model.change_folder(number, revision=revision), moment)

    @has_channels
    @rule(channel=pick, value=st.sampled_from(('true', 'false', 'auto')), moment=crash)
    def override_readiness(self, channel, value, moment):
        self.step()
        number = self.one_of(self.model.with_role('release', 'revision'), channel)
        place = self.model.place(number)
        app, ready = self.folder(place.app), {'true': True, 'false': False, 'auto': None}[value]
        self.carry_out(lambda: readiness.override(app, place.role, str(self.id(number)), value, self.world.admin),
                       lambda model: model.change_folder(number, ready=ready), moment)

    @rule(app=pick, choice=pick, moment=crash)
    def delete_folder(self, app, choice, moment):
        self.step()
        roles = ('release', 'revision', 'extensions', None) if choice % 8 else ('application',)
        numbers = [one for one in self.model.folders if one > plain.ELSEWHERE and self._is_role(one, *roles)]
        if numbers:
            number = self.one_of(numbers, app)
            document = self.folder(number)

            def some(model):
                """An application is deleted one release or draft after the other."""
                there = {one['_id'] for one in self.world.database.folder.find({}, {'_id': 1})}
                for one in model.below(number)[::-1]:
                    if self.id(one) not in there:
                        model.remove_folder(one)
            self.carry_out(lambda: Folder().remove(document, progress=noProgress),
                           lambda model: model.remove_folder(number), moment if self._role(number) else 0,
                           [some] if self._role(number) == 'application' else [])

    @has_drafts
    @rule(app=pick, keep=st.integers(0, 2), moment=crash)
    def prune(self, app, keep, moment):
        self.step()
        app = self.one_of(self.apps(), app)
        drafts = sorted(self.model.channels(app, 'revision'))[::-1][keep:]
        document = self.folder(app)

        def delete():
            retention.delete(retention.plan(document, self.world.admin, keep=keep), noProgress)

        def first(number):
            def change(model):
                for draft in drafts[::-1][:number]:
                    model.remove_folder(draft)
            return change
        self.carry_out(delete, first(len(drafts)), moment, [first(number) for number in range(1, len(drafts))])

    @has_drafts
    @rule(draft=pick, name=st.sampled_from(RELEASES), moment=crash)
    def promote(self, draft, name, moment):
        self.step()
        place = self.model.place(self.one_of(self.model.with_role('revision'), draft))

        def release():
            return next((one for one in self.model.channels(place.app, 'release')
                         if self.model.place(one).revision == place.revision), None)
        if release() is None:
            self._create_release(place.app, name, place.revision, 0)
        if release() is not None:
            number, app = release(), self.folder(place.app)
            self.carry_out(
                lambda: promote.promote(app, self.world.admin, str(self.id(number)), place.revision, noProgress),
                lambda model: model.promote(place.app, number), moment)

    # Moves and copies

    @rule(folder=pick, place=pick, moment=crash)
    def move_folder(self, folder, place, moment):
        self.step()
        movable = [one for one in self.model.folders if one > plain.ELSEWHERE and self._is_role(
            one, 'application', 'release', 'revision', None)]
        if movable:
            number = self.one_of(movable, folder)
            self._move_folder(number, self.one_of(self._targets(number), place), moment)

    def _targets(self, number):
        """Where a folder may be moved: not everywhere, so that the model needs few rules."""
        folder = self.model.folders[number]
        if folder.is_app:
            return [plain.PACKAGES, plain.ELSEWHERE]
        places = self.model.with_role('application', 'draft') if folder.revision else []
        return [plain.ELSEWHERE, *places]

    def _move_folder(self, number, target, moment):
        document, parent = self.folder(number), self.folder(target)
        if target not in self.model.below(number) and not self.model.is_taken(target, self.model.folders[number].name):
            self.carry_out(lambda: Folder().move(document, parent, 'folder'),
                           lambda model: model.change_folder(number, parent=target), moment)

    @has_room
    @rule(folder=pick, place=pick, name=st.sampled_from((None, *REVISIONS)), moment=crash)
    def copy_folder(self, folder, place, name, moment):
        self.step()
        numbers = [one for one in self.model.folders if one > plain.ELSEWHERE and self._is_role(
            one, 'application', 'release', 'revision', None)]
        if numbers:
            number = self.one_of(numbers, folder)
            target = self.one_of(self._targets(number), place)
            if target not in self.model.below(number):
                self.last += 1
                self._copy_folder(number, target, name or f'copy{self.last}', moment)

    def _copy_folder(self, number, target, name, moment):
        document, parent = self.folder(number), self.folder(target)
        self.carry_out(
            lambda: Folder().copyFolder(document, parent, name, parentType='folder', creator=self.world.admin),
            lambda model: model.copy_folder(number, target, model.free_name(None, target, name)),
            moment if self._role(number) else 0)

    @has_items
    @rule(item=pick, place=pick, moment=crash)
    def move_item(self, item, place, moment):
        self.step()
        number, target = self.one_of(self.model.items, item), self._place_for_items(place)
        document, folder = self.item(number), self.folder(target)
        if not self.model.is_taken(target, self.model.items[number].name) or self.model.type_in(target):
            self.carry_out(lambda: Item().move(document, folder),
                           lambda model: model.change_item(number, folder=target), moment)

    def _place_for_items(self, choice):
        return self.one_of([plain.ELSEWHERE, *self.model.with_role('release', 'revision', 'extensions')], choice)

    @has_items
    @has_room
    @rule(item=pick, place=pick, moment=crash)
    def copy_item(self, item, place, moment):
        self.step()
        self.last += 1
        number, target, name = self.one_of(self.model.items, item), self._place_for_items(place), f'copy{self.last}'
        document, folder = self.item(number), self.folder(target)
        self.carry_out(lambda: Item().copyItem(document, self.world.admin, name=name, folder=folder),
                       lambda model: model.copy_item(number, target, name),
                       moment if self.model.is_package(number) else 0)

    # Packages and extensions

    @has_room
    @rule(app=pick, type_=st.sampled_from((plain.PACKAGE, plain.EXTENSION)), name=st.sampled_from(NAMES),
          system=st.sampled_from(SYSTEMS), revision=st.sampled_from(REVISIONS), version=st.sampled_from(('1', '2')),
          moment=crash)
    def save_package(self, app, type_, name, system, revision, version, moment):
        self.step()
        if self.apps():
            self._save(self.one_of(self.apps(), app), type_, (name, *system, revision), version, moment)

    def _save(self, app, type_, identity, version, moment, url=None):
        base_name, system, arch, revision = identity
        key = PACKAGE_TYPES[type_].app_revision
        form = {**FORMS[type_], 'os': system, 'arch': arch, 'baseName': base_name, key: revision,
                **({'version': version} if type_ == plain.PACKAGE else {'category': version}),
                **({'url': url} if url else {})}
        name = PACKAGE_TYPES[type_].default_template.format(**form)
        document = self.folder(app)

        def change(model):
            number = model.upsert(app, type_, identity, name, version)
            if url:
                model.put_link(number, url)
        self.carry_out(lambda: packages.upsert(PACKAGE_TYPES[type_], document, form, self.world.admin), change, moment)

    @has_packages
    @rule(item=pick, url=st.sampled_from(URLS), moment=crash)
    def link(self, item, url, moment):
        self.step()
        item = self.model.items[self.one_of(self.model.packages(), item)]
        place = self.model.place(item.folder)
        if place.revision == item.identity[-1]:
            self._save(place.app, item.type, item.identity, item.version, moment, url)

    @has_items
    @rule(item=pick, moment=crash)
    def rename_item(self, item, moment):
        self.step()
        self.last += 1
        number, name = self.one_of(self.model.items, item), f'item{self.last}'
        document = {**self.item(number), 'name': name}
        self.carry_out(lambda: Item().updateItem(document), lambda model: model.change_item(number, name=name), moment)

    @has_items
    @rule(item=pick, name=st.sampled_from(NAMES), system=st.sampled_from(SYSTEMS), moment=crash)
    def change_identity(self, item, name, system, moment):
        self.step()
        number = self.one_of(self.model.items, item)
        document, revision = self.item(number), self.model.items[number].identity[-1]
        self.carry_out(
            lambda: Item().setMetadata(document, {'baseName': name, 'os': system[0], 'arch': system[1]}),
            lambda model: model.change_item(number, identity=(name, *system, revision)),
            moment if self.model.is_package(number) else 0)  # nothing else shows the identity

    @has_items
    @rule(item=pick, moment=crash)
    def delete_item(self, item, moment):
        self.step()
        number = self.one_of(self.model.items, item)
        document = self.item(number)
        self.carry_out(lambda: Item().remove(document), lambda model: model.remove_item(number),
                       moment if self.model.is_package(number) else 0)

    # Files

    @has_packages
    @rule(item=pick, name=st.sampled_from(FILE_NAMES), content=st.sampled_from(CONTENTS), moment=crash)
    def upload(self, item, name, content, moment):
        self.step()
        number = self._begin(self.one_of(self.model.packages(), item), None, name, content)
        self._finish(number, moment)

    @has_files
    @rule(item=pick, content=st.sampled_from(CONTENTS), moment=crash)
    def replace_content(self, item, content, moment):
        self.step()
        item, file = self._file(item)
        if item is not None:
            self._finish(self._begin(item, file, 'x', content), moment)

    @needs(lambda model: model.packages() and len(model.uploads) < MOST_UPLOADS)
    @rule(item=pick, name=st.sampled_from(FILE_NAMES), content=st.sampled_from(CONTENTS), replaces=st.booleans())
    def begin_upload(self, item, name, content, replaces):
        self.step()
        number, file = self.one_of(self.model.packages(), item), None
        if replaces:
            number, file = self._file(item)
        if number is not None:
            self._begin(number, file, name, content)

    @needs(lambda model: model.uploads)
    @rule(upload=pick, moment=crash)
    def finish_upload(self, upload, moment):
        self.step()
        self._finish(self.one_of(self.model.uploads, upload), moment)

    def _file(self, choice):
        """A package and one of its files."""
        files = [(item, file) for item in self.model.packages() for file in self.model.items[item].files]
        return files[choice % len(files)] if files else (None, None)

    def _begin(self, item, file, name, content):
        if file is None:
            begun = Upload().createUpload(self.world.admin, name, 'item', self.item(item), len(content))
        else:
            begun = Upload().createUploadToFile(File().load(self.id(file), force=True), self.world.admin, len(content))
        number = self.model.add(plain.Upload(item, file, name, content))
        self.model.ids[number] = begun['_id']
        return number

    def _finish(self, number, moment):
        upload = self.model.uploads[number]

        def change(model):
            del model.uploads[number]
            item = model.items[upload.item]
            if upload.file is None:
                model.add_file(upload.item, upload.name, upload.content)
            elif upload.file in item.files:
                model.replace_content(upload.item, upload.file, upload.content)
            else:
                raise plain.RefusedError
        if not self.model.is_package(upload.item):
            return
        document = Upload().load(self.id(number))
        try:
            self.carry_out(lambda: Upload().handleChunk(document, io.BytesIO(upload.content)), change, moment)
        finally:
            self.model.uploads.pop(number, None)  # after a crash, its client begins anew
            if moment:
                self.model.interrupted[upload.item] = True

    @has_files
    @rule(item=pick, name=st.sampled_from(FILE_NAMES), moment=crash)
    def rename_file(self, item, name, moment):
        self.step()
        item, file = self._file(item)
        if item is not None:
            document = {**File().load(self.id(file), force=True), 'name': name}
            self.carry_out(lambda: File().updateFile(document), lambda model: model.rename_file(item, file, name),
                           moment)

    @has_files
    @rule(item=pick, moment=crash)
    def delete_file(self, item, moment):
        self.step()
        item, file = self._file(item)
        if item is not None:
            document = File().load(self.id(file), force=True)
            self.carry_out(lambda: File().remove(document), lambda model: model.delete_file(item, file), moment)

    @has_packages
    @rule(item=pick, content=st.sampled_from(CONTENTS), moments=st.tuples(crash, crash, crash))
    def replace_as_published_clients(self, item, content, moments):
        self.step()
        item = self.one_of(self.model.packages(), item)
        old = self.model.items[item].files[:1]
        self._finish(self._begin(item, None, plain.REPLACEMENT, content), moments[0])
        new = self.model.items[item].files[-1:]
        for file in old:
            document = File().load(self.id(file), force=True)
            if document:
                self.carry_out(lambda one=document: File().remove(one),
                               lambda model, file=file: model.delete_file(item, file), moments[1])
        for file in new:
            if file in self.model.items[item].files:
                document = {**File().load(self.id(file), force=True), 'name': 'a.zip'}
                self.carry_out(lambda one=document: File().updateFile(one),
                               lambda model, file=file: model.rename_file(item, file, 'a.zip'), moments[2])

    # Downloads

    @has_files
    @rule(item=pick)
    def begin_download(self, item):
        self.step()
        number, _ = self._file(item)
        if number is not None and len(self.reading) < 4:
            self.reading.append(item_files.of_item(self.id(number)).item)

    @precondition(lambda self: self.reading)
    @rule(choice=pick, moment=crash, last=st.booleans())
    def finish_download(self, choice, moment, last):
        """The package may be another one by now, or deleted."""
        self.step()
        item = self.reading[choice % len(self.reading)]
        if last:
            self.reading.remove(item)
        self._count(item, moment)

    @has_files
    @rule(items=st.lists(pick, min_size=10, max_size=30), moment=crash)
    def download(self, items, moment):
        for item in items:
            number, _ = self._file(item)
            if number is not None:
                self.step()
                found = item_files.of_item(self.id(number))
                assert found.file['_id'] == self.id(self.model.items[number].files[0])
                self._count(found.item, moment)

    def _count(self, item, moment):
        key = counts.key_of(item)
        identity = tuple(key[one] for one in counts._KEY)
        try:
            self.world.run(lambda: counter.store(key), moment)
        except Crash:
            stored = self.world.database.slicer_package_download.find_one(key) or {'count': 0}
            counted = stored['count'] - self.model.counts.get(identity, 0)
            assert counted in (0, 1)
            if counted:
                self.model.count(identity)
        else:
            self.model.count(identity)

    # Time

    @rule(days=st.integers(0, 2), uploads_too=st.booleans(), restart=st.booleans(), moment=crash)
    def let_time_pass(self, days, uploads_too, restart, moment):
        """Do what the server does from time to time."""
        self.step()
        if restart:
            with suppress(Crash):
                self.world.run(self.world.process.stop)
        self.world.clock.moment += timedelta(days=days) + SHORT
        file_removal.sweep()
        if uploads_too:
            self.world.clock.moment += LONG
            uploads._clean_up()
            self.model.uploads.clear()
            self.model.interrupted.clear()

        def change(model):
            model.forget_replaced()
        self.carry_out(counter._keep_up, change, moment, [change])

    # Lists

    @rule(app=pick)
    def read_statistics(self, app):
        self.step()
        if self.apps():
            self._check_sums(self.one_of(self.apps(), app))

    @rule(app=pick, type_=st.sampled_from((plain.PACKAGE, plain.EXTENSION)))
    def read_list(self, app, type_):
        self.step()
        if self.apps():
            app = self.one_of(self.apps(), app)
            listed = package_lists.find(PACKAGE_TYPES[type_], self.folder(app), None, EVERYTHING)
            found = map(orjson.loads, listed.documents)
            items = {one: self.model.items[one] for one in self.model.packages()}
            expected = [str(self.id(one)) for one, item in items.items() if item.files and item.type == type_ and
                        self.model.place(item.folder).app == app]
            assert sorted(str(one['_id']) for one in found) == sorted(expected)

    def _check_sums(self, app):
        found = orjson.loads(rollup.Totals(self.folder(app)).as_json())
        expected = {}
        for key, number in self.model.counts.items():
            of_app, kind, revision, name, system, arch, *_ = key
            if of_app == self.id(app):
                names = (PACKAGE_TYPES[kind].plural, *([name] if kind == plain.EXTENSION else []), system)
                inner = expected.setdefault(revision, {})
                for one in names:
                    inner = inner.setdefault(one, {})
                inner[arch] = inner.get(arch, 0) + number
        assert found == expected

    def teardown(self):
        try:
            if not self.failed:
                self._check_all()
        finally:
            self.world.end()

    def _check_all(self):
        self._adopt([self.model], 'the run')
        assert observed.counts_of(self.world.database) == self.model.counts
        for app in self.apps():
            self._check_sums(app)
        self.world.clock.moment += LONG
        counter._keep_up()
        for app in self.apps():
            self._check_sums(app)
        self._complete_replacements()
        self.world.clock.moment += SHORT
        self.world.let_files_age()
        file_removal.sweep()
        uploads._clean_up()
        observed.require_clean(self.world)
        if self.has_crashed:
            observed.put_unused_bytes_aside(self.world)
        if not self.model.leaves_bytes:
            observed.require_no_bytes_left(self.world)
        observed.require_sizes(self.world, has_crashed=self.has_crashed)

    def _complete_replacements(self):
        """Do what the clients are about to do whose replacements wait."""
        for item in self.model.packages():
            for file in self.model.items[item].files[:-1]:
                document = File().load(self.id(file), force=True)
                self.carry_out(lambda one=document: File().remove(one),
                               lambda model, item=item, file=file: model.delete_file(item, file))
