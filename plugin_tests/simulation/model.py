"""What must be true: folders, the items in them, the files of these, and counts, with the rules of the registry.

All nodes have numbers, since their ids are only known when the database has made them. A model is not changed after it
was compared with the database: each operation works on a copy.
"""
from typing import NamedTuple

PACKAGE, EXTENSION = 'package', 'extension'
REPLACEMENT = 'new_file'
#: The numbers of the folder of all applications, and of a folder that has nothing to do with packages.
PACKAGES, ELSEWHERE = 0, 1
#: What lies in folders of these roles.
TYPES = {'release': PACKAGE, 'revision': PACKAGE, 'extensions': EXTENSION}


class RefusedError(Exception):
    """The operation breaks a rule, so nothing may change."""


class Folder(NamedTuple):
    parent: int | None
    name: str
    revision: str | None = None
    is_app: bool = False
    ready: bool | None = None


class File(NamedTuple):
    """A file; ``content`` are its bytes, or the URL of a link. ``age`` grows with each new content."""

    name: str
    content: bytes | str
    age: int

    @property
    def is_link(self):
        return isinstance(self.content, str)


class Item(NamedTuple):
    """A package; ``files`` has that for readers first, ``waited`` replacements that were detached while they waited."""

    folder: int
    name: str
    type: str
    identity: tuple
    version: str
    files: tuple = ()
    waited: tuple = ()


class Upload(NamedTuple):
    """An upload that has begun: to an item, or new content of the file with the number ``file``."""

    item: int
    file: int | None
    name: str
    content: bytes


class Place(NamedTuple):
    """The registration of a folder."""

    role: str
    app: int | None = None
    channel: int | None = None
    draft: bool | None = None
    revision: str | None = None
    release: str | None = None


