"""Registers a package or an extension and brings its file, or the link to it, to the server."""
from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from girder_client import HttpError

from slicer_package_manager_client import registry
from slicer_package_manager_client.errors import ChecksumMismatch, Conflict, SlicerPackageManagerError
from slicer_package_manager_client.journal import Journal
from slicer_package_manager_client.transfer import ItemGone, Transfer, is_gone

if TYPE_CHECKING:
    from slicer_package_manager_client.connection import Connection
    from slicer_package_manager_client.fields import PackageType
    from slicer_package_manager_client.localfile import LocalFile
    from slicer_package_manager_client.registry import Document

#: How often metadata are sent again that the server did not take because another process changes them.
_CONFLICTS = 4
#: What an upload can come to, and how it is said.
UPLOADED, REPLACED, UNCHANGED, UPDATED, REGISTERED = 'uploaded', 'replaced', 'unchanged', 'updated', 'registered'


@dataclass
class Outcome:
    """What was done: one of the constants above, to which item; whether it is new; and what else is worth knowing."""

    status: str
    item: Document
    created: bool = False
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Link:
    """A file that is hosted elsewhere."""

    url: str
    file_name: str | None = None
    size: int | None = None
    sha512: str | None = None


class _Moved(Exception):
    """The item to update turned out to be another one than the one that was found."""

    def __init__(self, item: Document) -> None:
        super().__init__()
        self.item = item