class Model:
    def __init__(self):
        self.folders, self.items, self.files, self.uploads = {}, {}, {}, {}
        self.counts = {}
        self.ids = {}
        #: Of each file: its age, and what the database had as its age.
        self.moments = {}
        #: Items with an upload that a crash has interrupted, and whether bytes of such an upload may be left for good:
        #: those to what is no package any more when it is deleted.
        self.interrupted, self.leaves_bytes = {}, False
        self.last = ELSEWHERE

    def copy(self):
        new = Model()
        for key, value in vars(self).items():
            setattr(new, key, dict(value) if isinstance(value, dict) else value)
        return new

    def new(self):
        self.last += 1
        return self.last

    def add(self, node):
        number = self.new()
        kind = {Folder: self.folders, Item: self.items, File: self.files, Upload: self.uploads}[type(node)]
        kind[number] = node
        return number

    # Folders

    def children(self, folder):
        return [number for number, one in self.folders.items() if one.parent == folder]

    def child(self, folder, name):
        return next((one for one in self.children(folder) if self.folders[one].name == name), None)

    def items_in(self, *folders):
        return [number for number, one in self.items.items() if one.folder in folders]

    def below(self, folder):
        """``folder`` and all folders in it, outer ones first."""
        found = [folder]
        for one in found:
            found += self.children(one)
        return found

    def place(self, number):
        """The registration that follows from the place of a folder; ``None`` if it has none."""
        folder = self.folders[number]
        if folder.parent is None:
            return Place('packages') if number == PACKAGES else None
        around = self.place(folder.parent)
        return around and self._place_in(around, number, folder)

    def _place_in(self, around, number, folder):
        role = around.role
        if role == 'packages' and folder.is_app:
            return Place('application', number)
        if role == 'application' and folder.name == 'draft':
            return Place('draft', around.app)
        if role == 'application' and folder.revision is not None:
            return Place('release', around.app, number, False, folder.revision, folder.name)
        if role == 'draft':
            return Place('revision', around.app, number, True, folder.revision or folder.name, '')
        return around._replace(role='extensions') if role in TYPES and folder.name == 'extensions' and (
            role != 'extensions') else None

    def with_role(self, *roles):
        return [number for number in self.folders if (place := self.place(number)) and place.role in roles]

    def channels(self, app, role):
        return [one for one in self.with_role(role) if self.place(one).app == app]

    def is_taken(self, folder, name):
        return name in [self.folders[one].name for one in self.children(folder)] + [
            self.items[one].name for one in self.items_in(folder)]

    def require_free(self, number, parent, name):
        """Names are unique in a folder."""
        if self.is_taken(parent, name) and (number is None or self.folders[number][:2] != (parent, name)):
            raise RefusedError

    def check_channel(self, number):
        """Names and revisions of releases, and revisions of drafts, are unique in an application."""
        place = self.place(number)
        if place is None or place.role not in ('release', 'revision'):
            return
        for one in self.channels(place.app, place.role):
            other = self.place(one)
            same = place.role == 'release' and other.release.lower() == place.release.lower()
            if one != number and (same or other.revision == place.revision):
                raise RefusedError

    def change_folder(self, number, **values):
        before, parent = self.folders[number], values.get('parent', self.folders[number].parent)
        if 'name' in values or 'parent' in values:
            place = self.place(number)
            if place and place.role in ('draft', 'extensions', 'packages'):
                raise RefusedError
            self.require_free(number, parent, values.get('name', before.name))
        self.folders[number] = before._replace(**values)
        place = self.place(number)
        if place and place.role == 'revision' and before.revision is None:
            self.folders[number] = self.folders[number]._replace(revision=place.revision)
        if place and place.role == 'release' and place.release.lower() in ('draft', 'extensions'):
            raise RefusedError
        self.check_channel(number)
        for below in self.below(number):  # items that were none of packages before may be alike
            for item in self.items_in(below):
                self.check_item(item)

    def remove_folder(self, number):
        for folder in self.below(number)[::-1]:
            for item in self.items_in(folder):
                self.remove_item(item)
            del self.folders[folder]

    def copy_folder(self, number, parent, name):
        """Copies of replaced files and of uploads are not made."""
        self.require_free(None, parent, name)
        new = self.add(self.folders[number]._replace(parent=parent, name=name))
        self.check_channel(new)
        for item in self.items_in(number):
            self.copy_item(item, new, self.items[item].name)
        for child in self.children(number):
            if child != new:
                self.copy_folder(child, new, self.folders[child].name)
        return new

    # Items

    def type_in(self, folder):
        place = self.place(folder)
        return place and TYPES.get(place.role)

    def is_package(self, item):
        return self.type_in(self.items[item].folder) is not None

    def packages(self):
        return [one for one in self.items if self.is_package(one)]

    def check_item(self, number):
        """An item in a folder of packages is one, of the right type, and the only one of its identity."""
        item = self.items[number]
        type_ = self.type_in(item.folder)
        if type_ is None:
            return
        others = [self.items[one].identity for one in self.items_in(item.folder) if one != number]
        if type_ != item.type or item.identity in others:
            raise RefusedError

    def free_name(self, number, folder, name):
        """Girder gives an item, or the copy of a folder, another name if its name is taken."""
        taken = {self.items[one].name for one in self.items_in(folder) if one != number}
        taken |= {self.folders[one].name for one in self.children(folder)}
        return next(one for one in (name, *(f'{name} ({more})' for more in range(1, 99))) if one not in taken)

    def change_item(self, number, **values):
        self.items[number] = item = self.items[number]._replace(**values)
        if 'name' in values:
            self.items[number] = item._replace(name=self.free_name(number, item.folder, item.name))
        elif item.name != self.free_name(number, item.folder, item.name):
            raise RefusedError
        self.check_item(number)

    def remove_item(self, number):
        pending = {*self.interrupted, *(one.item for one in self.uploads.values())}
        self.leaves_bytes |= number in pending and not self.is_package(number)
        for file in (*self.items[number].files, *self.items[number].waited):
            del self.files[file]
        del self.items[number]
        self.uploads = {key: one for key, one in self.uploads.items() if one.item != number}

    def copy_item(self, number, folder, name):
        item = self.items[number]
        new = self.add(item._replace(folder=folder, name=self.free_name(None, folder, name), files=(), waited=()))
        files = tuple(self.add(self.files[one]) for one in item.files)
        self.items[new] = self.items[new]._replace(files=files)
        self.check_item(new)
        return new

    def channel_for(self, app, revision):
        """The release of the revision, else the draft, which is made."""
        for role in ('release', 'revision'):
            for one in self.channels(app, role):
                if self.place(one).revision == revision:
                    return one
        drafts = self.child(app, 'draft')
        if drafts is None:
            drafts = self.add(Folder(app, 'draft'))
        self.require_free(None, drafts, revision)
        return self.add(Folder(drafts, revision, revision))

    def upsert(self, app, type_, identity, name, version):
        """``name`` is what the template makes of the package."""
        folder = self.channel_for(app, identity[-1])
        if type_ == EXTENSION:
            folder, channel = self.child(folder, 'extensions'), folder
            folder = self.add(Folder(channel, 'extensions')) if folder is None else folder
        same = [one for one in self.items_in(folder) if self.items[one].identity == identity]
        number = same[0] if same else self.add(Item(folder, name, type_, identity, version))
        if name != self.free_name(number, folder, name):
            raise RefusedError
        self.items[number] = self.items[number]._replace(name=name, version=version)
        return number

    # Files

    def ordered(self, files):
        return sorted(files, key=lambda one: self.files[one].age)

    def set_files(self, number, files):
        """Keep the newest, and the one for readers beside a replacement that waits."""
        found = self.ordered(files)
        newest = found and self.files[found[-1]]
        waiting = len(found) > 1 and newest.name == REPLACEMENT and not newest.is_link
        kept = (found[0], found[-1]) if waiting else tuple(found[-1:])
        waited = [*self.items[number].waited]
        for one in found:
            if one not in kept:
                old = self.files[one]
                if old.name == REPLACEMENT and not old.is_link:
                    waited.append(one)
                else:
                    del self.files[one]
        self.items[number] = self.items[number]._replace(files=kept, waited=tuple(waited))

    def add_file(self, number, name, content):
        if not self.is_package(number):
            raise NotImplementedError
        file = self.add(File(name, content, self.new()))
        self.set_files(number, (*self.items[number].files, file))
        return file

    def replace_content(self, number, file, content):
        self.files[file] = self.files[file]._replace(content=content, age=self.new())
        self.set_files(number, self.items[number].files)

    def rename_file(self, number, file, name):
        self.files[file] = self.files[file]._replace(name=name)
        item = self.items[number]
        if file in item.files:
            self.set_files(number, item.files)
        elif name != REPLACEMENT:
            self.items[number] = item._replace(waited=tuple(one for one in item.waited if one != file))
            del self.files[file]

    def delete_file(self, number, file):
        item = self.items[number]
        if file not in item.files:
            return  # it is replaced already
        rest = tuple(one for one in item.files if one != file)
        if not rest and item.waited:  # the replacement returns that was about to take the place of this one
            rest = tuple(self.ordered(item.waited)[-1:])
        self.items[number] = item._replace(waited=tuple(one for one in item.waited if one not in rest))
        del self.files[file]
        self.set_files(number, rest)

    def forget_replaced(self):
        """What was replaced a while ago is gone."""
        for number, item in self.items.items():
            for file in item.waited:
                del self.files[file]
            self.items[number] = item._replace(waited=())

    def put_link(self, number, url):
        files = self.ordered(self.items[number].files)
        first = files and self.files[files[0]]
        name = url.rpartition('/')[2]
        if not files or not first.is_link:
            self.add_file(number, name, url)
        elif (first.content, first.name) != (url, name):
            self.files[files[0]] = File(name, url, self.new())
            self.set_files(number, files)

    # Promotion

    def promote(self, app, release):
        revision = self.place(release).revision
        draft = next((one for one in self.channels(app, 'revision') if self.place(one).revision == revision), None)
        if draft is None:
            return
        pairs = [(draft, release)]
        extensions = self.child(draft, 'extensions')
        if set(self.children(draft)) - {extensions}:
            raise RefusedError
        if extensions is not None:
            if self.children(extensions):
                raise RefusedError
            target = self.child(release, 'extensions')
            pairs.append((extensions, self.add(Folder(release, 'extensions')) if target is None else target))
        for source, target in pairs:
            self._move_all(source, target)
        self.remove_folder(draft)

    def _move_all(self, source, target):
        there = {self.items[one].identity: one for one in self.items_in(target)}
        names = {self.items[one].name for one in self.items_in(target)}
        for one in self.items_in(source):
            item = self.items[one]
            other = there.get(item.identity)
            if other is not None and self.checksum(one) is not None and self.checksum(one) == self.checksum(other):
                self.remove_item(one)
            elif other is not None or item.name in names:
                raise RefusedError
            else:
                self.items[one] = item._replace(folder=target)

    def checksum(self, item):
        files = self.items[item].files
        content = self.files[files[0]].content if files else None
        return content if isinstance(content, bytes) else None

    # Counts

    def count(self, key, number=1):
        self.counts[key] = self.counts.get(key, 0) + number