class Publication:
    """One package or extension on its way to the server.

    :param values: REST parameters.
    """

    def __init__(self, client: Connection, package_type: PackageType, app: Document, values: dict[str, Any], *,
                 journal: Journal | None = None) -> None:
        self._client = client
        self._package_type = package_type
        self._app = app
        self._values = dict(values)
        self._journal = journal or Journal()

    def plan(self, source: LocalFile | None, *, force: bool = False) -> Outcome:
        """What publishing would come to; changes nothing."""
        item = registry.registered(self._client, self._package_type, self._app, self._values)
        if item is None:
            return Outcome(UPLOADED if source else REGISTERED, {'meta': self._values})
        if source is None:
            return Outcome(REGISTERED, item)
        files = self._files(item)
        if force or not self._is_stored(files, source):
            return Outcome(REPLACED if files else UPLOADED, item)
        return Outcome(UNCHANGED if self._is_told(item) else UPDATED, item)

    def send(self, source: LocalFile, *, force: bool = False) -> Outcome:
        """Make the item have the file ``source``, and no other one; its metadata as given.

        A new item is registered first, and shown to nobody until its file is there. Of one that exists,
        the metadata are changed just before the last piece of the file is sent, so that readers find
        both old or both new.

        An item that another process deletes meanwhile is registered again.

        :param force: send the file even if the server has it already.
        :raises ChecksumMismatch: the server got other bytes; it does not keep them.
        """
        self._client.retries.refill()
        try:
            return self._client.retries.attempts(lambda error: isinstance(error, ItemGone))(
                self._register_and_fill, source, force=force)
        except ItemGone as gone:
            raise Conflict(f'The {self._package_type.label} is deleted again and again while it is uploaded: {gone}',
                           server=self._client.urlBase, advice='Does another process delete it?') from gone

    def _register_and_fill(self, source: LocalFile, *, force: bool) -> Outcome:
        item = registry.registered(self._client, self._package_type, self._app, self._values)
        if item is None:
            item = self.register(new=True)
            outcome = self._fill(item, source, force=force, told=True)
            outcome.created = True
            return outcome
        try:
            return self._fill(item, source, force=force, told=False)
        except _Moved as moved:
            return self._fill(moved.item, source, force=force, told=True)

    def link(self, link: Link) -> Outcome:
        """Make the item point to a file that is hosted elsewhere."""
        known = registry.registered(self._client, self._package_type, self._app, self._values)
        if known:
            self._keep_required(known)
        item = self.register({'url': link.url, **registry.given(
            file_name=link.file_name, size=link.size, sha512=link.sha512)}, new=known is None)
        files = self._files(item)
        if not files or files[-1].get('linkUrl', link.url) != link.url:
            raise SlicerPackageManagerError(
                'The server did not register the URL; it may be too old for that.', server=self._client.urlBase)
        return Outcome(REGISTERED, self._client.getItem(item['_id']), created=known is None)

    def register(self, more: Document | None = None, *, new: bool = False) -> Document:
        """Create the item, or update its metadata.

        :param new: there is none, so that there is nothing that an empty value clears.
        """
        data = {key: str(value).lower() if isinstance(value, bool) else value
                for key, value in {**self._values, **(more or {})}.items() if value != '' or not new}
        for one in self._package_type.fields:
            if one.sent:
                data.setdefault(one.key, '')
        # Of several processes that change one item at once, the server lets one do so at a time.
        attempts = dataclasses.replace(self._client.retries, times=_CONFLICTS).attempts(_is_conflict)
        document: Document = attempts(
            self._client.post, f'app/{self._app["_id"]}/{self._package_type.label}', data=data)
        return document

    def _fill(self, item: Document, source: LocalFile, *, force: bool, told: bool) -> Outcome:
        files = self._files(item)
        self._keep_required(item)
        if not force and self._is_stored(files, source):
            return self._update(item, files[0], source, told=told)
        stored = next((file['_id'] for file in files if not file.get('linkUrl')), None)
        document = self._put(item['_id'], source, stored, None if told else lambda: self._tell(item))
        self._name(document, source)
        return self._concluded(item['_id'], document, REPLACED if files else UPLOADED)

    def _update(self, item: Document, file: Document, source: LocalFile, *, told: bool) -> Outcome:
        """The file is there already; make the rest as it should be."""
        renamed = self._name(file, source)
        if renamed and not self._is_stored(self._files(item), source):
            # Another process replaced the bytes before they got this name: the last upload is to win, whole.
            return self._fill(item, source, force=True, told=told)
        if told or self._is_told(item):
            return Outcome(UPDATED if renamed else UNCHANGED, item)
        return Outcome(UPDATED, self.register())

    def _name(self, file: Document, source: LocalFile) -> bool:
        """Give the file its name, where a server did not take the name with the bytes."""
        if file['name'] == source.name:
            return False
        try:
            self._client.put(f'file/{file["_id"]}', parameters={'name': source.name})
        except HttpError as error:
            if not is_gone(error):
                raise
        return True

    def _put(self, item_id: str, source: LocalFile, replaces: str | None, tell: Any) -> Document:
        transfer = Transfer(self._client, self._journal, source, item_id, replaces=replaces, before_last=tell)
        try:
            return self._whole(transfer.run(), source)
        except ChecksumMismatch:
            source.require_unchanged()
            if not transfer.interrupted:
                raise
        # A server that was stopped in mid-piece may have lost count; from the beginning, then.
        return self._whole(Transfer(self._client, self._journal, source, item_id, replaces=replaces).run(), source)

    def _whole(self, document: Document, source: LocalFile) -> Document:
        known = document.get('sha512')
        if document.get('size') == source.size and (not known or known == source.digest()):
            return document
        self._client.delete(f'file/{document["_id"]}')
        raise ChecksumMismatch(
            f'The server received "{source.name}" damaged (sha512 {document.get("sha512")} instead of '
            f'{source.digest()}); it was removed there.', server=self._client.urlBase, advice='Run again.')

    def _tell(self, item: Document) -> None:
        with self._client.explained():
            answer = self.register()
        if answer['_id'] != item['_id']:
            raise _Moved(answer)

    def _keep_required(self, item: Document) -> None:
        """Parameters that the server insists on, and that were not given, keep their values."""
        for one in self._package_type.fields:
            if one.sent:
                self._values.setdefault(one.key, item['meta'].get(one.key, ''))

    def _concluded(self, item_id: str, document: Document, status: str) -> Outcome:
        """Look again at what readers get now."""
        outcome = Outcome(status, self._client.getItem(item_id))
        if not document.get('sha512'):
            outcome.notes.append('The server reported no checksum; only the size was compared.')
        elif all((file['_id'], file.get('sha512')) != (document['_id'], document['sha512'])
                 for file in self._files(outcome.item)):
            outcome.notes.append('Another upload of the same item came after this one and replaced it.')
        return outcome

    def _files(self, item: Document) -> list[Document]:
        files: list[Document] = self._client.get(f'item/{item["_id"]}/files')
        return files

    def _is_told(self, item: Document) -> bool:
        known = {**item['meta'], 'description': item['meta'].get('description', item.get('description', ''))}
        return all(_said(known.get(key, '')) == _said(value) for key, value in self._values.items())

    @staticmethod
    def _is_stored(files: list[Document], source: LocalFile) -> bool:
        return (len(files) == 1 and files[0].get('size') == source.size and not files[0].get('linkUrl')
                and files[0].get('sha512') == source.digest())


def _said(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_conflict(error: BaseException) -> bool:
    return isinstance(error, HttpError) and error.status == 409  # noqa: PLR2004
